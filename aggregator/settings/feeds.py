"""Which feeds did ops ask for? (``feeds.yaml``)"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from aggregator.model.feeds import Feed
from aggregator.settings import kinds
from aggregator.settings.documents import Document
from aggregator.settings.group import Group
from aggregator.settings.kinds import Duration, Headers, Language, Line, Topics, WebUrl
from aggregator.settings.mistakes import misshapen, repeated, validated
from aggregator.settings.nodes import Fault, Trail, Value
from aggregator.settings.tls import TlsEntry
from aggregator.text.urls import redacted, registrable_domain, split_credentials

MAX_ID = 60  # characters of an id that we make; ids stand in logs and addresses

_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
Id = Annotated[
    str,
    kinds.matching(_ID, "is not an id; write up to 100 letters, digits, dots and dashes"),
    kinds.written(_ID, "bbc-world"),
]


class FeedEntry(Group):
    """One feed: its address and, if you like, what to make of it."""

    url: WebUrl
    """Address of the feed. user:password@ before the host is sent to that host only."""
    id: Id | None = None
    """Permanent name; made from the address if unset. Set it before the address changes, so that
    what was published is recognised."""
    title: Line | None = Field(default=None, examples=["BBC News – World"])
    """Name of the source for readers; the feed's own title if unset."""
    topics: Topics = ()
    """Topics that everything in this feed belongs to: slugs of topics.yaml."""
    owner: Line | None = Field(default=None, examples=["bbc.co.uk"])
    """Whose voice this is: sister titles share one, and count once in Top News. The registrable
    domain of the address if unset; upper and lower case are the same."""
    weight: float = Field(default=1.0, ge=0.1, le=10, allow_inf_nan=False)
    """How much this voice counts in Top News; 1 is an ordinary source."""
    every: Annotated[Duration, kinds.between("5m", "7d")] | None = None
    """Poll this often, rather than as we see fit: 30m, 2h."""
    language: Language | None = None
    """Language of the texts, where the feed does not say: en, pt-BR."""
    headers: Headers = Field(default_factory=dict)
    """Request headers for this feed; ${NAME} takes a secret from the environment."""
    tls: TlsEntry = kinds.usual()
    """How the certificate of the feed's host is checked."""
    keep: Annotated[Duration, kinds.between("1d", "3650d")] | None = None
    """How long its items are kept, if less than `retention` of service.yaml says."""
    keep_items: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many of its items are kept; the older ones go first."""
    enabled: bool = True
    """false keeps the feed here without polling it."""

    @model_validator(mode="before")
    @classmethod
    def _bare_url(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, str) else value

    def feed(self, template: str) -> Feed:
        """Return the feed; ``template`` is its url as written, before the environment went in."""
        url, credentials = split_credentials(self.url.partition("#")[0])
        return Feed(
            id=self.id or default_id(template),
            url=url,
            title=self.title,
            topics=tuple(dict.fromkeys(self.topics)),
            owner=self.owner.lower() if self.owner else registrable_domain(url),
            weight=self.weight,
            every=self.every,
            language=self.language,
            headers=tuple(self.headers.items()),
            credentials=credentials,
            tls=self.tls.tls(),
            keep=self.keep,
            keep_items=self.keep_items,
            enabled=self.enabled,
            secret="$" in split_credentials(template)[0] or redacted(url) != url,
        )


class FeedsFile(Group):
    """What ``feeds.yaml`` holds."""

    feeds: tuple[FeedEntry | WebUrl, ...] = Field(
        description="The feeds, in any order", min_length=1
    )


def default_id(url: str) -> str:
    """Return the id of a feed that ops gave none: host and path in letters, digits and dashes.

    ``url`` is as written in the file, so that a secret which ``${NAME}`` stands for neither shows
    in the id nor changes it. A query adds eight hex digits, and so does a path that is too long.
    """
    bare, _ = split_credentials(url.partition("#")[0])
    address, _, query = bare.partition("?")
    host, slash, path = (address.partition("://")[2] or address).partition("/")
    host = _ascii(host.lower().removeprefix("www."))
    slug = re.sub(r"[^a-z0-9]+", "-", f"{host}{slash}{path}".lower()).strip("-") or "feed"
    if not query and len(slug) <= MAX_ID:
        return slug
    room = MAX_ID - 9
    told_apart = query if len(slug) <= room else bare
    mark = hashlib.sha256(told_apart.encode()).hexdigest()[:8]
    return f"{slug[:room].rstrip('-')}-{mark}"


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def read_feeds(
    document: Document, topics: tuple[str, ...] | None
) -> tuple[tuple[Feed, ...], list[Fault]]:
    """Return the feeds of ``feeds.yaml`` and every mistake in it.

    ``topics`` are the known slugs, None when that cannot be said.
    """
    if document.missing:
        return (), [Fault(document.file, 0, 0, _MISSING)]
    faults = misshapen(document, "feeds", "url: https://example.org/feed.xml", needed=True)
    feeds: list[Feed] = []
    context = {"topics": topics, "folder": Path(document.file).parent}
    for index in range(len(document.entries("feeds"))):
        trail: Trail = ("feeds", index)
        entry, wrong = validated(FeedEntry, document, trail, context)
        faults += wrong
        if entry:
            feeds.append(entry.feed(_template(document, trail) or entry.url))
    return tuple(feeds), faults + _doubles(document)


_MISSING = 'does not exist; write "feeds:" and below it "- url: https://…", or name another file'


def _doubles(document: Document) -> list[Fault]:
    """Find feeds configured twice, by address or by id, whatever else is wrong with them."""
    addresses: list[tuple[Trail, str]] = []
    ids: list[tuple[Trail, str]] = []
    seen: set[str] = set()
    for index, entry in enumerate(document.entries("feeds")):
        trail: Trail = ("feeds", index)
        url = _said(entry, "url")
        if not url or document.broken & {trail, (*trail, "url")}:
            continue
        address = _address(url)
        if address not in seen:  # else one fault is enough
            name = _said(entry, "id") or default_id(_template(document, trail) or url)
            ids.append(((*trail, "id"), name.lower()))
        seen.add(address)
        addresses.append(((*trail, "url"), address))
    twice = "url: the feed on line LINE has it too; remove one of them"
    alike = "id: the feed on line LINE has it too; give one of them an id of its own"
    return [*repeated(document, addresses, twice), *repeated(document, ids, alike)]


def _said(entry: Value, key: str) -> str:
    if isinstance(entry, str):
        return entry if key == "url" else ""
    value = entry.get(key) if isinstance(entry, Mapping) else None
    return value if isinstance(value, str) else ""


def _template(document: Document, trail: Trail) -> str:
    return document.templates.get((*trail, "url")) or document.templates.get(trail) or ""


def _address(url: str) -> str:
    """Return what two spellings of one feed's address share; the user stays, the scheme goes."""
    rest = url.partition("#")[0].partition("://")[2] or url
    host, slash, path = rest.partition("/")
    user, at, place = host.rpartition("@")
    return f"{user}{at}{re.sub(r':(80|443)$', '', place.lower())}{slash or '/'}{path}"
