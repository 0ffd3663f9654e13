"""Did entries come and go between two visits?"""

from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.model.feeds import FeedState
from aggregator.model.visits import Arrivals

EASING = timedelta(days=7)  # without a gap, one halving of the interval is taken back
MOST_HASTE = 4  # halvings; from an hour, the floor is reached before
BELIEVED = timedelta(days=7)  # a feed that is empty for so long has really nothing to say
_FEWEST = 2  # a feed of one entry shares none with the last visit whenever there is news


def is_gap(state: FeedState, arrivals: Arrivals) -> bool:
    """Whether a document shares nothing with what we knew, though its feed had entries.

    One much shorter than the last is not held against the publisher: it starts every day afresh.
    """
    if arrivals.first or arrivals.known or not state.entries:
        return False
    return arrivals.listed >= max(_FEWEST, state.entries / 2)


def haste_at(state: FeedState, now: datetime) -> int:
    """Return how often the interval is still halved for gaps, a while after the last of them."""
    if state.last_gap_at is None:
        return 0
    eased = max(now - state.last_gap_at, timedelta()) // EASING
    return max(state.haste - eased, 0)


def noted(state: FeedState, arrivals: Arrivals, *, now: datetime) -> FeedState:
    """Return ``state`` with the gap counted, if there is one."""
    if not is_gap(state, arrivals):
        return state
    haste = min(haste_at(state, now) + 1, MOST_HASTE)
    return replace(state, gaps=state.gaps + 1, last_gap_at=now, haste=haste)


def is_emptied(state: FeedState, entries: int, *, now: datetime) -> bool:
    """Whether a document of no ``entries`` is more likely a fault than the truth."""
    if entries or not state.entries:
        return False
    return state.succeeded_at is None or now - state.succeeded_at < BELIEVED
