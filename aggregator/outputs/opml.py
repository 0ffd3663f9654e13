"""Which feeds is this made of, as a list that other readers can import (OPML 2.0)?"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from lxml import etree

from aggregator.model.editions import Format, OutputSpec, Site, Source
from aggregator.model.feeds import Feed
from aggregator.outputs.addresses import feed_url, page_url
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
    never printed, nor feeds whose address is secret.
    """
    outlines = (_outline(feed, sources.get(feed.id)) for feed in feeds if feed.enabled)
    return _document(line_of(site.title) or host_of(site.base_url), outlines, updated)


def of_outputs(specs: Iterable[OutputSpec], site: Site, *, updated: datetime) -> bytes:
    """Print a list of our own outputs, each as Atom, in their order and by topic, in UTF-8."""
    name = line_of(site.title) or host_of(site.base_url)
    outlines = (_offered(spec, name, site) for spec in specs)
    return _document(name, outlines, updated)


def _document(title: str, outlines: Iterable[dict[str, str]], updated: datetime) -> bytes:
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = title
    stamp = rfc822(whole_second(updated))
    etree.SubElement(head, "dateCreated").text = stamp
    etree.SubElement(head, "dateModified").text = stamp
    etree.SubElement(head, "docs").text = "http://opml.org/spec2.opml"
    body = etree.SubElement(root, "body")
    for outline in filter(None, outlines):
        etree.SubElement(body, "outline", outline)
    document: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document


def _offered(spec: OutputSpec, site_title: str, site: Site) -> dict[str, str]:
    title = f"{site_title}: {line_of(spec.title) or spec.name}"
    outline = {"type": "rss", "text": title, "title": title}
    outline["xmlUrl"] = feed_url(spec, Format.ATOM, site)
    outline["htmlUrl"] = page_url(spec, site)
    if spec.topic:
        outline["category"] = f"/{line_of(spec.topic)}"
    return outline


def _outline(feed: Feed, source: Source | None) -> dict[str, str]:
    url, _ = split_credentials(web_link(feed.url))
    if not url or feed.secret:
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
