"""What does the page of one story show?

All coverage by owner, when each of them reported it, and why we think that it is one story.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date

from msgspec import Struct

from aggregator.model.editions import EditionEntry
from aggregator.model.stories import Rank, Topic
from aggregator.outputs.articles import UNPRINTABLE, article_of
from aggregator.outputs.pages.cards import Card, Label, card_of

OWNERS = 60  # listed by name; a page is for reading
LINES = 120  # of the timeline


class Report(Struct, frozen=True, kw_only=True):
    """One publisher's report of a story.

    ``because`` tells in words how it came into the story; ``copy_of`` is the id of the report
    whose text it repeats, and ``copy_because`` by which rule, with its figure.
    """

    entry: EditionEntry
    because: str = ""
    copy_of: str | None = None
    copy_because: str = ""


class Neighbour(Struct, frozen=True, kw_only=True):
    """Another story, for the way around; ``path`` as `aggregator.outputs.addresses` gives it."""

    path: str
    title: str
    language: str | None = None


class StoryTold(Struct, frozen=True, kw_only=True):
    """A story with all that is shown of it.

    ``reports`` in order of arrival, at least one; ``face`` is the id of the one that tells it
    best. ``rank`` is its weight when it was last reported, so that a page changes with its story
    alone. ``others`` are stories that stand in Top News now.
    """

    id: str
    face: str
    reports: tuple[Report, ...]
    rank: Rank
    topics: tuple[Topic, ...] = ()
    previous: Neighbour | None = None
    next: Neighbour | None = None
    others: tuple[Neighbour, ...] = ()


class Line(Struct, frozen=True, kw_only=True):
    """One report, laid out. ``copied`` names the source whose text it carries."""

    card: Card
    because: str
    copied: str
    copy_because: str


class Coverage(Struct, frozen=True, kw_only=True):
    """Everything that one owner reported, in order; ``own`` unless all of it is copies.

    ``titles`` are those of its papers, or its own name when they have none.
    """

    titles: tuple[str, ...]
    lines: tuple[Line, ...]
    own: bool


class StorySheet(Struct, frozen=True, kw_only=True):
    """A story's page laid out.

    ``parts`` are the named parts of its rank that are not nothing, as they are printed.
    ``more`` counts owners or reports beyond those shown.
    """

    lead: Card
    coverage: tuple[Coverage, ...]
    timeline: tuple[Line, ...]
    parts: tuple[tuple[str, str], ...]
    score: str
    first: Card
    last: Card
    owners: int
    reports: int


_PARTS = {
    "owners": "owners who report it",
    "weight": "for the weight of their voices",
    "copies": "for those with another’s text only",
    "age": "for the time since they did",
    "growth": "for owners who came lately",
}


def lay_story(told: StoryTold, *, language: str) -> StorySheet:
    """Lay out the page; ValueError when no report can be printed."""
    entries = {report.entry.id: entry for report in told.reports if (entry := _clean(report.entry))}
    if not entries:
        raise ValueError("no report of this story can be printed")
    today = max(entry.published for entry in entries.values()).astimezone(UTC).date()
    labels = {topic.slug: Label(slug=topic.slug, title=topic.title) for topic in told.topics}
    cards = {
        name: card_of(entry, today=today, language=language, labels=labels)
        for name, entry in entries.items()
    }
    lines = tuple(_lines(told.reports, cards))
    ordered = sorted(lines, key=lambda line: line.card.when.iso)
    coverage = _by_owner(lines, entries)
    return StorySheet(
        lead=cards.get(told.face) or lines[0].card,
        coverage=coverage[:OWNERS],
        timeline=tuple(ordered[:LINES]),
        parts=tuple(
            (_signed(figure) if name != "owners" else f"{figure:.0f}", _PARTS.get(name, name))
            for name, figure in told.rank.parts
            if name == "owners" or abs(figure) >= 0.005
        ),
        score=f"{told.rank.score:.2f}",
        first=ordered[0].card,
        last=ordered[-1].card,
        owners=len(coverage),
        reports=len(lines),
    )


def day_of(sheet: StorySheet) -> date:
    """Return the day (UTC) of the last report."""
    return date.fromisoformat(sheet.last.when.iso[:10])


def _signed(figure: float) -> str:
    return f"{figure:+.2f}".replace("-", "−")


def _clean(entry: EditionEntry) -> EditionEntry | None:
    try:
        return article_of(entry).entry
    except UNPRINTABLE:
        return None


def _lines(reports: Iterable[Report], cards: Mapping[str, Card]) -> Iterable[Line]:
    for report in reports:
        card = cards.get(report.entry.id)
        if card is None:
            continue
        lead = cards.get(report.copy_of) if report.copy_of else None
        yield Line(
            card=card,
            because=report.because,
            copied=lead.source if lead else "",
            copy_because=report.copy_because if report.copy_of else "",
        )


def _by_owner(lines: Iterable[Line], entries: Mapping[str, EditionEntry]) -> tuple[Coverage, ...]:
    """Group ``lines`` by owner, in the order in which owners came, copies after the rest."""
    held: dict[str, list[Line]] = {}
    for line in lines:
        source = entries[line.card.id].source
        held.setdefault(source.owner if source else line.card.source, []).append(line)
    told = [
        Coverage(
            titles=tuple(dict.fromkeys(line.card.source for line in some if line.card.source))
            or (owner,),
            lines=tuple(some),
            own=any(not line.copy_because for line in some),
        )
        for owner, some in held.items()
    ]
    return tuple(sorted(told, key=lambda one: not one.own))
