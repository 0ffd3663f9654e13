"""Which bytes is a page?"""

from collections.abc import Iterable

from markupsafe import Markup
from msgspec.structs import replace

from aggregator.model.editions import Edition, EditionEntry, OutputSpec, Site
from aggregator.model.stories import Topic
from aggregator.outputs.addresses import OUTPUTS_OPML, SUBSCRIBE, page_url, story_page
from aggregator.outputs.articles import select
from aggregator.outputs.opml import PATH as OPML_PATH
from aggregator.outputs.pages.cards import card_of
from aggregator.outputs.pages.layout import (
    Section,
    Sheet,
    label_of,
    lay_front,
    lay_topic,
    newest,
)
from aggregator.outputs.pages.printing import Paper, bare, feed_links, listed, print_page
from aggregator.outputs.pages.stories import StoryTold, day_of, lay_story
from aggregator.outputs.pages.subscribing import lay_subscribe
from aggregator.outputs.wording import long_date, moment

MEDIA_TYPE = "text/html"
"""Media type of a page, without parameters."""


def front(
    site: Site,
    *,
    top: Edition,
    latest: Edition,
    sections: tuple[Section, ...],
    dont_miss: tuple[EditionEntry, ...],
    unread: bool = False,
) -> bytes:
    """Print ``index.html``. An edition without a title is no output and is not linked as a feed.

    ``dont_miss`` are well-covered stories that have left Top News, best first. ``unread`` when all
    publishers were asked and none could be read. Raises ValueError when an edition's own date has
    no zone.
    """
    sheet = lay_front(
        top=top, latest=latest, sections=sections, dont_miss=dont_miss, language=site.language
    )
    topics = (section.topic for section in sections)
    paper = _paper(
        site, topics=topics, own=(top, latest), canonical=f"{site.base_url}/", sheet=sheet
    )
    opml = f"{paper.root}{OPML_PATH}"
    return print_page("front.html", paper, sheet=sheet, opml=opml, unread=unread)


def topic(site: Site, section: Section, *, topics: Iterable[Topic] = ()) -> bytes:
    """Print ``topics/SLUG/index.html``; ``topics`` are all of the site's, for the way around.

    Raises ValueError when an edition's own date has no zone.
    """
    sheet = lay_topic(section, language=site.language)
    paper = _paper(
        site,
        topics=tuple(topics) or (section.topic,),
        own=(section.top, section.latest),
        canonical=page_url(section.latest.spec, site),
        sheet=sheet,
    )
    return print_page("topic.html", paper, sheet=sheet, label=label_of(section.topic))


def story(
    site: Site,
    told: StoryTold,
    *,
    topics: Iterable[Topic] = (),
    feeds: Iterable[OutputSpec] = (),
) -> bytes:
    """Print the page of a story; ``topics`` are all of the site's, for the way around.

    ``feeds`` are outputs for readers' programs to discover. Raises ValueError when none of its
    reports can be printed.
    """
    sheet = lay_story(told, language=site.language)
    paper = replace(
        bare(site, f"{site.base_url}/{story_page(told.id)}"),
        topics=tuple(label_of(topic) for topic in topics),
        alternates=tuple(link for spec in feeds for link in feed_links(spec, site)),
        date=long_date(day_of(sheet)),
    )
    return print_page("story.html", paper, sheet=sheet, told=told)


def search(site: Site, found: Edition, *, by_date: bool, topics: Iterable[Topic] = ()) -> bytes:
    """Print what a search found, in the order of ``found``; only the form when nothing was asked.

    Raises ValueError when the edition's own date has no zone.
    """
    query = found.spec.query
    today = newest((found,))
    cards = tuple(
        card_of(article.entry, today=today, language=site.language, labels={})
        for article in select(found).articles
    )
    paper = replace(
        bare(site, page_url(found.spec, site)),
        topics=tuple(label_of(topic) for topic in topics),
        outputs=listed((found.spec,), site) if query else (),
        alternates=feed_links(found.spec, site) if query else (),
    )
    return print_page("search.html", paper, query=query, cards=cards, by_date=by_date)


def subscribe(site: Site, specs: Iterable[OutputSpec], topics: Iterable[Topic] = ()) -> bytes:
    """Print the page that tells in words what each of the outputs ``specs`` holds."""
    specs, topics = tuple(specs), tuple(topics)
    paper = replace(
        bare(site, f"{site.base_url}/{SUBSCRIBE}"),
        topics=tuple(label_of(topic) for topic in topics),
        alternates=tuple(feed_links(spec, site)[0] for spec in specs if spec.title),
    )
    groups = lay_subscribe(specs, topics, site)
    lists = (f"{site.base_url}/{OUTPUTS_OPML}", f"{site.base_url}/{OPML_PATH}")
    return print_page("subscribe.html", paper, groups=groups, ours=lists[0], sources=lists[1])


def issue(site: Site, entry: EditionEntry, spec: OutputSpec) -> bytes:
    """Print the page of an issue of the digest ``spec``; its text is our own HTML."""
    own = () if spec.private else (spec,)
    paper = replace(
        bare(site, entry.link),
        outputs=listed(own, site),
        alternates=tuple(link for spec in own for link in feed_links(spec, site)),
        date=long_date(entry.published.date()),
    )
    text = Markup(entry.content_html)  # noqa: S704
    return print_page("issue.html", paper, entry=entry, text=text)


def not_found(site: Site) -> bytes:
    """Print the page for an address where nothing is."""
    return _plain(
        site, "Nothing here", "No page or feed stands at this address, or it stands no longer."
    )


def gone(site: Site) -> bytes:
    """Print the page for an address where something was, and is no more."""
    return _plain(site, "No more", "What stood at this address was taken away for good.")


def not_allowed(site: Site) -> bytes:
    """Print the page for a method that an address does not answer to."""
    return _plain(site, "Not that way", "This address can be read (GET), and nothing else.")


def _plain(site: Site, heading: str, words: str) -> bytes:
    return print_page("plain.html", bare(site, f"{site.base_url}/"), heading=heading, words=words)


def _paper(
    site: Site,
    *,
    topics: Iterable[Topic],
    own: tuple[Edition, ...],
    canonical: str,
    sheet: Sheet,
) -> Paper:
    day = newest(own)
    updated = max(edition.updated for edition in own)
    specs = tuple(edition.spec for edition in own)
    return replace(
        bare(site, canonical),
        topics=tuple(label_of(topic) for topic in topics),
        outputs=listed(specs, site),
        alternates=tuple(link for spec in specs for link in feed_links(spec, site)),
        date="" if sheet.empty else long_date(day),
        updated=None if sheet.empty else moment(updated, day),
    )
