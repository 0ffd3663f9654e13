"""What is an edition in Atom (RFC 4287)?"""

from typing import Any

from aggregator.model.editions import Edition, Format, Site
from aggregator.outputs.archives import CURRENT, Leaf
from aggregator.outputs.articles import Article, Masthead, Printed, isolated, masthead, select
from aggregator.outputs.feedgen_ext import new_entry, new_feed


def render(edition: Edition, site: Site, leaf: Leaf = CURRENT) -> Printed:
    """Print ``edition`` as an Atom feed document.

    Equal input gives equal bytes. Raises ValueError when the edition's own date has no zone.
    """
    head = masthead(edition, site, Format.ATOM, leaf)
    return isolated(select(edition), lambda articles: _document(head, articles))


def _document(head: Masthead, articles: tuple[Article, ...]) -> bytes:
    feed = new_feed(head, Format.ATOM)
    feed.author(name=head.site_title, uri=head.site_url)
    if head.description:
        feed.subtitle(head.description)
    for article in articles:
        _add(feed, article, head.language)
    document: bytes = feed.atom_str()
    return document


def _add(feed: Any, article: Article, language: str) -> None:
    entry = article.entry
    made = new_entry(feed, article)
    made.author([{"name": name} for name in article.byline])
    if entry.agency:
        made.contributor(name=entry.agency)
    # RFC 4287 section 4.1.2: an entry without content needs an alternate link.
    if article.body or not entry.link:
        made.content(article.body, type="html")
    if article.teaser:
        made.summary(article.teaser)
    made.press.enclosures = entry.enclosures
    made.press.source = entry.source
    made.press.updated = entry.updated.isoformat()
    made.press.language = entry.language if entry.language != language else None
