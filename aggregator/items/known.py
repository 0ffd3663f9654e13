"""What must be remembered of an item, so that it is known when it comes again?"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b

from msgspec import Struct, field

from aggregator.items.identity import address_of, form_of
from aggregator.items.places import number_of
from aggregator.model.items import Enclosure, Entry
from aggregator.text.tokens import words

_AHEAD = timedelta(days=1)  # by which an entry may be dated after we saw it
_MASK = (1 << 63) - 1  # SQLite's integers have a sign


class KnownItem(Struct, frozen=True, kw_only=True):
    """What the store tells of an item to decide on its next appearance.

    The publisher's own words of it as they stand: guid, link, canonical address, title, date
    (None when it had none), attached files, digest. ``revisions`` counts its changes under one
    headline, ``titles`` those of the headline; ``first_seen`` is when it came in.
    """

    id: str
    digest: str
    revisions: int = 0
    titles: int = 0
    guid: str | None = None
    link: str | None = None
    canonical: str | None = None
    title: str = ""
    published: datetime | None = None
    enclosures: tuple[Enclosure, ...] = ()
    first_seen: datetime | None = None


class Match(Struct, frozen=True, kw_only=True):
    """The verdict that an entry is a known item under another key.

    By which rule; ``figure`` is the kinship of their headlines, 0..1.
    """

    item: KnownItem
    rule: str
    figure: float


class Waiting(Struct, frozen=True, kw_only=True):
    """An entry that a visit had no room for, to be taken in by a later one.

    ``since`` is when it was seen; ``backlog`` whether it was there before us.
    """

    entry: Entry
    since: datetime
    backlog: bool


class Known(Struct, frozen=True, kw_only=True):
    """What the store knows of a document's entries.

    ``items`` by key; a key whose item was pruned maps to None (it is not new), and
    ``pruned`` tells since when such a key was known. ``taken`` are the entry ids that items of any
    feed already bear. ``first_visit`` when nothing of the feed is
    known: what it lists then was there before us. ``matches`` are items recognised under other
    keys, by the key of the entry; ``before`` the entries, by item id, of those whose words are
    others now. ``waiting`` are entries of earlier visits.
    """

    items: Mapping[str, KnownItem | None] = field(default_factory=dict)
    pruned: Mapping[str, datetime] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    first_visit: bool = False
    matches: Mapping[str, Match] = field(default_factory=dict)
    before: Mapping[str, Entry] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()

    def has(self, key: str) -> bool:
        """Whether an entry of this key is no newcomer."""
        return key in self.items or key in self.matches

    def outlived(self, key: str, entry: Entry) -> bool:
        """Whether ``entry`` is newer than the pruned item that was known under ``key``."""
        since, date = self.pruned.get(key), entry.published
        return since is not None and date is not None and date > since + _AHEAD

    def item(self, key: str) -> KnownItem | None:
        """Return the item that an entry of this key is; None when it is new, or was pruned."""
        match = self.matches.get(key)
        return match.item if match else self.items.get(key)


def traits_of(feed: str, entry: Entry) -> tuple[int, ...]:
    """Return hashes by which an item of ``feed`` is found again though its key has changed.

    Of its guid's form, its address, the number in that, and its headline (its words where it has
    none); 63 bits each, equal in every process.
    """
    return tuple(dict.fromkeys(_hash(feed, trait) for trait in _traits(entry)))


def _traits(entry: Entry) -> Iterable[str]:
    if entry.guid:
        yield form_of(entry.guid)
    if entry.link:
        yield address_of(entry)
        if numbered := number_of(entry.canonical):
            yield numbered
    headline = words(entry.title)
    yield "\n".join(headline) if headline else entry.digest


def _hash(feed: str, trait: str) -> int:
    digest = blake2b(f"{feed}\n{trait}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") & _MASK
