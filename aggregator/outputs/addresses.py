"""Where does an output live, and under which permanent id?"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from msgspec.structs import replace

from aggregator.model.editions import Format, OutputSpec, Site

MEDIA_TYPES: Mapping[Format, str] = MappingProxyType(
    {
        Format.ATOM: "application/atom+xml",
        Format.RSS: "application/rss+xml",
        Format.JSON: "application/feed+json",
    }
)
"""Media type of each format, without parameters, as links name it."""

FEEDS, PRIVATE = "feeds", "private"
"""The folders of feed documents: for everybody, and for those who know a token."""

ARCHIVE = "archive"
"""The folder of an output's archive, below its own name."""

STORIES = "stories"
"""The folder below which stories have their pages."""

SEARCH = "search"
"""The page where readers search; what they find as a feed is beside it."""

SUBSCRIBE = "subscribe"
"""The page that tells in words what each output holds."""

FEED_STYLE = "feed.css"
"""The style sheet with which browsers show feeds."""

OUTPUTS_OPML = "outputs.opml"
"""The list of our outputs, for readers' programs to import."""

# Name-based UUIDs (RFC 9562 section 5.5) of a name space of our own: neither a new base address
# nor a new title gives a feed another id.
_NAMESPACE = uuid.UUID("b7c1b1f4-7f0c-5a53-8a53-53a1c06e2f0d")


def path(spec: OutputSpec, form: Format) -> str:
    """Return where a document stands, without leading slash: ``feeds/latest.atom``.

    One of a private output is served elsewhere: under the token of whoever asks.
    """
    if spec.query:
        return f"{SEARCH}.{form}"
    return f"{PRIVATE if spec.private else FEEDS}/{spec.name}.{form}"


def archive_path(spec: OutputSpec, form: Format, number: int) -> str:
    """Return where a page of an output's archive is served: ``feeds/latest/archive/1.atom``."""
    return f"{FEEDS}/{spec.name}/{ARCHIVE}/{number}.{form}"


def is_public(path: str) -> bool:
    """Tell whether what stands at ``path`` is for everybody."""
    return not path.startswith(f"{PRIVATE}/")


def keys(specs: Iterable[OutputSpec]) -> dict[str, tuple[str, ...]]:
    """Return the digests of the tokens that open each private document, by path."""
    return {path(spec, form): spec.tokens for spec in specs if spec.private for form in Format}


def moved(specs: Iterable[OutputSpec]) -> dict[str, str]:
    """Return where the documents are now that outputs served under earlier names, by path."""
    return {
        path(replace(spec, name=name), form): path(spec, form)
        for spec in specs
        for name in spec.was
        for form in Format
    }


def feed_url(spec: OutputSpec, form: Format, site: Site) -> str:
    """Return the absolute address of a document."""
    return f"{site.base_url}/{quote(path(spec, form))}{_asking(spec)}"


def stylesheet_path(site: Site) -> str:
    """Return where browsers find the style sheet of feeds, from the root of the host."""
    return f"{quote(urlsplit(site.base_url).path)}/{FEED_STYLE}"


def page_url(spec: OutputSpec, site: Site) -> str:
    """Return the absolute address of the page that shows the same: a topic's, or the front."""
    if spec.query:
        return f"{site.base_url}/{SEARCH}{_asking(spec)}"
    if spec.topic is None:
        return f"{site.base_url}/"
    return f"{site.base_url}/topics/{quote(spec.topic)}"


def feed_id(spec: OutputSpec, site: Site) -> str:
    """Return the permanent id of an output (RFC 4287 section 4.2.6), one of each installation."""
    return uuid.uuid5(_NAMESPACE, f"output\n{site.installation}\n{_first_name(spec)}").urn


def issue_path(spec: OutputSpec, day: date) -> str:
    """Return where the page of a digest's issue is served: ``digests/morning/2026-03-03/…``."""
    return f"digests/{spec.name}/{day.isoformat()}/index.html"


def issue_url(spec: OutputSpec, site: Site, day: date) -> str:
    """Return the absolute address of the page of an issue."""
    return f"{site.base_url}/{quote(issue_path(spec, day).removesuffix('/index.html'))}"


def issue_id(spec: OutputSpec, site: Site, day: date) -> str:
    """Return the permanent id of an issue."""
    name = f"issue\n{site.installation}\n{_first_name(spec)}\n{day.isoformat()}"
    return uuid.uuid5(_NAMESPACE, name).urn


def story_page(story: str) -> str:
    """Return where the page of a story stands, without leading slash and file name."""
    return f"{STORIES}/{quote(story.removeprefix('urn:uuid:'), safe='')}"


def _asking(spec: OutputSpec) -> str:
    return f"?q={quote(spec.query, safe='')}" if spec.query else ""


def _first_name(spec: OutputSpec) -> str:
    return spec.was[0] if spec.was else spec.name  # a new name is no new feed
