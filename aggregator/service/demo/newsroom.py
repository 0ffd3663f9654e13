"""What have the made-up publishers printed, at a given moment?"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import resources
from typing import Any

from msgspec import Struct
from ruamel.yaml import YAML


class Shape(StrEnum):
    """The format of a publisher's feed document."""

    RSS = "rss"
    ATOM = "atom"
    RDF = "rdf"
    JSON = "json"


class Trouble(StrEnum):
    """What is wrong with a publisher: an error for an answer, a page for a feed, a torn feed."""

    ERROR = "error"
    PAGE = "page"
    CUT = "cut"


class Report(Struct, frozen=True, kw_only=True):
    """One report as it stands in a file of ``news/``.

    ``at`` is its age in minutes when the demo starts. ``text`` has its paragraphs divided by empty
    lines. ``copy_of`` (``publisher/slug``) takes over the first ``keep`` paragraphs of an agency
    report under a headline and ``dateline`` of one's own; ``same_as`` links to a sister title's
    article. ``later`` holds a report back, and ``revision`` a new title and text, until the update.
    """

    slug: str
    title: str
    at: int
    author: str
    category: str
    text: str = ""
    picture: str | None = None
    dateline: str | None = None
    copy_of: str | None = None
    keep: int = 0
    also_read: tuple[str, ...] = ()
    same_as: str | None = None
    later: bool = False
    revision: Mapping[str, str] | None = None


class Publisher(Struct, frozen=True, kw_only=True):
    """One made-up publisher, as told by its file in ``news/``."""

    id: str
    title: str
    tagline: str
    owner: str
    language: str
    format: Shape
    weight: float = 1.0
    topics: tuple[str, ...] = ()
    trouble: Trouble | None = None
    reports: tuple[Report, ...] = ()


class Article(Struct, frozen=True, kw_only=True):
    """A report with its time and its final words.

    ``home`` is the id of the publisher whose site carries it; ``updated`` is later than
    ``published`` once it was revised.
    """

    slug: str
    home: str
    title: str
    author: str
    category: str
    published: datetime
    updated: datetime
    paragraphs: tuple[str, ...]
    picture: str | None = None


class Newsroom:
    """Every publisher's reports, dated around ``now`` (aware UTC): the same for the same ``now``.

    ``updated`` is False until the news moves on; set it, and held-back reports and revisions show.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now.replace(microsecond=0)
        self._publishers = {publisher.id: publisher for publisher in _read_all()}
        self.updated = False

    @property
    def publishers(self) -> tuple[Publisher, ...]:
        """All publishers, troubled ones included, in the order of their ids."""
        return tuple(self._publishers.values())

    def articles(self, publisher: str) -> tuple[Article, ...]:
        """List what the publisher with this id has in its feed now, newest first."""
        reports = self._publishers[publisher].reports
        shown = [self._article(publisher, r) for r in reports if self.updated or not r.later]
        return tuple(sorted(shown, key=lambda article: article.published, reverse=True))

    def _article(self, publisher: str, report: Report) -> Article:
        published = self._now - timedelta(minutes=report.at)
        revision = report.revision if self.updated else None
        return Article(
            slug=report.slug,
            home=(report.same_as or publisher).partition("/")[0],
            title=revision["title"] if revision else report.title,
            author=report.author,
            category=report.category,
            published=published,
            updated=self._now if revision else published,
            paragraphs=self._words(report, revision),
            picture=report.picture,
        )

    def _words(self, report: Report, revision: Mapping[str, str] | None) -> tuple[str, ...]:
        if report.same_as:
            return self._words(self._find(report.same_as), None)
        if report.copy_of:
            return _as_copied(report, _paragraphs(self._find(report.copy_of).text))
        words = _paragraphs(revision["text"] if revision else report.text)
        return _with_dateline(report.dateline, words) if report.dateline else words

    def _find(self, place: str) -> Report:
        publisher, _, slug = place.partition("/")
        return next(r for r in self._publishers[publisher].reports if r.slug == slug)


def _as_copied(report: Report, original: tuple[str, ...]) -> tuple[str, ...]:
    """Do to agency text what desks do: own dateline, tail cut, a plug in the middle."""
    kept = _with_dateline(report.dateline or "", original[: report.keep])
    plugs = report.also_read
    return (*kept[:2], *plugs[:1], *kept[2:], *plugs[1:])


def _with_dateline(place: str, paragraphs: tuple[str, ...]) -> tuple[str, ...]:
    return (f"{place} (MNA) — {paragraphs[0]}", *paragraphs[1:])


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(block.split()) for block in text.split("\n\n") if block.strip())


def _read_all() -> list[Publisher]:
    files = [
        file
        for file in resources.files("aggregator.service.demo").joinpath("news").iterdir()
        if file.name.endswith(".yaml")
    ]
    return [_read(file.read_text("utf-8")) for file in sorted(files, key=lambda file: file.name)]


def _read(text: str) -> Publisher:
    told: dict[str, Any] = YAML(typ="safe").load(text)
    reports = tuple(
        Report(**{**report, "also_read": tuple(report.get("also_read", ()))})
        for report in told.pop("reports")
    )
    trouble = told.pop("trouble", None)
    return Publisher(
        **{
            **told,
            "format": Shape(told["format"]),
            "topics": tuple(told.get("topics", ())),
            "trouble": Trouble(trouble) if trouble else None,
            "reports": reports,
        }
    )
