"""What is a page made of, and which bytes does its template give?"""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FunctionLoader, StrictUndefined
from msgspec import Struct

from aggregator.model.editions import Format, OutputSpec, Site
from aggregator.outputs.addresses import FEED_STYLE, MEDIA_TYPES, SEARCH, SUBSCRIBE, feed_url, path
from aggregator.outputs.clean import host_of, line_of
from aggregator.outputs.pages.cards import Label
from aggregator.outputs.wording import Moment

STYLE_PATH = "style.css"
"""Where the one style sheet is served, without leading slash."""

FAVICON_PATH = "favicon.svg"
"""Where the icon is served, without leading slash."""

_HERE = files(__package__)
_FORMAT_NAMES = {Format.ATOM: "Atom", Format.RSS: "RSS", Format.JSON: "JSON Feed"}

FAVICON = (_HERE / "static" / FAVICON_PATH).read_bytes()
"""The icon (SVG)."""


class FeedLink(Struct, frozen=True, kw_only=True):
    """One document that can be subscribed to; ``url`` is its absolute address."""

    href: str
    url: str
    media_type: str
    format: str
    title: str


class Paper(Struct, frozen=True, kw_only=True):
    """What every page of a site shares. ``root`` ends in a slash.

    ``outputs`` are listed at its foot, ``alternates`` are what readers' programs discover.
    """

    title: str
    root: str
    style: str
    canonical: str
    contact: str
    images: bool = True
    search: str = ""
    subscribe: str = ""
    topics: tuple[Label, ...] = ()
    outputs: tuple[tuple[str, tuple[FeedLink, ...]], ...] = ()
    alternates: tuple[FeedLink, ...] = ()
    date: str = ""
    updated: Moment | None = None


def bare(site: Site, canonical: str) -> Paper:
    """Return the paper that a page without news is printed on."""
    root = f"{urlsplit(site.base_url).path}/"
    return Paper(
        title=line_of(site.title) or host_of(site.base_url),
        root=root,
        # The style sheet may be kept for ever, so its address changes with it.
        style=f"{root}{STYLE_PATH}?v={_style_version()}",
        canonical=canonical,
        contact=line_of(site.contact),
        images=site.images,
        search=f"{root}{SEARCH}" if site.search else "",
        subscribe=f"{root}{SUBSCRIBE}",
    )


def feed_links(spec: OutputSpec, site: Site) -> tuple[FeedLink, ...]:
    """Return the documents of an output, Atom first; none of one without a title."""
    if not spec.title:
        return ()
    root = f"{urlsplit(site.base_url).path}/"
    asking = f"?q={quote(spec.query, safe='')}" if spec.query else ""
    return tuple(
        FeedLink(
            href=f"{root}{quote(path(spec, form))}{asking}",
            url=feed_url(spec, form, site),
            media_type=MEDIA_TYPES[form],
            format=name,
            title=line_of(spec.title),
        )
        for form, name in _FORMAT_NAMES.items()
    )


def print_page(template: str, paper: Paper, **rest: object) -> bytes:
    """Fill ``template`` in."""
    # A lone surrogate cannot be written in UTF-8; entries are cleaned of them, names may not be.
    page = _environment().get_template(template).render(paper=paper, **rest)
    return page.encode("utf-8", "replace")


@cache
def feed_stylesheet() -> bytes:
    """Return the style sheet with which browsers show feeds."""
    return (_HERE / "static" / FEED_STYLE).read_bytes()


@cache
def stylesheet() -> bytes:
    """Return the style sheet of all pages."""
    return (_HERE / "static" / STYLE_PATH).read_bytes()


def listed(specs: Iterable[OutputSpec], site: Site) -> tuple[tuple[str, tuple[FeedLink, ...]], ...]:
    """Return outputs by title with their documents, for the foot of a page."""
    return tuple((line_of(spec.title), feed_links(spec, site)) for spec in specs if spec.title)


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
