from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model.feeds import Rhythm
from aggregator.model.visits import Arrivals
from aggregator.sources.rhythm import learned, news_wait, silence_wait

NOW = datetime(2026, 3, 30, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def first(times: Iterable[datetime | None], now: datetime = NOW) -> Rhythm:
    return learned(None, Arrivals(times=tuple(times), first=True), last=None, now=now)


def wait(rhythm: Rhythm, now: datetime = NOW, most: timedelta = DAY) -> timedelta:
    return news_wait(rhythm, now=now, usual=HOUR, most=most)


def office_hours(weeks: int = 4) -> list[datetime]:
    """Three entries an hour from 8 to 18, Monday to Friday, up to Sunday night."""
    start = NOW - weeks * 7 * DAY
    return [
        start + day * DAY + hour * HOUR + twenty * timedelta(minutes=20)
        for day in range(weeks * 7)
        if (start + day * DAY).weekday() < 5
        for hour in range(8, 18)
        for twenty in range(3)
    ]


def test_a_feed_of_which_nothing_is_known_is_asked_at_the_usual_interval() -> None:
    assert wait(first(())) == HOUR


@pytest.mark.conforms("A33")
def test_the_busier_the_shorter() -> None:
    waits = [wait(first(NOW - n * gap for n in range(1, 30))) for gap in (HOUR / 6, HOUR, 7 * HOUR)]
    assert waits == sorted(waits)
    assert waits[0] < HOUR / 4
    assert waits[1] < HOUR
    assert waits[2] > HOUR


def test_a_day_of_the_week_that_was_never_seen_is_not_taken_for_silent() -> None:
    weekend = first(NOW - n * HOUR for n in range(1, 40))
    assert wait(weekend, NOW + HOUR) < HOUR


def test_in_office_hours_it_is_asked_often_and_seldom_at_night_and_on_sunday() -> None:
    rhythm = first(office_hours())
    noon = NOW + 12 * HOUR
    assert wait(rhythm, noon) < HOUR / 4
    assert wait(rhythm, NOW + 19 * HOUR) > 2 * HOUR
    sunday = noon - DAY
    assert wait(rhythm, sunday) > 3 * wait(rhythm, noon)


def test_a_wait_through_the_night_ends_when_the_office_opens() -> None:
    rhythm = first(office_hours())
    asked_at = NOW + 5 * HOUR
    assert 6 <= (asked_at + wait(rhythm, asked_at)).hour <= 8


def test_a_habit_is_unlearned() -> None:
    """Who posted by day and now posts by night is asked by night after some weeks."""
    rhythm, last = first(office_hours()), NOW
    night = NOW + 2 * HOUR
    before = wait(rhythm, night)
    for day in range(42):
        times = tuple(night + day * DAY + n * timedelta(minutes=10) for n in range(6))
        now = times[-1] + timedelta(minutes=5)
        rhythm = learned(rhythm, Arrivals(times=times), last=last, now=now)
        last = now
    assert wait(rhythm, night + 42 * DAY) < before / 3


def test_an_entry_counts_when_it_came_whatever_date_it_bears() -> None:
    start = first(())
    now, last = NOW + 9 * HOUR, NOW + 8 * HOUR
    times = (None, now + DAY, NOW - 300 * DAY)
    rhythm = learned(start, Arrivals(times=times), last=last, now=now)
    assert rhythm.newest == now
    assert (round(rhythm.hours[9]), round(rhythm.hours[8])) == (2, 1)
    assert round(sum(rhythm.days)) == 3


def test_an_entry_of_two_weeks_ago_counts_half() -> None:
    rhythm = first([NOW] * 10)
    later = NOW + 14 * DAY
    rhythm = learned(rhythm, Arrivals(times=(None,)), last=later, now=later)
    assert sum(rhythm.hours) == sum(rhythm.days) == 6


def test_a_pinned_old_entry_does_not_make_a_busy_feed_look_sleepy() -> None:
    busy = [NOW - n * HOUR / 2 for n in range(20)]
    pinned = [*busy, NOW - 900 * DAY]
    assert wait(first(pinned)) < 1.2 * wait(first(busy))


@pytest.mark.conforms("A33")
def test_a_feed_silent_for_thirty_days_is_asked_as_rarely_as_any() -> None:
    """And a week's silence is worth a quarter of that."""
    busy = first(NOW - n * HOUR for n in range(200))
    assert silence_wait(busy, now=NOW + 30 * DAY, most=DAY) == DAY
    assert silence_wait(busy, now=NOW + 300 * DAY, most=DAY) == DAY
    assert 5 * HOUR < silence_wait(busy, now=NOW + 7 * DAY, most=DAY) < 6 * HOUR
    assert silence_wait(busy, now=NOW, most=DAY) == timedelta()


def test_a_clock_that_was_set_back_does_no_harm() -> None:
    rhythm = first(office_hours())
    then = NOW - 30 * DAY
    assert timedelta() < wait(rhythm, then) <= DAY
    assert silence_wait(rhythm, now=then, most=DAY) == timedelta()
    again = learned(rhythm, Arrivals(times=(None,)), last=NOW, now=then)
    assert again.newest == then


@settings(deadline=None)
@given(
    st.lists(st.none() | st.timedeltas(-9000 * DAY, 9000 * DAY), max_size=40),
    st.timedeltas(-60 * DAY, 60 * DAY),
    st.timedeltas(timedelta(minutes=15), 7 * DAY),
)
def test_no_history_leads_beyond_the_bounds(
    ages: list[timedelta | None], later: timedelta, most: timedelta
) -> None:
    times = tuple(None if age is None else NOW - age for age in ages)
    rhythm = learned(first(times), Arrivals(times=times), last=NOW, now=NOW + later)
    found = wait(rhythm, NOW + later, most)
    assert timedelta() < found <= most
