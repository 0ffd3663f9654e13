"""Which entry of its feed is this, and under which id do subscribers know it?"""

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count, islice
from typing import Protocol

from msgspec.structs import replace

from aggregator.model.feeds import KeyRule
from aggregator.model.items import Entry
from aggregator.model.visits import Document, ParsedFeed
from aggregator.text.patterns import late
from aggregator.text.sites import USUAL_ADDRESSES, AddressRules
from aggregator.text.urls import canonical, place_on_page

# Ids that we mint are name-based UUIDs (RFC 4122 section 4.3) in a name space of our own, so that
# they depend on the feed and the entry alone: not on our address, a row number or a title.
NAMESPACE = uuid.UUID("6c1f3a52-6f0e-5a0b-9d55-0d3f6f0a7a11")

_SPACE = NAMESPACE.bytes + b"item\n"
_VERSION_5 = (5 << 76) | (0b10 << 62)  # RFC 4122 sections 4.1.3 and 4.1.1
_FREE_BITS = ~((0xF << 76) | (0b11 << 62))

# RFC 3987 section 2.2: what no IRI may hold can be no part of an atom:id.
_ABSOLUTE_URI = late(
    r"(?:https?://[^\s/]|tag:[^\s,]+,\d|urn:[a-z0-9][a-z0-9-]+:)[^\s<>\"{}|\\^`\[\]\x7f-\x9f]*",
    re.IGNORECASE,
)
_MAX_ID = 2_000
_ASKED = 4  # names of an entry that are looked up; that all are taken takes malice and luck
_EDITION = late(r"#\d{1,3}$")  # BBC: …/news/world-58620167#0, then #1, #2 as it is edited


class Told(Protocol):
    """What can be told apart: an entry, or what is remembered of one."""

    @property
    def guid(self) -> str | None:
        """The publisher's id, character by character."""

    @property
    def link(self) -> str | None:
        """The address as written, made absolute."""

    @property
    def canonical(self) -> str | None:
        """Its canonical form."""

    @property
    def title(self) -> str:
        """The headline."""

    @property
    def published(self) -> datetime | None:
        """The publisher's date."""


def key_of(entry: Told, rule: KeyRule = KeyRule.GUID) -> str:
    """Identity of ``entry`` within its feed: guid, else address, else a hash of title and date.

    The prefix says which, so that a guid can never be taken for a link. ``rule`` is what the feed
    taught us to go by instead; where an entry lacks that, it is the same ladder.
    """
    if rule is KeyRule.WORDS and entry.title:
        return _hashed(entry)
    if rule is KeyRule.LINK and entry.link:
        return f"link:{address_of(entry)}"
    if not entry.guid:
        return f"link:{address_of(entry)}" if entry.link else _hashed(entry)
    if rule is KeyRule.FORM:
        return f"form:{form_of(entry.guid)}"
    if rule is KeyRule.BOTH:
        return both(entry)
    return f"guid:{entry.guid}"


def both(entry: Told) -> str:
    """Return the key of an entry whose guid other stories of its feed bear, too."""
    return f"both:{entry.guid}\n{address_of(entry) or _hashed(entry)}"


def address_of(entry: Told) -> str:
    """Return an entry's address without what publishers change; '' when it has none.

    The canonical address, and the place on the page, which may tell entries apart that link to
    one page.
    """
    if not entry.link:
        return ""
    return (entry.canonical or canonical(entry.link)) + place_on_page(entry.link)


def placed_by(rules: AddressRules, document: Document) -> Document:
    """Return ``document``, read by the usual rules, with the addresses that ``rules`` give.

    Of an address that came in place of a link (feedburner:origLink) only the usual form is left.
    """
    if not isinstance(document, ParsedFeed) or rules == USUAL_ADDRESSES:
        return document
    return replace(document, entries=tuple(_placed(entry, rules) for entry in document.entries))


def _placed(entry: Entry, rules: AddressRules) -> Entry:
    if not entry.link or not entry.canonical:
        return entry
    written = entry.link if entry.canonical == canonical(entry.link) else entry.canonical
    return replace(entry, canonical=canonical(written, rules))


def form_of(guid: str) -> str:
    """Return ``guid`` without what moves in it, if it is an address; else as it is."""
    if not guid.startswith(("http://", "https://")):
        return guid
    bare = _EDITION.sub("", guid)
    return canonical(bare) + place_on_page(bare)


def _hashed(entry: Told) -> str:
    stable = f"{entry.title}\n{entry.published.isoformat() if entry.published else ''}"
    return f"hash:{hashlib.sha256(stable.encode()).hexdigest()}"


def minted_id(feed: str, key: str) -> str:
    """Return a permanent ``urn:uuid:`` for an entry whose publisher gave no usable id."""
    # What uuid.uuid5() gives, in a sixth of its time; it is asked for several times an entry.
    name = hashlib.sha1(_SPACE + f"{feed}\n{key}".encode(), usedforsecurity=False)
    number = int.from_bytes(name.digest()[:16], "big") & _FREE_BITS | _VERSION_5
    all_32 = f"{number:032x}"
    return f"urn:uuid:{all_32[:8]}-{all_32[8:12]}-{all_32[12:16]}-{all_32[16:20]}-{all_32[20:]}"


def entry_id(feed: str, key: str, entry: Entry, taken: frozenset[str]) -> str:
    """Return the id that subscribers see, for good.

    RFC 4287 section 4.2.6: an id "MUST NOT change" when an entry is republished, so the
    publisher's own is kept where it is an absolute URI that no other item bears.
    """
    for wanted in wanted_ids(feed, key, entry):
        if wanted not in taken:
            return wanted
    raise AssertionError("there is always a next name")


def wanted_ids(feed: str, key: str, entry: Entry) -> Iterator[str]:
    """Yield the ids that an entry would take, the best first; the last of them never ends.

    Another feed may carry an id of ours: it could republish us.
    """
    guid = entry.guid
    if guid and len(guid) <= _MAX_ID and _ABSOLUTE_URI.fullmatch(guid):
        yield guid
    yield minted_id(feed, key)
    for turn in count(1):
        yield minted_id(feed, f"{key}\n{turn}")


def ids_of(feed: str, listed: Mapping[str, Entry]) -> list[str]:
    """Return all ids that the entries ``listed`` by key would take: what to look up."""
    wanted = (islice(wanted_ids(feed, key, entry), _ASKED) for key, entry in listed.items())
    return [name for names in wanted for name in names]
