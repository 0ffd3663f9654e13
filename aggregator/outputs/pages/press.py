"""Which bytes is a page?"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from aggregator.model.editions import Edition, EditionEntry, Format, Site
from aggregator.model.stories import Topic
from aggregator.outputs.addresses import MEDIA_TYPES, page_url, path, story_page
from aggregator.outputs.clean import host_of, line_of
from aggregator.outputs.opml import PATH as OPML_PATH
from aggregator.outputs.pages.cards import Label
from aggregator.outputs.pages.layout import (
    Section,
    Sheet,
    label_of,
    lay_front,
    lay_topic,
    newest,
)
from aggregator.outputs.pages.stories import StoryTold, day_of, lay_story
from aggregator.outputs.wording import Moment, long_date, moment

MEDIA_TYPE = "text/html"
"""Media type of a page, without parameters."""

STYLE_PATH = "style.css"
"""Where the one style sheet is served, without leading slash."""

FAVICON_PATH = "favicon.svg"
"""Where the icon is served, without leading slash."""

_HERE = files(__package__)
_FORMAT_NAMES = {Format.ATOM: "Atom", Format.RSS: "RSS", Format.JSON: "JSON Feed"}

FAVICON = (_HERE / "static" / FAVICON_PATH).read_bytes()
"""The icon (SVG)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """One document that can be subscribed to."""

    href: str
    media_type: str
    format: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What every page of a site shares. ``root`` ends in a slash."""

    title: str
    root: str
    style: str
    canonical: str
    contact: str
    topics: tuple[Label, ...] = ()
    outputs: tuple[tuple[str, tuple[FeedLink, ...]], ...] = ()
    alternates: tuple[FeedLink, ...] = ()
    date: str = ""
    updated: Moment | None = None


def front(
    site: Site,
    *,
    top: Edition,
    latest: Edition,
    sections: tuple[Section, ...],
    dont_miss: tuple[EditionEntry, ...],
    others: Iterable[Edition] = (),
) -> bytes:
    """Print ``index.html``. An edition without a title is no output and is not linked as a feed.

    ``dont_miss`` are well-covered stories that have left Top News, best first; ``others`` are
    outputs that the page shows nothing of, and names. Raises ValueError when an edition's own date
    has no zone.
    """
    sheet = lay_front(
        top=top, latest=latest, sections=sections, dont_miss=dont_miss, language=site.language
    )
    outputs = [top, latest, *(e for section in sections for e in (section.top, section.latest))]
    outputs += others
    topics = (section.topic for section in sections)
    paper = _paper(
        site,
        topics=topics,
        outputs=outputs,
        own=(top, latest),
        canonical=f"{site.base_url}/",
        sheet=sheet,
    )
    return _print("front.html", paper, sheet=sheet, opml=f"{paper.root}{OPML_PATH}")


def topic(site: Site, section: Section, *, topics: Iterable[Topic] = ()) -> bytes:
    """Print ``topics/SLUG/index.html``; ``topics`` are all of the site's, for the way around.

    Raises ValueError when an edition's own date has no zone.
    """
    sheet = lay_topic(section, language=site.language)
    outputs = (section.top, section.latest)
    paper = _paper(
        site,
        topics=tuple(topics) or (section.topic,),
        outputs=outputs,
        own=outputs,
        canonical=page_url(section.latest.spec, site),
        sheet=sheet,
    )
    return _print("topic.html", paper, sheet=sheet, label=label_of(section.topic))


def story(site: Site, told: StoryTold, *, topics: Iterable[Topic] = ()) -> bytes:
    """Print the page of a story; ``topics`` are all of the site's, for the way around.

    Raises ValueError when none of its reports can be printed.
    """
    sheet = lay_story(told, language=site.language)
    bare = _bare(site, f"{site.base_url}/{story_page(told.id)}")
    day = day_of(sheet)
    paper = replace(
        bare,
        topics=tuple(label_of(topic) for topic in topics),
        date=long_date(day),
    )
    return _print("story.html", paper, sheet=sheet, told=told)


def issue(site: Site, entry: EditionEntry) -> bytes:
    """Print the page of a digest's issue; its text is our own HTML."""
    paper = _bare(site, entry.link)
    return _print("issue.html", paper, entry=entry, text=Markup(entry.content_html))  # noqa: S704


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


@cache
def stylesheet() -> bytes:
    """Return the style sheet of all pages."""
    return (_HERE / "static" / STYLE_PATH).read_bytes()


@cache
def _environment() -> Environment:
    env = Environment(
        loader=FunctionLoader(lambda name: (_HERE / "templates" / name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters["topic_path"] = lambda slug: f"topics/{quote(slug)}"
    return env


@cache
def _style_version() -> str:
    return hashlib.sha256(stylesheet()).hexdigest()[:12]


def _print(template: str, paper: Paper, **rest: object) -> bytes:
    # A lone surrogate cannot be written in UTF-8; entries are cleaned of them, names may not be.
    page = _environment().get_template(template).render(paper=paper, **rest)
    return page.encode("utf-8", "replace")


def _plain(site: Site, heading: str, words: str) -> bytes:
    return _print("plain.html", _bare(site, f"{site.base_url}/"), heading=heading, words=words)


def _bare(site: Site, canonical: str) -> Paper:
    root = f"{urlsplit(site.base_url).path}/"
    return Paper(
        title=line_of(site.title) or host_of(site.base_url),
        root=root,
        # The style sheet may be kept for ever, so its address changes with it.
        style=f"{root}{STYLE_PATH}?v={_style_version()}",
        canonical=canonical,
        contact=line_of(site.contact),
    )


def _paper(
    site: Site,
    *,
    topics: Iterable[Topic],
    outputs: Iterable[Edition],
    own: tuple[Edition, ...],
    canonical: str,
    sheet: Sheet,
) -> Paper:
    bare = _bare(site, canonical)
    listed = [(line_of(e.spec.title), _links(e, bare.root)) for e in outputs if e.spec.title]
    day = newest(own)
    updated = max(edition.updated for edition in own)
    return Paper(
        title=bare.title,
        root=bare.root,
        style=bare.style,
        canonical=canonical,
        contact=bare.contact,
        topics=tuple(label_of(topic) for topic in topics),
        outputs=tuple(listed),
        alternates=tuple(link for e in own if e.spec.title for link in _links(e, bare.root)),
        date="" if sheet.empty else long_date(day),
        updated=None if sheet.empty else moment(updated, day),
    )


def _links(edition: Edition, root: str) -> tuple[FeedLink, ...]:
    spec = edition.spec
    return tuple(
        FeedLink(
            href=f"{root}{quote(path(spec, form))}",
            media_type=MEDIA_TYPES[form],
            format=name,
            title=line_of(spec.title),
        )
        for form, name in _FORMAT_NAMES.items()
    )
