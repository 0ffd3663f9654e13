"""Dead, quiet and blocked are told apart by a feed's own rhythm."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import FeedState, Move, Rhythm
from aggregator.model.visits import Arrivals
from aggregator.sources.quiet import State, standing
from aggregator.sources.rhythm import learned
from aggregator.sources.schedule import LOST

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
LAST = datetime(2026, 3, 27, 17, tzinfo=UTC)  # the Friday, four weeks on


def lived(publishes: Callable[[datetime], bool], until: datetime = LAST) -> Rhythm:
    """Return what an hourly visitor learned of a feed from the first Monday on."""
    rhythm: Rhythm | None = None
    now = MONDAY
    while now <= until:
        times = (now,) if publishes(now) else ()
        arrivals = Arrivals(listed=1, times=times)
        rhythm = learned(rhythm, arrivals, last=now - HOUR, now=now)
        now += HOUR
    assert rhythm is not None
    return rhythm


def in_the_office(now: datetime) -> bool:
    return now.weekday() < 5 and 8 <= now.hour < 18


def judged(rhythm: Rhythm, now: datetime, **wishes: object) -> State:
    plain = FeedState(
        feed="a",
        url="https://a.example/rss",
        next_due=now,
        rhythm=rhythm,
        attempted_at=now,
        succeeded_at=now,
    )
    state = replace(plain, **wishes)
    return standing(state, now=now, usual=HOUR).state


OFFICE = lived(in_the_office)
WEEKLY = lived(lambda now: now.weekday() == 0 and now.hour == 9)


@pytest.mark.parametrize(
    ("rhythm", "silent", "state"),
    [
        (OFFICE, HOUR, State.FINE),
        (OFFICE, 60 * HOUR, State.QUIET),  # Monday at five in the morning
        (OFFICE, 5 * DAY, State.UNUSUAL),
        (OFFICE, 40 * DAY, State.DEAD),
        (WEEKLY, 5 * DAY, State.FINE),
        (WEEKLY, 12 * DAY, State.QUIET),
        (WEEKLY, 60 * DAY, State.QUIET),  # four entries are no rhythm yet
    ],
)
def test_a_silence_is_judged_by_the_feeds_own_hours_and_days(
    rhythm: Rhythm, silent: timedelta, state: State
) -> None:
    assert rhythm.newest is not None
    assert judged(rhythm, rhythm.newest + silent) is state


def test_what_nobody_could_look_at_is_no_silence() -> None:
    assert judged(OFFICE, LAST + 9 * DAY, succeeded_at=LAST + HOUR) is State.FINE


@pytest.mark.conforms("E60")
@pytest.mark.parametrize(
    ("state", "wishes"),
    [
        (State.GONE, {"gone": True}),
        (State.BLOCKED, {"last_error": "answered 403", "because": "denied", "failures": 1}),
        (State.LOST, {"last_error": "answered 404", "because": LOST}),
        (State.FAILING, {"last_error": "no answer", "failures": 9, "succeeded_at": LAST - DAY}),
        (State.FAILING, {"last_error": "no answer", "failures": 1, "succeeded_at": None}),
        (State.FINE, {"last_error": "no answer", "failures": 1}),
        (State.MOVED, {"move": Move(to="https://b.example/rss", since=LAST)}),
        (State.NEW, {"attempted_at": None}),
    ],
)
def test_who_cannot_be_read_is_not_called_quiet(state: State, wishes: dict[str, object]) -> None:
    assert judged(OFFICE, LAST + HOUR, **wishes) is state
