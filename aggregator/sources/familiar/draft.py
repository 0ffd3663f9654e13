"""What do its elements make of an entry?

Each rule does with an element's attributes and text what feedparser's methods for its start and
its end do, into a dictionary under the same keys and in the same order: those of feedparser
6.0.14. Nothing is kept that `aggregator.sources.found` does not read.
"""

import contextlib
import re
from dataclasses import dataclass, field
from typing import Any

from feedparser.html import _cp1252
from feedparser.mixin import _FeedParserMixin as Rules
from feedparser.urls import _urljoin, make_safe_absolute_uri
from msgspec import Struct

from aggregator.sources.normalise import MAX_AUTHOR

Attributes = dict[str, str]
XML_BASE, XML_LANG = "xml:base", "xml:lang"

_HTML, _PLAIN, _XHTML = "text/html", "text/plain", "application/xhtml+xml"
ITUNES = "http://www.itunes.com/"
_MEDIA_CATEGORIES = "http://search.yahoo.com/mrss/category_schema"
_REFERENCE = re.compile("&([A-Za-z0-9_]+);")
# An address that `urljoin` leaves as it is, whatever the base.
_SETTLED = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]+)?/[\w.~!$&'()*+,=:@%/-]*"
    r"(?:\?[\w.~!$&'()*+,=:@%/?-]+)?(?:#[\w.~!$&'()*+,=:@%/?-]+)?",
    re.ASCII,
)


class Unfamiliar(Exception):  # noqa: N818 - no error: feedparser is asked then
    """An entry is not written as nearly all are."""


class Setting(Struct, frozen=True, kw_only=True):
    """What feedparser holds before every entry and decides by: base address, language, format."""

    base: str
    language: str | None
    guesses: bool  # whether text that is said to be plain may be HTML: not in Atom


@dataclass(slots=True, kw_only=True)
class Draft:
    """An entry in the making: ``found`` is what feedparser's dictionary would hold.

    ``titled`` is the depth of the title that stands, -1 for none. ``full`` is whether there was
    content. ``depths`` are those of the elements that wrote each value: a deeper one never
    replaces it.
    """

    setting: Setting
    found: dict[str, Any] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    titled: int = -1
    full: bool = False

    def title(self, attributes: Attributes, text: str, depth: int) -> None:
        """Keep the first that says something; one that stands deeper gives way."""
        detail = self._detail(attributes, _PLAIN, text)
        if not -1 < self.titled <= depth:
            self.keep("title", detail["value"], depth)
            self.found["title_detail"] = detail
        if detail["value"]:
            self.titled = depth

    def media_title(self, attributes: Attributes, text: str, depth: int) -> None:
        """As a title, but any other replaces it."""
        titled = self.titled
        self.title(attributes, text, depth)
        self.titled = titled

    def description(self, attributes: Attributes, text: str, depth: int) -> None:
        """Keep it as the summary; as content, if there is a summary already."""
        self._summary(attributes, _HTML, text, depth)

    def summary(self, attributes: Attributes, text: str, depth: int) -> None:
        """As a description, but for its type."""
        self._summary(attributes, _PLAIN, text, depth)

    def content(self, attributes: Attributes, text: str, _depth: int) -> None:
        """Add a content."""
        self._content(attributes, _PLAIN, text)

    def content_encoded(self, attributes: Attributes, text: str, _depth: int) -> None:
        """Add a content of HTML."""
        self._content(attributes, _HTML, text)

    def author(self, _attributes: Attributes, text: str, depth: int) -> None:
        """Add an author who is named in one string."""
        _only_at_the_top(depth)
        name = mended(text.strip())
        self.keep("author", name, depth)
        self.found.setdefault("authors", []).append({"name": name[:MAX_AUTHOR]} if name else {})

    def person(self, said: dict[str, list[str]], depth: int) -> None:
        """Add an author with elements of their own: one ``name``, any ``uri`` and ``email``."""
        _only_at_the_top(depth)
        names = [name.strip() for name in said["name"]]
        if len(names) != 1 or (said["email"] and not names[0]):
            raise Unfamiliar
        for address in said["uri"]:
            self.keep("href", self._address(address), depth)
        self.keep("author", "", depth)  # that of the last counts, and only if none has a name
        self.found.setdefault("authors", []).append({"name": names[0]})

    def category(self, attributes: Attributes, text: str, _depth: int) -> None:
        """Add a tag named by attributes, by text, or one by each."""
        scheme = attributes.get("scheme", attributes.get("domain"))
        self.tag(attributes.get("term"), scheme, attributes.get("label"))
        self._tag_by_text(text)

    def media_category(self, attributes: Attributes, text: str, depth: int) -> None:
        """As a category, with a scheme."""
        self.category({"scheme": _MEDIA_CATEGORIES, **attributes}, text, depth)

    def itunes_category(self, attributes: Attributes, text: str, _depth: int) -> None:
        """Add a tag named by an attribute."""
        self.tag(attributes.get("text"), ITUNES, None)
        self._tag_by_text(text)

    def link(self, attributes: Attributes, text: str, _depth: int) -> None:
        """Add a link, by attribute or by text."""
        attributes.setdefault("rel", "alternate")
        kind = "application/atom+xml" if attributes["rel"] == "self" else _HTML
        attributes.setdefault("type", kind)
        Rules._enforce_href(attributes)  # noqa: SLF001
        self.found.setdefault("links", []).append(attributes)
        if "href" in attributes:
            attributes["href"] = self._joined(attributes["href"])
            kind = Rules.map_content_type(attributes["type"])
            if attributes["rel"] == "alternate" and kind in (_HTML, _XHTML):
                self.found["link"] = attributes["href"]
            return
        address = self._address(text)
        if "&" in address:
            address = _REFERENCE.sub(r"&\g<1>", address.replace("&amp;", "&"))
        self.found["link"] = address
        if address:
            attributes["href"] = address

    def guid(self, attributes: Attributes, text: str, depth: int) -> None:
        """Keep the id, which is a link too if there was none and nobody denies it."""
        value = mended(text.strip())
        self.keep("id", value, depth)
        if attributes.get("ispermalink", "true") == "true":
            self.found.setdefault("link", value)

    def enclosure(self, attributes: Attributes, _text: str, _depth: int) -> None:
        """Add an enclosure to the links."""
        Rules._enforce_href(attributes)  # noqa: SLF001
        attributes["rel"] = "enclosure"
        self.found.setdefault("links", []).append(attributes)

    def media_content(self, attributes: Attributes, _text: str, _depth: int) -> None:
        """Add a picture or a recording."""
        self.found.setdefault("media_content", []).append(attributes)

    def media_group(self, _attributes: Attributes, _text: str, _depth: int) -> None:
        """Add nothing: it holds others."""

    def media_thumbnail(self, attributes: Attributes, text: str, depth: int) -> None:
        """Add a picture; its text is an address, also of the entry."""
        address = self._address(text)
        if depth <= self.depths.setdefault("url", depth):
            self.depths["url"] = depth
            self.found["href"] = address
        self.found.setdefault("media_thumbnail", []).append(attributes)
        if address.strip():
            attributes.setdefault("url", address)

    def media_description(self, _attributes: Attributes, text: str, depth: int) -> None:
        """Keep what a picture shows."""
        self.keep("media_text", mended(text.strip()), depth)

    def itunes_image(self, attributes: Attributes, _text: str, _depth: int) -> None:
        """Keep the picture."""
        if address := attributes.get("href") or attributes.get("url"):
            self.found["image"] = {"href": address}

    def no_title(self, _attributes: Attributes, _text: str, _depth: int) -> None:
        """Keep nothing, but the next title counts as the first."""
        self.titled = -1

    def _summary(self, attributes: Attributes, default: str, text: str, depth: int) -> None:
        if "summary" in self.found and not self.full:
            self._content(attributes, _PLAIN, text)
            return
        detail = self._detail(attributes, default, text)
        self.keep("summary", detail["value"], depth)
        self.found["summary_detail"] = detail

    def _content(self, attributes: Attributes, default: str, text: str) -> None:
        self.full = True
        detail = self._detail(attributes, default, text)
        self.found.setdefault("content", []).append(detail)
        self.found.setdefault("summary", detail["value"])

    def _detail(self, attributes: Attributes, default: str, text: str) -> dict[str, Any]:
        kind = Rules.map_content_type(attributes.get("type", default))
        if kind not in (_HTML, _PLAIN) or "mode" in attributes or "src" in attributes:
            raise Unfamiliar
        value = text.strip()
        maybe = kind == _PLAIN and self.setting.guesses and ("<" in value or "&" in value)
        if maybe and Rules.looks_like_html(value):
            kind = _HTML
        return {"type": kind, "value": mended(value), **self._around(attributes)}

    def _around(self, attributes: Attributes) -> dict[str, str | None]:
        base, language = self.setting.base, self.setting.language
        if XML_BASE in attributes:
            base = make_safe_absolute_uri(base, attributes[XML_BASE] or base) or base
        if XML_LANG in attributes:
            language = attributes[XML_LANG].replace("_", "-") or None
        return {"base": base, "language": language}

    def keep(self, name: str, value: str, depth: int) -> None:
        """Keep ``value`` under ``name``, unless there is one that stood less deep."""
        if depth <= self.depths.setdefault(name, depth):
            self.depths[name] = depth
            self.found[name] = value

    def tag(self, term: str | None, scheme: str | None, label: str | None) -> None:
        """Add a tag, if it says anything that none before it said."""
        tags = self.found.setdefault("tags", [])
        tag = {"term": term, "scheme": scheme, "label": label}
        if (term or scheme or label) and tag not in tags:
            tags.append(tag)

    def _tag_by_text(self, text: str) -> None:
        word, tags = mended(text.strip()), self.found["tags"]
        if word and tags and not tags[-1]["term"]:
            tags[-1]["term"] = word
        elif word:
            self.tag(word, None, None)

    def _address(self, text: str) -> str:
        address = text.strip()
        return mended(self._joined(address)) if address else ""

    def _joined(self, address: str) -> str:
        if _SETTLED.fullmatch(address):
            return address
        return str(_urljoin(self.setting.base, address))


def _only_at_the_top(depth: int) -> None:
    if depth > 1:  # which of two authors is the entry's then depends on more than is known here
        raise Unfamiliar


def mended(text: str) -> str:
    """Undo, as feedparser does, UTF-8 read as ISO 8859-1, and controls of windows-1252."""
    if text.isascii():
        return text
    with contextlib.suppress(UnicodeError):
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(_cp1252)
