"""What does a document say? The one door to feedparser.

A body is opened (`aggregator.sources.envelope`), read by feedparser or as JSON Feed into wire
entries, and normalised. Run it in a process that may be killed: some inputs are quadratic.
"""

import io
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import feedparser
import feedparser.api
import feedparser.mixin
import feedparser.urls
from msgspec.structs import replace

from aggregator.model.items import Entry
from aggregator.model.push import NO_HUB, HubLinks
from aggregator.model.visits import Document, FeedMeta, ParsedFeed, Unreadable
from aggregator.sources import quick
from aggregator.sources.envelope import Opened, is_page, open_body
from aggregator.sources.found import meta_of, wire_of
from aggregator.sources.jsonfeed import JsonFeed, looks_like_json, read_json_feed
from aggregator.sources.normalise import MAX_AUTHOR, WireEntry, normalise
from aggregator.sources.websub.discovery import of_links
from aggregator.text.dates import parse_date
from aggregator.text.html import plain_title
from aggregator.text.languages import language_tag
from aggregator.text.urls import absolute
from aggregator.text.xml import one_line

MAX_ENTRIES = 2000
MAX_REASON = 300  # characters of a reason or remark
MAX_SKIPS = 50  # hours or days read; more than all there are

_BAD_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]{1,12})|([0-9]{1,12}));?")


class _Mended:
    """What we ask of feedparser's two parsers beyond their options."""

    # An id is an id: resolved against a base it would change with a redirect (D40).
    can_be_relative_uri = feedparser.api.StrictFeedParser.can_be_relative_uri - {"id"}

    def _start_media_description(self, _attributes: dict[str, str]) -> None:
        # Otherwise the caption of a picture becomes the content of the article.
        self.push("media_text", 1)  # type: ignore[attr-defined]

    def _end_media_description(self) -> None:
        self.pop("media_text")  # type: ignore[attr-defined]

    def _end_hour(self) -> None:
        self._listed("hour")

    def _end_day(self) -> None:
        self._listed("day")

    def _listed(self, name: str) -> None:
        # It keeps one value of a name, the last; skipHours and skipDays hold many.
        value = self.pop(name)  # type: ignore[attr-defined]
        context = self._get_context()  # type: ignore[attr-defined]
        held = context.get(f"every_{name}")
        context[f"every_{name}"] = [*(held if isinstance(held, list) else []), value][:MAX_SKIPS]

    def _sync_author_detail(self, key: str = "author") -> None:
        # Its search for an e-mail address in "a@b.c (Name)" is quadratic (feedparser issue 562:
        # 32 kB take 2.7 s) and cuts new top-level domains; `normalise` has its own.
        context = self._get_context()  # type: ignore[attr-defined]
        people = context.get(f"{key}s") or [{}]
        if people[-1]:
            super()._sync_author_detail(key)  # type: ignore[misc]
        elif written := context.get(key):
            people[-1]["name"] = written[:MAX_AUTHOR]


class _Strict(_Mended, feedparser.api.StrictFeedParser):  # type: ignore[misc]
    pass


class _Loose(_Mended, feedparser.api.LooseFeedParser):  # type: ignore[misc]
    pass


feedparser.api.StrictFeedParser = _Strict
feedparser.api.LooseFeedParser = _Loose
# libxml2's SAX driver opens external entities (feedparser issue 107): expat only.
feedparser.api.PREFERRED_XML_PARSERS = [quick.__name__]
quick.hasten()
# It joins the base with itself at every element, a fifth of the whole time: remembered.
feedparser.mixin.make_safe_absolute_uri = lru_cache(maxsize=256)(
    feedparser.urls.make_safe_absolute_uri
)


def parse(body: bytes, content_type: str, url: str) -> Document:
    """Return what ``body`` says, at most 2,000 entries in document order; never raises.

    ``content_type`` is the header as sent, '' when there was none. ``url`` is the *configured*
    address of the feed, so that relative links do not change with a redirect.
    """
    try:
        opened = open_body(body, content_type)
        if isinstance(opened, Unreadable):
            return replace(opened, links=_links_of_page(body, content_type, url))
        if looks_like_json(opened.body):
            return _from_json(opened, url)
        return _from_xml(opened, url)
    except MemoryError:
        return Unreadable(reason="the document needs more memory than a parse may take")
    except Exception as error:  # noqa: BLE001 - feedparser raises whatever it met; one feed's matter
        told = one_line(f"{type(error).__name__}: {error}")
        return Unreadable(reason=f"the document cannot be read: {told}"[:MAX_REASON])


def _links_of_page(body: bytes, content_type: str, url: str) -> HubLinks:
    """Return what the links of a page say of hubs (WebSub section 4, the third place to look)."""
    if not is_page(body):
        return NO_HUB
    # Here, so that only a worker that meets a page pays 4 MB for a parser of pages.
    from aggregator.sources.page import read_page  # noqa: PLC0415

    page = read_page(body, content_type, url)
    return of_links(((link.get("rel", ""), link["href"]) for link in page.links), page.base)


def _from_json(opened: Opened, url: str) -> Document:
    feed = read_json_feed(opened.body, limit=MAX_ENTRIES + 1)
    if not isinstance(feed, JsonFeed):
        return Unreadable(reason=one_line(feed)[:MAX_REASON])
    meta = FeedMeta(
        title=plain_title(feed.title, is_html=False),
        home=absolute(feed.home, url),
        language=language_tag(feed.language),
        older=absolute(feed.older, url) if feed.older else None,
        version=feed.version,
        links=of_links(feed.links, url),
    )
    return _document(meta, feed.entries, opened.remarks, url)


def _from_xml(opened: Opened, url: str) -> Document:
    found, remarks = _ask_feedparser(opened, url)
    # An HTML page may come back without a fault and without entries: a feed has a version.
    if not found.version and not found.entries:
        return Unreadable(reason=_what_else(opened.body))
    if found.bozo:
        told = one_line(str(found.get("bozo_exception", "")))
        remarks += (f"not well-formed, read leniently: {told}"[:MAX_REASON],)
    meta = meta_of(found.feed, found.version, url)
    entries = [wire_of(entry, url) for entry in found.entries[: MAX_ENTRIES + 1]]
    return _document(meta, entries, opened.remarks + remarks, url)


def _document(
    meta: FeedMeta, wires: Sequence[WireEntry], remarks: tuple[str, ...], url: str
) -> ParsedFeed:
    entries: list[Entry] = []
    notes = list(remarks)
    if len(wires) > MAX_ENTRIES:
        notes.append(f"only the first {MAX_ENTRIES} entries were read")
    bare = 0
    for place, wire in enumerate(wires[:MAX_ENTRIES], start=1):
        try:
            entry = normalise(wire, base=url, language=meta.language)
        except (ValueError, OverflowError, RecursionError) as error:
            # One bad entry never loses the others.
            notes.append(one_line(f"entry {place} was left out: {error}")[:MAX_REASON])
            continue
        if entry is None:
            bare += 1
        else:
            entries.append(entry)
    if bare:
        notes.append(f"{bare} entries left out: no guid, link, title or text")
    notes.extend(_on_dates(wires, entries))
    return ParsedFeed(meta=meta, entries=tuple(entries), remarks=tuple(notes))


def _on_dates(wires: Sequence[WireEntry], entries: Sequence[Entry]) -> Iterable[str]:
    if all(entry.published for entry in entries):
        return
    doubtful = [
        wire.published for wire in wires if wire.published and not parse_date(wire.published)
    ]
    if doubtful:
        sample = one_line(doubtful[0])[:60]
        yield f'{len(doubtful)} dates could not be believed, the first: "{sample}"'


def _ask_feedparser(opened: Opened, url: str) -> tuple[Any, tuple[str, ...]]:
    headers = {"content-type": opened.media_type, "content-location": url}
    try:
        return _feedparser(opened.body, headers), ()
    except (ValueError, OverflowError):
        # &#xD800; and &#x110000; stand for no character, and make it raise.
        mended = _BAD_REFERENCE.sub(_without_impossible, opened.body)
        if mended == opened.body:
            raise
        return _feedparser(mended, headers), ("impossible character references were left out",)


def _feedparser(body: bytes, headers: dict[str, str]) -> Any:
    # BytesIO: it would open a str or bytes that names a file or an address.
    return feedparser.parse(
        io.BytesIO(body),
        response_headers=headers,
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _without_impossible(found: re.Match[bytes]) -> bytes:
    number = int(found[1], 16) if found[1] else int(found[2])
    return b"" if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF else found[0]


def _what_else(body: bytes) -> str:
    root = re.search(rb"<([A-Za-z][\w:.-]{0,40})", body[:4096])
    if root is None:
        return "the document is no feed: it is not XML and not JSON"
    name = root[1].decode("ascii", errors="replace")
    return f"the document is no feed: its root element is <{name}>; expected rss, feed or rdf:RDF"
