"""What does a JSON Feed say?"""

import json
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from aggregator.sources.normalise import NOTHING, Markup, WireEntry

Json = Mapping[str, object]


class JsonFeed(Struct, frozen=True, kw_only=True):
    """A JSON Feed's own words, raw, and its items in the order of the document.

    ``older`` is its ``next_url``: where older items are. ``links`` are (relation, address).
    """

    title: str
    home: str
    language: str
    older: str
    version: str
    links: tuple[tuple[str, str], ...]
    entries: tuple[WireEntry, ...]


def looks_like_json(body: bytes) -> bool:
    """Whether ``body`` begins as a JSON object or array does."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def read_json_feed(body: bytes, *, limit: int) -> JsonFeed | str:
    """Read a JSON Feed (jsonfeed.org/version/1 and 1.1), at most ``limit`` items of it.

    Returns a one-line reason when ``body`` is no JSON or no feed. Wrong types are read as absent:
    one publisher's number for an id is no reason to lose the feed.
    """
    try:
        document = json.loads(body.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError) as error:
        return f"the document begins as JSON but is not well-formed: {error}"
    if not isinstance(document, Mapping) or not isinstance(document.get("items"), Sequence):
        return "the document is JSON, but no JSON Feed: it has no list of items"
    if "jsonfeed.org" not in _string(document, "version"):
        return "the document is JSON, but no JSON Feed: its version is not https://jsonfeed.org/…"
    return JsonFeed(
        title=_string(document, "title"),
        home=_string(document, "home_page_url"),
        language=_string(document, "language"),
        older=_string(document, "next_url"),
        version="json" + _string(document, "version").rsplit("/", 1)[-1].replace(".", "")[:8],
        links=tuple(_links(document)),
        entries=tuple(_entry(item) for item in _objects(document, "items")[:limit]),
    )


def _links(document: Json) -> Iterator[tuple[str, str]]:
    """Yield ``feed_url`` and ``hubs`` as what they are elsewhere: links rel=self and rel=hub."""
    yield "self", _string(document, "feed_url")
    for hub in _objects(document, "hubs"):
        if _string(hub, "type").lower() in {"websub", "pubsubhubbub"}:
            yield "hub", _string(hub, "url")


def _entry(item: Json) -> WireEntry:
    summary = _string(item, "summary")
    return WireEntry(
        guid=_string(item, "id"),
        links=tuple(filter(None, (_string(item, "url"), _string(item, "external_url")))),
        title=Markup(value=_string(item, "title"), is_html=False),
        summary=Markup(value=summary, is_html=False) if summary else NOTHING,
        contents=_contents(item),
        published=_string(item, "date_published"),
        updated=_string(item, "date_modified"),
        authors=_authors(item),
        categories=tuple(tag for tag in _list(item, "tags") if isinstance(tag, str)),
        language=_string(item, "language"),
        images=tuple(filter(None, (_string(item, "image"), _string(item, "banner_image")))),
        enclosures=tuple(_attachment(one) for one in _objects(item, "attachments")),
    )


def _contents(item: Json) -> tuple[Markup, ...]:
    html, text = _string(item, "content_html"), _string(item, "content_text")
    found = (Markup(value=html, is_html=True), Markup(value=text, is_html=False))
    return tuple(markup for markup in found if markup.value)


def _authors(item: Json) -> tuple[str, ...]:
    """Names of ``authors`` (1.1) and of ``author`` (1.0)."""
    single = item.get("author")
    people = [*_objects(item, "authors"), *([single] if isinstance(single, Mapping) else [])]
    return tuple(name for person in people if (name := _string(person, "name")))


def _attachment(one: Json) -> tuple[str, str, str]:
    return _string(one, "url"), _string(one, "mime_type"), _string(one, "size_in_bytes")


def _string(source: Json, name: str) -> str:
    value = source.get(name)
    if isinstance(value, str):
        return value
    # Version 1 allowed numbers as ids; a boolean is an int to Python and nothing to us.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def _list(source: Json, name: str) -> Sequence[object]:
    value = source.get(name)
    return value if isinstance(value, list) else ()


def _objects(source: Json, name: str) -> list[Json]:
    return [value for value in _list(source, name) if isinstance(value, Mapping)]
