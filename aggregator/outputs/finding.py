"""Which of what a search found is shown, and in which order?"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from aggregator.model.editions import Kind, OutputSpec
from aggregator.model.items import Match

FOUND = 50
"""Most entries that are shown of a search."""

FADES = timedelta(days=14)  # at this age a report counts half as much as one of now


def spec_of(query: str, language: str | None = None) -> OutputSpec:
    """Return the search for ``query`` as an output, which is composed whenever it is asked for."""
    return OutputSpec(
        name=f"search {query}",
        kind=Kind.LATEST,
        title=f"Search: {query}",
        description=f"What is reported of “{query}”, newest first.",
        limit=FOUND,
        query=query,
        language=language,
    )


def best_first(matches: Iterable[Match], now: datetime) -> tuple[str, ...]:
    """Return ids of items that stand for themselves: the best match first, the newer the better.

    A copy speaks for the item that it is folded under.
    """
    worth: dict[str, tuple[float, datetime, str]] = {}
    for match in matches:
        name = match.lead or match.id
        mine = (_worth(match, now), match.published, name)
        worth[name] = max(mine, worth.get(name, mine))
    return tuple(name for *_, name in sorted(worth.values(), reverse=True)[:FOUND])


def newest_first(matches: Iterable[Match]) -> tuple[str, ...]:
    """Return the same, by date alone."""
    newest: dict[str, datetime] = {}
    for match in matches:
        name = match.lead or match.id
        newest[name] = max(match.published, newest.get(name, match.published))
    ordered = sorted(newest, key=lambda name: (newest[name], name), reverse=True)
    return tuple(ordered[:FOUND])


def _worth(match: Match, now: datetime) -> float:
    age = max(timedelta(0), now - match.published)
    return match.relevance / (1 + age / FADES)
