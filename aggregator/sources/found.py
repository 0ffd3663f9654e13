"""Where does feedparser put what a document says?

Its dictionaries are read here and nowhere else; it is itself called in `aggregator.sources.parse`.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from aggregator.model.feeds import Skips
from aggregator.model.visits import FeedMeta
from aggregator.sources.normalise import Markup, WireEntry
from aggregator.sources.websub.discovery import of_links
from aggregator.text.dates import parse_date
from aggregator.text.html import plain_title
from aggregator.text.languages import language_tag
from aggregator.text.urls import absolute

MAX_TTL = timedelta(days=30)

Dict = dict[str, Any]

_HTML = frozenset({"text/html", "application/xhtml+xml"})
# Said to be plain and plainly not: templates forget `type="html"`.
_SURE_MARKUP = re.compile(
    r"</(?:p|div|a|b|i|em|strong|span|ul|li|h[1-6]|blockquote|pre)>|<(?:br|img|hr)\b[^<>]*>",
    re.IGNORECASE,
)
_SOME_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&#?\w{2,8};")
_PERIODS = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720, "yearly": 8760}  # hours
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_IMAGE_NAME = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)(?:$|[?#])", re.IGNORECASE)


def meta_of(feed: Dict, version: str, url: str) -> FeedMeta:
    """Return what feedparser's ``feed`` says of the document at ``url``."""
    ttl, base = _timetable(feed)
    return FeedMeta(
        title=plain_title(_str(feed, "title"), is_html=_is_html(feed, "title")),
        home=absolute(_str(feed, "link"), url),
        language=language_tag(_str(feed, "language")),
        ttl=ttl,
        base=base,
        skips=_skips(feed),
        older=_older(feed, url),
        updated=parse_date(_str(feed, "updated")) or parse_date(_str(feed, "published")),
        version=version,
        links=of_links(
            ((_str(one, "rel"), _str(one, "href")) for one in _dicts(feed, "links")), url
        ),
    )


def _timetable(feed: Dict) -> tuple[timedelta | None, datetime | None]:
    """Return the longest of ``ttl`` (minutes) and ``sy:updatePeriod`` / ``updateFrequency``.

    With it, if it is the latter, the ``sy:updateBase`` from which it is counted.
    """
    minutes = _str(feed, "ttl").strip()
    ttl = timedelta(minutes=int(minutes)) if re.fullmatch(r"[0-9]{1,9}", minutes) else timedelta()
    times = _str(feed, "sy_updatefrequency").strip()
    often = int(times) if re.fullmatch(r"[0-9]{1,6}", times) else 1
    hours = _PERIODS.get(_str(feed, "sy_updateperiod").strip().lower(), 0)
    step = timedelta(hours=hours) / max(often, 1)
    if not max(ttl, step):
        return None, None
    base = parse_date(_str(feed, "sy_updatebase")) if step >= ttl else None
    return min(max(ttl, step), MAX_TTL), base if step <= MAX_TTL else None


def _older(feed: Dict, url: str) -> str | None:
    """RFC 5005: the archive before this document (section 4), else the next page (section 3)."""
    links = {_str(link, "rel").lower(): _str(link, "href") for link in _dicts(feed, "links")}
    named = links.get("prev-archive") or links.get("next") or ""
    return absolute(named, url) if named else None


def _skips(feed: Dict) -> Skips:
    """RSS 2.0: skipHours lists hours 0-23 in GMT (24, of RSS 0.91, is midnight), skipDays days."""
    hours = {int(hour) % 24 for hour in _listed(feed, "hour") if _is_hour(hour)}
    days = {_DAYS.index(day) for day in _listed(feed, "day") if day in _DAYS}
    return Skips(
        # All of them would be a feed that must never be asked: nobody means that.
        hours=frozenset(hours if len(hours) < 24 else ()),
        days=frozenset(days if len(days) < 7 else ()),
    )


def _listed(feed: Dict, name: str) -> list[str]:
    held = dict.get(feed, f"every_{name}")
    values = held if isinstance(held, list) else []
    return [value.strip().lower() for value in values if isinstance(value, str)]


def _is_hour(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,2}", text)) and int(text) <= 24


def wire_of(entry: Dict, url: str) -> WireEntry:
    """Return one of feedparser's entries as a wire entry; ``url`` is the address of the feed."""
    contents = tuple(_contents(entry))
    return WireEntry(
        guid=_str(entry, "id"),
        links=tuple(_links(entry)),
        original=_original(entry),
        title=_markup(entry, "title"),
        summary=_summary(entry, has_content=bool(contents), base=url),
        contents=contents,
        published=_str(entry, "published"),
        created=_str(entry, "created"),
        updated=_str(entry, "updated"),
        authors=tuple(_authors(entry)),
        categories=tuple(_categories(entry)),
        language=_language(entry),
        images=tuple(_images(entry)),
        enclosures=tuple(_enclosures(entry)),
    )


def _str(source: Dict, name: str) -> str:
    # dict.get: feedparser's own lends `published` to `updated`, with a warning.
    value = dict.get(source, name)
    return value if isinstance(value, str) else ""


def _dicts(source: Dict, name: str) -> list[Dict]:
    value = dict.get(source, name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_html(source: Dict, name: str) -> bool:
    detail = dict.get(source, f"{name}_detail")
    return isinstance(detail, dict) and _str(detail, "type") in _HTML


def _markup(entry: Dict, name: str) -> Markup:
    detail = dict.get(entry, f"{name}_detail")
    base = _str(detail, "base") if isinstance(detail, dict) else ""
    return Markup(value=_str(entry, name), is_html=_is_html(entry, name), base=base)


def _summary(entry: Dict, *, has_content: bool, base: str) -> Markup:
    if "summary_detail" in entry:
        summary = _markup(entry, "summary")
        if not summary.is_html and _SURE_MARKUP.search(summary.value):
            return replace(summary, is_html=True)
        return summary
    # Without a detail it is feedparser's copy of the content.
    text = "" if has_content else _str(entry, "summary") or _str(entry, "media_text")
    return Markup(value=text, is_html=bool(_SOME_MARKUP.search(text)), base=base)


def _contents(entry: Dict) -> Iterable[Markup]:
    for content in _dicts(entry, "content"):
        kind = _str(content, "type")
        # Atom may carry pictures or programs inline (RFC 4287 section 4.1.3.3): no text of ours.
        if kind in _HTML or kind in ("text/plain", ""):
            value = _str(content, "value")
            if value:
                is_html = kind != "text/plain" or bool(_SURE_MARKUP.search(value))
                yield Markup(value=value, is_html=is_html, base=_str(content, "base"))


def _original(entry: Dict) -> str:
    """Return the article's own address, where the link is that of a counter or a copy."""
    named = (_str(entry, "feedburner_origlink"), _str(entry, "pheedo_origlink"))
    said = (_str(link, "href") for link in _dicts(entry, "links") if _is_canonical(link))
    return next(filter(None, (*named, *said)), "")


def _is_canonical(link: Dict) -> bool:
    return _str(link, "rel") == "canonical"  # RFC 6596


def _links(entry: Dict) -> Iterable[str]:
    yield _str(entry, "link")
    for link in _dicts(entry, "links"):
        if _str(link, "rel") == "alternate":
            yield _str(link, "href")


def _authors(entry: Dict) -> Iterable[str]:
    named = [_str(author, "name") for author in _dicts(entry, "authors")]
    return [name for name in named if name] or [_str(entry, "author")]


def _categories(entry: Dict) -> Iterable[str]:
    for tag in _dicts(entry, "tags"):
        yield _str(tag, "label") or _str(tag, "term")


def _language(entry: Dict) -> str:
    """Return the entry's own language, else the xml:lang of its text."""
    if own := _str(entry, "language"):
        return own
    for name in ("title_detail", "summary_detail"):
        detail = dict.get(entry, name)
        if isinstance(detail, dict) and (found := _str(detail, "language")):
            return found
    return ""


def _images(entry: Dict) -> Iterable[str]:
    """Media RSS pictures, the widest first; thumbnails; the podcast's or item's own image."""
    pictures = [one for one in _dicts(entry, "media_content") if _is_picture(one)]
    for picture in sorted(pictures, key=_width, reverse=True):
        yield _str(picture, "url")
    for thumbnail in sorted(_dicts(entry, "media_thumbnail"), key=_width, reverse=True):
        yield _str(thumbnail, "url")
    image = dict.get(entry, "image")
    yield _str(image, "href") if isinstance(image, dict) else ""
    if _IMAGE_NAME.search(_str(entry, "href")):
        yield _str(entry, "href")


def _is_picture(content: Dict) -> bool:
    kind = _str(content, "medium") or _str(content, "type").partition("/")[0]
    return kind == "image" or (not kind and bool(_IMAGE_NAME.search(_str(content, "url"))))


def _width(content: Dict) -> int:
    digits = _str(content, "width")
    return int(digits) if re.fullmatch(r"[0-9]{1,6}", digits) else 0


def _enclosures(entry: Dict) -> Iterable[tuple[str, str, str]]:
    for link in _dicts(entry, "links"):
        if _str(link, "rel") == "enclosure":
            yield _str(link, "href"), _str(link, "type"), _str(link, "length")
    for content in _dicts(entry, "media_content"):
        if _str(content, "type").startswith(("audio/", "video/")):
            yield _str(content, "url"), _str(content, "type"), _str(content, "filesize")
