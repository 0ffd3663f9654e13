"""What does a publisher's entry say, once every format says it alike?"""

import hashlib
import re
from datetime import datetime

from msgspec import Struct

from aggregator.model.items import Enclosure, Entry
from aggregator.text.agency import agency_credit
from aggregator.text.dates import parse_date
from aggregator.text.html import (
    first_image,
    from_text,
    is_ornament,
    plain_title,
    read_once,
    to_text,
)
from aggregator.text.languages import language_tag
from aggregator.text.teaser import without_tail
from aggregator.text.urls import absolute, canonical
from aggregator.text.xml import clip, one_line, xml_safe

TEASER = 600  # characters; the longest that a card on a page or a list in a reader shows
NOTE = 120  # characters of a text that stand for the title of an entry with nothing else
MAX_GUID = 4096  # characters each, as are the caps below; our own rules run on what is left
MAX_TITLE = 4096
MAX_AUTHOR = 1024
MAX_AUTHORS = 20
MAX_CATEGORY = 200
MAX_CATEGORIES = 50
MAX_ENCLOSURES = 50

_EMAIL = re.compile(r"(?:mailto:)?[^\s()<>\[\]\"',;:]+@[^\s()<>\[\]\"',;:]+", re.IGNORECASE)
_BY = re.compile(r"^(?:by|von|par|por)\s+(?=\S)", re.IGNORECASE)
_BRACKETS = " \t\n()<>[]\"',;:-–|"


class Markup(Struct, frozen=True, kw_only=True):
    """A text of an entry: HTML or plain, and the address that its relative links start from."""

    value: str
    is_html: bool = True
    base: str = ""


NOTHING = Markup(value="", is_html=False)


class WireEntry(Struct, frozen=True, kw_only=True):
    """One entry as its document wrote it, format by format put into the same places.

    Every string is raw. ``links`` are candidates for the article's address, best first;
    ``original`` is the address behind a counting redirect (``feedburner:origLink``).
    ``enclosures`` are (address, media type, length), ``images`` addresses, best first.
    """

    guid: str = ""
    links: tuple[str, ...] = ()
    original: str = ""
    title: Markup = NOTHING
    summary: Markup = NOTHING
    contents: tuple[Markup, ...] = ()
    published: str = ""
    created: str = ""
    updated: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    language: str = ""
    images: tuple[str, ...] = ()
    enclosures: tuple[tuple[str, str, str], ...] = ()


def normalise(wire: WireEntry, *, base: str, language: str | None) -> Entry | None:
    """Return ``wire`` as an `Entry`; None when it has neither guid nor link nor words.

    ``base`` is the address that relative links start from where the entry names none, ``language``
    the tag of the whole feed. The guid is taken over character by character (RFC 4287 section
    4.2.6.1): never resolved, never decoded.
    """
    guid = _guid(wire.guid)
    original = absolute(wire.original, base)
    link = next((found for ref in wire.links if (found := absolute(ref, base))), original)
    title = plain_title(wire.title.value[:MAX_TITLE], is_html=wire.title.is_html)
    teaser, text, content = _read(wire, base)
    if not (guid or link or title):
        title = clip(one_line(text), NOTE)  # RSS 0.92 allowed items that are a text alone
        if not title:
            return None
    summary = _teaser(teaser or text, title)
    authors = _authors(wire.authors)
    return Entry(
        guid=guid,
        link=link,
        canonical=canonical(original or link) if link else None,
        title=title,
        summary=summary,
        content_html=content,
        published=_published(wire),
        updated=parse_date(wire.updated),
        authors=authors,
        categories=_categories(wire.categories),
        language=language_tag(wire.language) or language,
        image=_image(wire, base),
        enclosures=_enclosures(wire.enclosures, base),
        agency=agency_credit(text, authors) or agency_credit(summary),
        digest=_digest(title, summary, text),
    )


def _guid(raw: str) -> str | None:
    guid = xml_safe(raw).strip()
    # Cut, two long ones could become one; without it the link is the identity.
    return guid if guid and len(guid) <= MAX_GUID else None


def _published(wire: WireEntry) -> datetime | None:
    # RSS 1.0 has only dc:date and many Atom feeds only updated: both then say when it came out.
    for raw in (wire.published, wire.created, wire.updated):
        if found := parse_date(raw):
            return found
    return None


def _read(wire: WireEntry, base: str) -> tuple[str, str, str]:
    """Return the summary, plain; and the longest text of the entry, plain and as safe markup."""
    teaser, markup = _both(wire.summary, base)
    longest = max(wire.contents, key=lambda markup: len(markup.value), default=NOTHING)
    if longest.value and longest.value != wire.summary.value:
        text, safe = _both(longest, base)
        if len(text) >= len(teaser):
            return teaser, text, safe
    return teaser, teaser, markup


def _both(markup: Markup, base: str) -> tuple[str, str]:
    if markup.is_html:
        return read_once(markup.value, markup.base or base)
    safe = from_text(markup.value)
    return to_text(safe), safe


def _teaser(text: str, title: str) -> str:
    line = without_tail(plain_title(text, is_html=False))
    if line.casefold() == title.casefold():
        return ""  # the headline again is no teaser
    return clip(line, TEASER)


def _authors(raw: tuple[str, ...]) -> tuple[str, ...]:
    names = (_author(author[:MAX_AUTHOR]) for author in raw[:MAX_AUTHORS])
    return tuple(dict.fromkeys(name for name in names if name))


def _author(raw: str) -> str:
    """Return a name without address: "jane@paper.example (Jane Doe)" is Jane Doe."""
    name = one_line(to_text(raw) if "<" in raw and "@" not in raw else raw)
    stripped = _EMAIL.sub("", name)
    if stripped != name:
        name = stripped.replace("()", "").replace("<>", "").strip(_BRACKETS)
    return _BY.sub("", name).strip()


def _categories(raw: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words, once each whatever their case; addresses (Blogger's kinds) are no words."""
    found: dict[str, str] = {}
    for term in raw:
        word = one_line(plain_title(term[:MAX_CATEGORY], is_html="&" in term or "<" in term))
        if word and not word.startswith(("http://", "https://")):
            found.setdefault(word.casefold(), word)
    return tuple(found.values())[:MAX_CATEGORIES]


def _image(wire: WireEntry, base: str) -> str | None:
    for ref in wire.images:
        if (found := absolute(ref, base)) and not is_ornament(found):
            return found
    for ref, media_type, _ in wire.enclosures:
        if media_type.startswith("image/") and (found := absolute(ref, base)):
            return found
    for markup in (*wire.contents, wire.summary):
        if markup.is_html and (found := first_image(markup.value, markup.base or base)):
            return found
    return None


def _enclosures(raw: tuple[tuple[str, str, str], ...], base: str) -> tuple[Enclosure, ...]:
    found: dict[str, Enclosure] = {}
    for ref, media_type, length in raw[: 2 * MAX_ENCLOSURES]:
        url = absolute(ref, base)
        if url:
            found.setdefault(url, _enclosure(url, media_type, length))
    return tuple(found.values())[:MAX_ENCLOSURES]


def _enclosure(url: str, media_type: str, length: str) -> Enclosure:
    kind = media_type.strip().lower()[:127]
    digits = length.strip()
    return Enclosure(
        url=url,
        media_type=kind if re.fullmatch(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", kind) else None,
        length=int(digits) if re.fullmatch(r"[0-9]{1,15}", digits) and int(digits) else None,
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
