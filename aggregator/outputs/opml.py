"""Which feeds is this made of, as a list that other readers can import (OPML 2.0)?"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from lxml import etree

from aggregator.model.editions import Site, Source
from aggregator.model.feeds import Feed
from aggregator.outputs.clean import host_of, line_of, rfc822, web_link, whole_second
from aggregator.text.languages import language_tag
from aggregator.text.urls import split_credentials

PATH = "feeds.opml"
"""Where it is served, without leading slash."""

MEDIA_TYPE = "text/x-opml"
"""Its media type, without parameters."""


def render(
    feeds: Iterable[Feed], sources: Mapping[str, Source], site: Site, *, updated: datetime
) -> bytes:
    """Print the enabled ``feeds`` in their order, in UTF-8.

    ``sources`` tells by feed id what a publisher says of itself, where it is known; a title from
    ops wins. ``updated`` is when the list last changed (aware). User names and passwords are
    never printed.
    """
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = line_of(site.title) or host_of(site.base_url)
    stamp = rfc822(whole_second(updated))
    etree.SubElement(head, "dateCreated").text = stamp
    etree.SubElement(head, "dateModified").text = stamp
    etree.SubElement(head, "docs").text = "http://opml.org/spec2.opml"
    body = etree.SubElement(root, "body")
    for feed in feeds:
        if feed.enabled and (outline := _outline(feed, sources.get(feed.id))):
            etree.SubElement(body, "outline", outline)
    document: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document


def _outline(feed: Feed, source: Source | None) -> dict[str, str]:
    url, _ = split_credentials(web_link(feed.url))
    if not url:
        return {}
    title = line_of(feed.title) or line_of(source.title if source else None) or host_of(url)
    # OPML 2.0, "subscription lists": type, text and xmlUrl are required. Readers want title too.
    outline = {"type": "rss", "text": title, "title": title, "xmlUrl": url}
    if home := web_link(source.home if source else None):
        outline["htmlUrl"], _ = split_credentials(home)
    if feed.language and (language := language_tag(feed.language)):
        outline["language"] = language
    if feed.topics:
        # OPML 2.0: slash-delimited categories, separated by commas.
        outline["category"] = ",".join(f"/{line_of(topic)}" for topic in feed.topics)
    return outline
