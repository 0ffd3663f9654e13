"""Which hub does a page name? (WebSub section 4, the third place to look.)"""

from collections.abc import Mapping
from contextlib import suppress

from lxml import etree

from aggregator.model.push import HubLinks
from aggregator.sources.websub.discovery import Link, of_links

MAX_PAGE = 1_000_000  # bytes of a page that are looked at; links stand in its head
MAX_LINKS = 200


def in_page(body: bytes, url: str) -> HubLinks:
    """Return what the ``link`` elements of the HTML page at ``url`` say; never raises."""
    found = _Links()
    with suppress(etree.LxmlError, ValueError):  # what was seen before it broke off stands
        etree.fromstring(body[:MAX_PAGE], etree.HTMLParser(target=found))
    return of_links(found.links, url)


class _Links:
    """Receives the elements of a page from the parser."""

    def __init__(self) -> None:
        self.links: list[Link] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "link" and len(self.links) < MAX_LINKS:
            self.links.append((attributes.get("rel", ""), attributes.get("href", "")))

    def close(self) -> None:
        pass
