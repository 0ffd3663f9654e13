"""What does an HTML page link to?

The markup goes through libxml2's parser as events, so that no tree is built. Its worst case
measured over twenty hostile documents is 0.15 s per MB; `html.parser` takes 49 s for 0.2 MB of
``<a href="``.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from lxml import etree

from aggregator.sources.envelope import charset_of
from aggregator.text.urls import absolute

MAX_PAGE = 3_000_000  # bytes that are looked at; feeds and hubs are named in the head
MAX_LINKS = 200  # kept of each kind
MAX_TITLE = 120  # characters of an anchor's text that are kept in one piece

_RELATIONS = frozenset({"alternate", "feed", "hub", "self"})

Attributes = Mapping[str, str]
Anchor = tuple[Attributes, list[str]]
"""The attributes of an ``a`` or ``area``, and pieces of its text."""


@dataclass(slots=True, kw_only=True)
class Page:
    """What a page holds: ``link`` elements that name feeds or hubs, and anchors that were wanted.

    ``base`` is the address that theirs are relative to. All of them have a ``href``.
    """

    base: str
    links: list[Attributes] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)


def read_page(
    body: bytes, content_type: str, url: str, *, follow: Callable[[str], bool] = lambda _: False
) -> Page:
    """Return the links of the page at ``url``, in its order; never raises.

    ``content_type`` is the header as sent; ``follow`` says which anchors are wanted, by their
    ``href``.
    """
    target = _Events(follow)
    try:
        parser = etree.HTMLParser(target=target, encoding=charset_of(content_type) or None)
    except LookupError:  # an encoding that nobody knows
        parser = etree.HTMLParser(target=target)
    with suppress(etree.LxmlError, ValueError):  # what was seen before it broke off stands
        etree.fromstring(body[:MAX_PAGE], parser)
    target.page.base = absolute(target.page.base, url) or url
    return target.page


def relations(link: Attributes) -> frozenset[str]:
    """Return the relations (lower case) that a link names."""
    return frozenset(link.get("rel", "").lower().split())


class _Events:
    """Receives the elements of a page from the parser."""

    def __init__(self, follow: Callable[[str], bool]) -> None:
        self.page = Page(base="")
        self._follow = follow
        self._text: list[str] | None = None

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag not in {"a", "area", "link", "base"} or not attributes.get("href", "").strip():
            return
        if tag == "base":
            self.page.base = self.page.base or attributes["href"].strip()
        elif tag == "link":
            if relations(attributes) & _RELATIONS and len(self.page.links) < MAX_LINKS:
                self.page.links.append(dict(attributes))
        elif self._follow(attributes["href"].strip()) and len(self.page.anchors) < MAX_LINKS:
            self._text = []
            self.page.anchors.append((dict(attributes), self._text))

    def end(self, tag: str) -> None:
        if tag == "a":
            self._text = None

    def data(self, text: str) -> None:
        if self._text is not None and len(self._text) < 20:
            self._text.append(text[:MAX_TITLE])

    def close(self) -> None:
        self._text = None
