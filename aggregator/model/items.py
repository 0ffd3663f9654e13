"""An entry as a publisher wrote it, and the item that we keep of it."""

from datetime import datetime

from msgspec import Struct


class Enclosure(Struct, frozen=True, kw_only=True):
    """An attached file. ``length`` in bytes and ``media_type`` when the publisher said."""

    url: str
    media_type: str | None = None
    length: int | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """One entry of a document, normalised: absolute links, plain titles, safe HTML, honest dates.

    ``guid`` and ``link`` are as the publisher wrote them (link made absolute); at least one of
    guid, link and title is present. ``canonical`` is the address in the form that two feeds
    agree on. ``summary`` is a plain-text teaser; ``content_html`` is the fullest text the feed
    carries, sanitised. Dates are None when absent or unbelievable. ``digest`` is a hash of title,
    summary and text, not of markup, so that it moves only when the words do.
    """

    guid: str | None = None
    link: str | None = None
    canonical: str | None = None
    title: str = ""
    summary: str = ""
    content_html: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    language: str | None = None
    image: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    agency: str | None = None
    digest: str = ""


class Item(Struct, frozen=True, kw_only=True):
    """What we keep of an entry, for good.

    ``id`` is the permanent entry id that subscribers see. ``key`` is its identity within ``feed``.
    ``published`` is frozen at first sight: the entry's own date, never later than ``first_seen``;
    the time first seen when it had none. ``updated`` moves only when the words change. ``listed``
    is the time by which it is chosen for Latest: when we saw it, however late its publisher was,
    but its own date if it was there before us or is days old.
    """

    id: str
    feed: str
    key: str
    entry: Entry
    first_seen: datetime
    published: datetime
    updated: datetime
    listed: datetime
    revisions: int = 0


class StoredItem(Struct, frozen=True, kw_only=True):
    """An item with what the later steps found out. ``seq`` is its place in the order of arrival.

    ``filed`` is its place in the order of filing, 0 while it waits and -1 when it was set aside.
    ``lead`` is the id of the item it is folded under, None when it stands for itself;
    ``lead_because`` says by which rule, ``story_because`` how it came into its story. ``topics``
    are slugs.
    """

    seq: int
    item: Item
    lead: str | None = None
    lead_because: str | None = None
    story: str | None = None
    story_because: str | None = None
    topics: tuple[str, ...] = ()
    filed: int = 0


class Copy(Struct, frozen=True, kw_only=True):
    """The verdict that one item repeats another: which (``lead``), by which rule, how surely."""

    lead: str
    rule: str
    figure: float


class Name(Struct, frozen=True, kw_only=True):
    """A key under which an item is known in its feed, since when.

    ``rule`` and ``figure`` tell how it was recognised under it, None for that it came under first.
    """

    key: str
    since: datetime
    rule: str | None = None
    figure: float | None = None


class Match(Struct, frozen=True, kw_only=True):
    """An item in which a query occurs, and how well (above 0, comparable within one search)."""

    id: str
    published: datetime
    relevance: float
    lead: str | None = None
