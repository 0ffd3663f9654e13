"""What a subscriber gets: an edition of an output, and its rendered bytes."""

from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from aggregator.model.items import Enclosure


class Kind(StrEnum):
    """What an output lists: every item, the stories that matter now, or issues made of these."""

    LATEST = "latest"
    TOP = "top"
    DIGEST = "digest"


class Format(StrEnum):
    """The wire format of a feed document; the value is the extension in its address."""

    ATOM = "atom"
    RSS = "rss"
    JSON = "json"


class Filter(Struct, frozen=True, kw_only=True):
    """Which items an output takes; what is empty asks for nothing.

    ``owners`` are in lower case, ``languages`` tags (RFC 5646). Phrases of ``words_any`` (one is
    enough), ``words_all`` and ``words_none`` are looked for in title and summary. ``sources`` is
    how many independent owners must report the story.
    """

    topics: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    words_any: tuple[str, ...] = ()
    words_all: tuple[str, ...] = ()
    words_none: tuple[str, ...] = ()
    sources: int = 1


class Schedule(Struct, frozen=True, kw_only=True):
    """When issues of a digest are due, and what they list.

    ``days`` of the week (Monday is 0) at ``time`` on the clocks of ``zone``; each lists the
    ``most`` first of what an output of the kind ``lists`` (latest or top) would.
    """

    days: tuple[int, ...]
    time: time
    zone: ZoneInfo
    lists: Kind
    most: int


MILESTONES = (3, 6, 12, 24, 48, 96)
"""Numbers of independent owners at which a story is news again."""


class OutputSpec(Struct, frozen=True, kw_only=True):
    """One output feed as ops asked for it.

    ``name`` is its address below ``/feeds/`` without extension, e.g. ``topics/science/top``.
    ``limit`` is in entries; ``per_owner`` caps one owner's share of them, None for half of them
    while others can fill the rest. A story of a Top output is dated anew when so many independent
    owners report it as ``milestones`` name. ``only`` says which items it takes, None for all.
    ``was`` are the names that it had before, the first one first. ``schedule`` is a digest's.
    A ``private`` output is for those who know one of its tokens, of which ``tokens`` are the
    SHA-256 digests (hexadecimal): nothing public may name it or tell what it lists.
    With ``source_in_title`` every headline names its source, for readers that do not show it.
    ``query`` is what somebody searched for; such an output is composed whenever it is asked for.
    """

    name: str
    kind: Kind
    title: str
    description: str = ""
    topic: str | None = None
    limit: int = 50
    per_owner: int | None = None
    milestones: tuple[int, ...] = MILESTONES
    only: Filter | None = None
    was: tuple[str, ...] = ()
    schedule: Schedule | None = None
    source_in_title: bool = False
    query: str = ""
    language: str | None = None
    private: bool = False
    tokens: tuple[str, ...] = ()


class Source(Struct, frozen=True, kw_only=True):
    """Where an entry was taken from, for attribution; ``url`` is empty when it is secret."""

    title: str
    url: str
    home: str | None = None
    owner: str = ""


class Also(Struct, frozen=True, kw_only=True):
    """Another publisher's report of the same thing. ``copy`` when it is the same text."""

    title: str
    link: str
    source: str
    owner: str
    published: datetime
    copy: bool = False


class EditionEntry(Struct, frozen=True, kw_only=True):
    """One entry of an output. ``id`` never changes; ``updated`` moves only for substance.

    ``also`` lists the others who report it, in the order in which they did; ``story`` is the id of
    the story that the entry stands for, None when it stands for an item.
    """

    id: str
    title: str
    link: str
    published: datetime
    updated: datetime
    summary: str = ""
    content_html: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    language: str | None = None
    image: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    agency: str | None = None
    source: Source | None = None
    also: tuple[Also, ...] = ()
    story: str | None = None


class Edition(Struct, frozen=True, kw_only=True):
    """An output at one moment. ``updated`` is the newest entry's, or the output's birth."""

    spec: OutputSpec
    updated: datetime
    entries: tuple[EditionEntry, ...]


class Site(Struct, frozen=True, kw_only=True):
    """Who publishes: the base address of this installation (no trailing slash) and its names.

    ``installation`` tells it from every other one, for good, whatever its address; the ids of its
    feeds are made from it. ``hubs`` are the addresses of the WebSub hubs that tell of its feeds.
    Pages show publishers' pictures with ``images``, and lead to a search with ``search``.
    """

    base_url: str
    installation: str = ""
    title: str = "aggregator"
    language: str = "en"
    contact: str = ""
    hubs: tuple[str, ...] = ()
    images: bool = True
    search: bool = True


class Rendered(Struct, frozen=True, kw_only=True):
    """Bytes to serve. ``path`` has no leading slash: ``feeds/latest.atom``.

    ``etag`` is the strong validator with its quotes, ``changed_at`` the time these bytes first
    stood there (whole seconds).
    """

    path: str
    media_type: str
    body: bytes
    etag: str
    changed_at: datetime
