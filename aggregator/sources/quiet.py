"""Is this feed dead, quiet, or kept from us?

Judged by its own rhythm: a feed that publishes on working days is not missed on a Sunday.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from aggregator.model.feeds import FeedState
from aggregator.sources.report import DENIED
from aggregator.sources.rhythm import QUIET, expected
from aggregator.sources.schedule import LOST

# Entries that should have come, by the rhythm before the silence, for the silence to be told. News
# comes in bunches: by Poisson 8 is one silence in 3,000, of real feeds one in some hundreds.
UNUSUAL = 8.0
NOTICED = 2.0  # and to be called quiet at all
SHORTEST = timedelta(hours=12)  # no shorter silence is unusual
KNOWN = 10.0  # entries seen, below which a rhythm says nothing
FAILING = timedelta(hours=6)  # and visits enough; what fails for less is the weather
TRIES = 3


class State(StrEnum):
    """How a feed does, in ops' words."""

    FINE = "fine"
    QUIET = "quiet as usual"
    UNUSUAL = "quiet unusually"
    DEAD = "dead"
    FAILING = "failing"
    BLOCKED = "blocked"
    LOST = "lost"
    GONE = "gone"
    MOVED = "moved"
    NEW = "not asked yet"
    OFF = "switched off"
    PAUSED = "paused"


ALARMING = frozenset(
    {State.UNUSUAL, State.DEAD, State.FAILING, State.BLOCKED, State.LOST, State.GONE, State.MOVED}
)
"""States that ops are told of."""


class Standing(Struct, frozen=True, kw_only=True):
    """How a feed does, ``since`` when, and why in a line; ``grave`` when ops are to be told."""

    state: State
    since: datetime | None = None
    because: str = ""

    @property
    def grave(self) -> bool:
        """Whether ops are to be told."""
        return self.state in ALARMING


def standing(state: FeedState | None, *, now: datetime, usual: timedelta) -> Standing:
    """Return how a feed does; ``usual`` is the interval of a feed of which nothing is known."""
    if state is None or state.attempted_at is None:
        return Standing(state=State.NEW)
    return next(_found(state, now, usual))


def _found(state: FeedState, now: datetime, usual: timedelta) -> Iterator[Standing]:
    since, error = state.succeeded_at, state.last_error or ""
    if state.gone:
        yield Standing(state=State.GONE, since=since, because="its publisher says it is no more")
    if error and state.because == DENIED:
        yield Standing(state=State.BLOCKED, since=since, because=error)
    if error and state.because == LOST:
        yield Standing(state=State.LOST, since=since, because=error)
    if error and _is_failing(state, now):
        yield Standing(state=State.FAILING, since=since, because=error)
    if state.move is not None or state.moved_to is not None:
        yield _moved(state)
    yield _silence(state, usual)


def _is_failing(state: FeedState, now: datetime) -> bool:
    """Whether it fails for long enough to be told; one that was never read, from the first time."""
    if state.succeeded_at is None:
        return True
    return state.failures >= TRIES and now - state.succeeded_at >= FAILING


def _moved(state: FeedState) -> Standing:
    if state.moved_to is not None:
        return Standing(state=State.MOVED, because=f"it is asked at {state.moved_to}")
    move = state.move
    return Standing(
        state=State.MOVED,
        since=move.since if move else None,
        because=f"it redirects for good to {move.to}, seen {move.visits} times" if move else "",
    )


def _silence(state: FeedState, usual: timedelta) -> Standing:
    """Judge the silence up to the last good visit: what came since, nobody knows."""
    rhythm, last = state.rhythm, state.succeeded_at
    if rhythm is None or rhythm.newest is None or last is None:
        return Standing(state=State.FINE)
    newest = rhythm.newest
    missed = expected(rhythm, newest, last, usual=usual)
    if missed < NOTICED:
        return Standing(state=State.FINE)
    told = f"nothing new, where {missed:.0f} entries were to be expected"
    if sum(rhythm.hours) < KNOWN or missed < UNUSUAL or last - newest < SHORTEST:
        return Standing(state=State.QUIET, since=newest, because=told)
    word = State.DEAD if last - newest > QUIET else State.UNUSUAL
    return Standing(state=word, since=newest, because=told)
