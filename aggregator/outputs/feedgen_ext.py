"""What does feedgen lack that a good feed needs?

feedgen 1.0 reads the clock for dates that are not set, puts new entries first, takes the last
link for the channel's, drops hub links and nameless e-mails in RSS and knows a source's title
only. In Atom entries it loses rel, type and length of every link, so that an enclosure would read
as the article itself. Extensions are found by duck typing (``feedgen.ext.base`` has the methods).
"""

from collections.abc import Iterator
from typing import Any

import feedgen.entry
import feedgen.feed
from lxml import etree

from aggregator.model.editions import Format, Source
from aggregator.model.items import Enclosure
from aggregator.outputs.addresses import MEDIA_TYPES
from aggregator.outputs.articles import Article, Masthead
from aggregator.outputs.clean import rfc822

_ATOM_LINK = "{http://www.w3.org/2005/Atom}link"
_HISTORY = "http://purl.org/syndication/history/1.0"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# feedgen's own calls locale.setlocale() twice for each date, which is process-wide and not safe
# with threads, and prints the year 1 as "1".
feedgen.feed.formatRFC2822 = rfc822
feedgen.entry.formatRFC2822 = rfc822


class FeedPress:
    """Feed-level extension: hubs, which feedgen leaves out of RSS, and archives (RFC 5005)."""

    head: Masthead

    def extend_ns(self) -> dict[str, str]:
        """Return the name spaces that it needs and feedgen does not declare."""
        return {"fh": _HISTORY} if self.head.is_archive else {}

    def extend_atom(self, feed: Any) -> Any:
        """Add the links to an Atom feed."""
        return self._extend(feed, "link")

    def extend_rss(self, rss: Any) -> Any:
        """Add the links to an RSS channel."""
        self._extend(rss[0], _ATOM_LINK)
        return rss

    def _extend(self, node: Any, link: str) -> Any:
        for rel, url in _relations(self.head):
            etree.SubElement(node, link, rel=rel, href=url)
        if self.head.is_archive:
            etree.SubElement(node, f"{{{_HISTORY}}}archive")
        return node


def _relations(head: Masthead) -> Iterator[tuple[str, str]]:
    """Yield relation and address of each link that feedgen does not know."""
    yield from (("hub", hub) for hub in head.hubs)
    if head.is_archive:
        yield "current", head.current_url
    if head.previous_url:
        yield "prev-archive", head.previous_url
    if head.following_url:
        yield "next-archive", head.following_url


class EntryPress:
    """Entry-level extension for Atom: enclosures, the whole source, and the entry's own language.

    Elements have plain names: feedgen declares Atom by an attribute, and children in the name
    space proper would be written with a prefix.
    """

    enclosures: tuple[Enclosure, ...] = ()
    source: Source | None = None
    language: str | None = None
    updated: str = ""

    def extend_atom(self, entry: Any) -> Any:
        """Add ``xml:lang``, enclosures and ``source`` to an Atom entry."""
        if self.language:
            entry.set(_XML_LANG, self.language)
        for enclosure in self.enclosures:
            self._add_enclosure(entry, enclosure)
        if self.source:
            self._add_source(entry, self.source)
        return entry

    def extend_rss(self, item: Any) -> Any:
        """Leave an RSS item as it is: feedgen and its dc extension have what it needs."""
        return item

    def _add_enclosure(self, entry: Any, enclosure: Enclosure) -> None:
        link = etree.SubElement(entry, "link", rel="enclosure", href=enclosure.url)
        if enclosure.media_type:
            link.set("type", enclosure.media_type)
        if enclosure.length is not None:
            link.set("length", str(enclosure.length))

    def _add_source(self, entry: Any, source: Source) -> None:
        # RFC 4287 section 4.2.11: the source's id, title and updated "SHOULD" be kept. We know
        # the feed by its address, and of its time what we know of the entry's.
        element = etree.SubElement(entry, "source")
        etree.SubElement(element, "id").text = source.url
        etree.SubElement(element, "title").text = source.title
        etree.SubElement(element, "updated").text = self.updated
        author = etree.SubElement(element, "author")
        etree.SubElement(author, "name").text = source.title
        etree.SubElement(element, "link", rel="self", href=source.url)
        if source.home:
            etree.SubElement(element, "link", rel="alternate", href=source.home)


def new_feed(head: Masthead, form: Format) -> Any:
    """Return a feedgen FeedGenerator with the head set and no entries."""
    feed = feedgen.feed.FeedGenerator()
    feed.load_extension("media")
    feed.load_extension("dc", atom=False)
    feed.register_extension("press", FeedPress, EntryPress)
    feed.press.head = head
    feed.id(head.id)
    feed.title(head.title)
    feed.updated(head.updated)
    feed.language(head.language)
    feed.generator("aggregator")  # without version: an upgrade must not change every document
    if head.self_url:
        feed.link(href=head.self_url, rel="self", type=MEDIA_TYPES[form])
    feed.link(href=head.home_url, rel="alternate", type="text/html")  # last: the channel's link
    if head.topic:
        feed.category(term=head.topic)
    return feed


def new_entry(feed: Any, article: Article) -> Any:
    """Append an entry with what Atom and RSS share and return it (a feedgen FeedEntry)."""
    entry = article.entry
    made = feed.add_entry(order="append")
    made.id(entry.id)
    made.title(entry.title)
    made.published(entry.published)
    made.updated(entry.updated)
    if entry.link:
        made.link(href=entry.link, rel="alternate")
    for category in entry.categories:
        made.category(term=category)
    if entry.image:
        made.media.content(url=entry.image, medium="image", group=None)
        made.media.thumbnail(url=entry.image, group=None)
    return made
