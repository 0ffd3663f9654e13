"""What of an edition can be printed, whatever the format?

All formats print what is chosen here, so that they agree on ids, titles, links and dates.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.editions import Also, Edition, EditionEntry, Format, OutputSpec, Site, Source
from aggregator.model.items import Enclosure
from aggregator.outputs.addresses import archive_path, feed_id, feed_url, page_url
from aggregator.outputs.archives import CURRENT, Leaf
from aggregator.outputs.body import body_of, teaser_of
from aggregator.outputs.clean import (
    host_of,
    line_of,
    media_type,
    prose_of,
    text_of,
    web_link,
    whole_second,
)
from aggregator.text.languages import language_tag
from aggregator.text.xml import clip

MAX_BODIES = 1_000_000  # bytes of all bodies of a document; readers refuse much larger ones
TITLE = 80  # characters of the summary that stand in for a missing title
UNTITLED = "(untitled)"
# What a value of a wrong shape raises while it is cleaned or printed. lxml's own errors are
# ValueError and SyntaxError.
UNPRINTABLE = (ValueError, TypeError, AttributeError, OverflowError, SyntaxError)


class Article(Struct, frozen=True, kw_only=True):
    """An entry fit to print.

    ``entry`` is cleaned: legal characters only, a title, absolute http(s) links (an unusable one
    is empty or left out), times in whole seconds UTC. ``body`` is HTML; ``teaser`` plain text,
    empty when the body says no more; ``byline`` the authors, or else the source.
    """

    entry: EditionEntry
    body: str
    teaser: str
    byline: tuple[str, ...]


class Masthead(Struct, frozen=True, kw_only=True):
    """What a document says of itself, cleaned; ``home_url`` is the page that shows the same.

    ``self_url`` is empty for a private output: each of its readers has another address for it.
    """

    id: str
    title: str
    description: str
    language: str
    updated: datetime
    self_url: str
    home_url: str
    site_title: str
    site_url: str
    topic: str | None
    hubs: tuple[str, ...]
    is_archive: bool
    current_url: str
    previous_url: str | None
    following_url: str | None


class Selection(Struct, frozen=True, kw_only=True):
    """What will be printed, in order, and one line for each entry that cannot be, and why."""

    articles: tuple[Article, ...]
    dropped: tuple[str, ...] = ()


class Printed(Struct, frozen=True, kw_only=True):
    """A document in UTF-8, and one line for each entry that had to be left out, and why."""

    body: bytes
    dropped: tuple[str, ...] = ()


def masthead(edition: Edition, site: Site, form: Format, leaf: Leaf = CURRENT) -> Masthead:
    """Return the head of ``edition`` in the format ``form``; raises ValueError for a naive date.

    ``leaf`` tells a page of the archive from the current document.
    """
    spec = edition.spec
    current_url = "" if spec.private else feed_url(spec, form, site)
    site_title = line_of(site.title) or host_of(site.base_url) or UNTITLED
    return Masthead(
        id=feed_id(spec, site),
        title=line_of(spec.title) or site_title,
        description=line_of(spec.description),
        language=_tag(spec.language) or _tag(site.language) or "en",
        updated=whole_second(edition.updated),
        self_url=_leaf_url(spec, form, site, leaf.number) or current_url,
        home_url=page_url(spec, site),
        site_title=site_title,
        site_url=f"{site.base_url}/",
        topic=spec.topic,
        hubs=() if spec.private or spec.query else tuple(filter(None, map(web_link, site.hubs))),
        is_archive=leaf.number is not None,
        current_url=current_url,
        previous_url=_leaf_url(spec, form, site, leaf.previous),
        following_url=_leaf_url(spec, form, site, leaf.following),
    )


def _leaf_url(spec: OutputSpec, form: Format, site: Site, number: int | None) -> str | None:
    if number is None:
        return None
    return f"{site.base_url}/{quote(archive_path(spec, form, number))}"


def select(edition: Edition) -> Selection:
    """Choose what of ``edition`` can be printed: sound entries, each id once, within the size.

    The document is cut at whole entries. The first is printed whatever its size.
    """
    sound, dropped = _sound(edition.entries)
    if edition.spec.source_in_title:
        sound = [_naming_its_source(article) for article in sound]
    fitting = _fitting(sound)
    if cut := sound[len(fitting) :]:
        dropped.append(f"{cut[0].entry.id!r} and on: {len(cut)} beyond {MAX_BODIES} bytes")
    return Selection(articles=tuple(fitting), dropped=tuple(dropped))


@lru_cache(maxsize=256)  # an entry stands in several outputs, each in three formats
def article_of(entry: EditionEntry) -> Article:
    """Clean ``entry`` for print.

    Raises one of `UNPRINTABLE` when that is not possible: no id, a date without a zone, a field
    of a wrong type.
    """
    clean = _cleaned(entry)
    if not clean.id:
        raise ValueError("no id")
    credited = (clean.source.title,) if clean.source else ()
    return Article(
        entry=clean,
        body=body_of(clean),
        teaser=teaser_of(clean),
        byline=clean.authors or credited,
    )


def isolated(selection: Selection, build: Callable[[tuple[Article, ...]], bytes]) -> Printed:
    """Print ``selection`` with ``build``; if that fails, without the articles that fail alone.

    Raises what ``build`` raises on an empty document.
    """
    try:
        return Printed(body=build(selection.articles), dropped=selection.dropped)
    except UNPRINTABLE:
        pass
    sound: list[Article] = []
    dropped = list(selection.dropped)
    for article in selection.articles:
        try:
            build((article,))
        except UNPRINTABLE as error:
            dropped.append(f"{article.entry.id!r}: {error}")
        else:
            sound.append(article)
    return Printed(body=build(tuple(sound)), dropped=tuple(dropped))


def _sound(entries: tuple[EditionEntry, ...]) -> tuple[list[Article], list[str]]:
    """Return what can be printed, each id once, and a line for each entry that cannot."""
    sound: dict[str, Article] = {}
    dropped: list[str] = []
    for entry in entries:
        try:
            article = article_of(entry)
        except UNPRINTABLE as error:
            dropped.append(f"{entry.id!r}: {error}")
            continue
        if article.entry.id in sound:
            dropped.append(f"{entry.id!r}: the same id twice")
            continue
        sound[article.entry.id] = article
    return list(sound.values()), dropped


def _naming_its_source(article: Article) -> Article:
    entry = article.entry
    if entry.source is None:
        return article
    return replace(article, entry=replace(entry, title=f"{entry.title} ({entry.source.title})"))


def _fitting(articles: list[Article]) -> list[Article]:
    """Return the longest run from the first on whose bodies fit, and the first in any case."""
    used = 0
    for place, article in enumerate(articles):
        used += len(article.body.encode())
        if used > MAX_BODIES and place > 0:
            return articles[:place]
    return articles


def _cleaned(entry: EditionEntry) -> EditionEntry:
    summary = prose_of(entry.summary)
    link = web_link(entry.link)
    return replace(
        entry,
        id=text_of(entry.id),
        title=line_of(entry.title) or clip(line_of(summary), TITLE) or host_of(link) or UNTITLED,
        link=link,
        published=whole_second(entry.published),
        updated=whole_second(entry.updated),
        summary=summary,
        content_html=text_of(entry.content_html),
        authors=_lines(entry.authors),
        categories=_lines(entry.categories),
        language=_tag(entry.language),
        image=web_link(entry.image) or None,
        enclosures=tuple(_enclosure(e) for e in entry.enclosures if web_link(e.url)),
        agency=line_of(entry.agency) or None,
        source=_source(entry.source),
        also=tuple(_also(report) for report in entry.also),
    )


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for text in texts if (line := line_of(text))))


def _tag(language: str | None) -> str | None:
    return language_tag(language) if language else None


def _enclosure(enclosure: Enclosure) -> Enclosure:
    length = enclosure.length
    return Enclosure(
        url=web_link(enclosure.url),
        media_type=media_type(enclosure.media_type),
        length=length if length is not None and length >= 0 else None,
    )


def _source(source: Source | None) -> Source | None:
    if source is None or not (url := web_link(source.url)):
        return None
    home = web_link(source.home)
    title = line_of(source.title) or host_of(home or url)
    return Source(title=title, url=url, home=home or None, owner=line_of(source.owner))


def _also(report: Also) -> Also:
    link = web_link(report.link)
    source = line_of(report.source) or host_of(link) or line_of(report.owner) or UNTITLED
    return replace(
        report,
        title=line_of(report.title) or UNTITLED,
        link=link,
        source=source,
        owner=line_of(report.owner),
        published=whole_second(report.published),
    )
