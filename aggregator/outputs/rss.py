"""What is an edition in RSS 2.0 (with the RSS Advisory Board's profile)?"""

from html import escape
from typing import Any

from aggregator.model.editions import Edition, Format, Site
from aggregator.model.items import Enclosure
from aggregator.outputs.archives import CURRENT, Leaf
from aggregator.outputs.articles import Article, Masthead, Printed, isolated, masthead, select
from aggregator.outputs.clean import UNKNOWN_TYPE
from aggregator.outputs.feedgen_ext import new_entry, new_feed

TTL = 15  # minutes a reader may keep a document before asking again


def render(edition: Edition, site: Site, leaf: Leaf = CURRENT) -> Printed:
    """Print ``edition`` as an RSS 2.0 document.

    Equal input gives equal bytes. Raises ValueError when the edition's own date has no zone.
    """
    head = masthead(edition, site, Format.RSS, leaf)
    return isolated(select(edition), lambda articles: _document(head, articles))


def _document(head: Masthead, articles: tuple[Article, ...]) -> bytes:
    feed = new_feed(head, Format.RSS)
    feed.description(head.description or head.title)
    feed.ttl(TTL)
    for article in articles:
        _add(feed, article, head.language)
    document: bytes = feed.rss_str()
    return document


def _add(feed: Any, article: Article, language: str) -> None:
    # The guid is never said to be a permalink: the link element is there for that, and an id
    # whose claim flips as its link changes would be read as another item.
    entry = article.entry
    made = new_entry(feed, article)
    if article.body:
        made.content(article.body)  # content:encoded beside a description, else the description
    if article.teaser:
        made.description(escape(article.teaser, quote=False), isSummary=True)  # RSS: it is HTML
    # RSS 2.0: <author> is an e-mail address. Names are dc:creator.
    made.dc.dc_creator(list(article.byline))
    if entry.agency:
        made.dc.dc_contributor(entry.agency)
    if entry.language and entry.language != language:
        made.dc.dc_language(entry.language)
    if entry.source:
        made.source(url=entry.source.url, title=entry.source.title)
    _attach(made, entry.enclosures)


def _attach(made: Any, enclosures: tuple[Enclosure, ...]) -> None:
    # RSS Profile, enclosure: "an item MUST NOT contain more than one", and all three attributes
    # are required, with the length 0 when unknown.
    for place, enclosure in enumerate(enclosures):
        if place == 0:
            kind = enclosure.media_type or UNKNOWN_TYPE
            made.enclosure(url=enclosure.url, length=enclosure.length or 0, type=kind)
        else:
            made.media.content(**_media(enclosure), group=None)


def _media(enclosure: Enclosure) -> dict[str, str]:
    media = {"url": enclosure.url}
    if enclosure.media_type:
        media["type"] = enclosure.media_type
    if enclosure.length:
        media["fileSize"] = str(enclosure.length)
    return media
