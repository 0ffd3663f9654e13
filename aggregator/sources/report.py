"""How does a feed do, in an operator's words?"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from aggregator.model.feeds import Feed, FeedState
from aggregator.model.visits import Logged
from aggregator.sources.politeness import UNTRIED, Politeness, politeness
from aggregator.sources.rhythm import QUIET
from aggregator.sources.schedule import LOST, Cadence

# What is not well; the others are as they should be.
FAILING, DENIED, GONE = "failing", "denied", "gone"
_UNWELL = frozenset({FAILING, DENIED, LOST, GONE})
_PUT_ASIDE = {
    "new": "not asked yet",
    "host-quiet": "put off",
    "same-feed": "left to another",
}


class Report(Struct, frozen=True, kw_only=True):
    """One feed at a glance.

    ``condition`` is in words: *well*, *silent* (nothing new for a month), *not asked yet*,
    *put off* (its host wants quiet), *left to another* (that asks the same address), *failing*,
    *denied*, *lost* (not to be found for a month), *gone* or *switched off*. ``last`` is the
    latest visit in the log, ``next`` None when there will be none; ``because`` names the rule that
    chose it.
    """

    feed: str
    url: str
    condition: str
    last: Logged | None = None
    next: datetime | None = None
    because: str = ""
    failures: int = 0
    error: str | None = None
    gaps: int = 0
    recovered: int = 0
    politeness: Politeness = UNTRIED

    @property
    def well(self) -> bool:
        """Whether ops need not look."""
        return self.condition not in _UNWELL


def report(
    feed: Feed,
    state: FeedState | None,
    visits: Sequence[Logged],
    *,
    cadence: Cadence,
) -> Report:
    """Report on ``feed``; ``state`` is None while nothing is remembered of it."""
    if not feed.enabled or state is None:
        condition = "not asked yet" if feed.enabled else "switched off"
        return Report(feed=feed.id, url=feed.url, condition=condition)
    floor = cadence.floor if feed.every is None else max(feed.every, cadence.explicit_floor)
    return Report(
        feed=feed.id,
        url=state.moved_to or feed.url,
        condition=_condition(state),
        last=visits[-1] if visits else None,
        next=None if state.gone else state.next_due,
        because=state.because,
        failures=state.failures,
        error=state.last_error,
        gaps=state.gaps,
        recovered=state.recovered,
        politeness=politeness(visits, least=floor),
    )


def _condition(state: FeedState) -> str:
    if state.gone:
        return GONE
    if state.last_error is not None:
        return state.because if state.because in {DENIED, LOST} else FAILING
    if state.because in _PUT_ASIDE:
        return _PUT_ASIDE[state.because]
    return "silent" if _is_silent(state) else "well"


def _is_silent(state: FeedState) -> bool:
    """Whether the last good visit found nothing new for a month; what came since, nobody knows."""
    rhythm, last = state.rhythm, state.succeeded_at
    if rhythm is None or last is None:
        return False
    return last - (rhythm.newest or rhythm.since) > QUIET
