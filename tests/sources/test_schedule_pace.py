"""The interval that we choose ourselves, from what the feed taught us (A33)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import Feed, FeedState, Rhythm, Validators
from aggregator.model.visits import (
    Answer,
    Arrivals,
    Failed,
    FeedMeta,
    Fetched,
    Hints,
    NotModified,
)
from aggregator.sources.rhythm import learned
from aggregator.sources.schedule import Cadence, Due, next_due, provisional_due

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CADENCE = Cadence()
FEED = Feed(id="a", url="http://a/")
STATE = FeedState(feed="a", url="http://a/", next_due=NOW, visits=1)
BODY = Fetched(url="http://a/", body=b"x")
INVITING = FeedMeta(ttl=20 * MINUTE)


def rhythm(gap: timedelta, *, newest: datetime = NOW) -> Rhythm:
    times = tuple(newest - n * gap for n in range(400))
    return learned(None, Arrivals(times=times, first=True), last=None, now=NOW)


BUSY, SLOW = rhythm(10 * MINUTE), rhythm(23 * HOUR)
OVER = rhythm(HOUR, newest=NOW - 30 * DAY)


def due(
    state: FeedState,
    *,
    answer: Answer = BODY,
    meta: FeedMeta | None = None,
    feed: Feed = FEED,
    now: datetime = NOW,
) -> Due:
    return next_due(feed, state, answer, meta, now=now, cadence=CADENCE)


def paced(pace: Rhythm, haste: int = 0) -> FeedState:
    return replace(STATE, rhythm=pace, haste=haste, last_gap_at=NOW if haste else None)


def test_a_slow_feed_is_asked_less_often_than_the_default() -> None:
    found = due(paced(SLOW))
    assert found.because == "rhythm"
    assert NOW + 3 * HOUR < found.at < NOW + 9 * HOUR


def test_a_busy_feed_is_asked_more_often_only_where_its_publisher_invites_it() -> None:
    """An hour is what publishers expect; a shorter ttl or max-age says that less is welcome."""
    state = paced(BUSY)
    assert due(state).because == "interval"
    assert due(state).at >= NOW + HOUR
    assert due(state, meta=FeedMeta(ttl=MINUTE)).because == "rhythm"
    assert NOW + 15 * MINUTE <= due(state, meta=FeedMeta(ttl=MINUTE)).at < NOW + 17 * MINUTE
    assert due(state, meta=INVITING).because == "ttl"
    assert NOW + 20 * MINUTE <= due(state, meta=INVITING).at < NOW + 22 * MINUTE
    fresh = Hints(fresh_for=5 * MINUTE)
    assert due(state, answer=replace(BODY, hints=fresh)).because == "rhythm"
    held = Validators(url="http://a/")
    assert due(state, answer=NotModified(validators=held, hints=fresh)).because == "rhythm"
    zero = Hints(fresh_for=timedelta())
    assert due(state, answer=replace(BODY, hints=zero)).because == "interval"


@pytest.mark.conforms("A33")
def test_a_feed_quiet_for_thirty_days_is_asked_once_a_day() -> None:
    found = due(paced(OVER))
    assert found.because == "quiet"
    assert NOW + DAY <= found.at <= NOW + 1.1 * DAY


@pytest.mark.conforms("A21")
@pytest.mark.parametrize("pace", [BUSY, SLOW, OVER])
@pytest.mark.parametrize("haste", [0, 3])
@pytest.mark.parametrize("every", [5 * MINUTE, HOUR, 3 * DAY])
def test_what_ops_set_stands(pace: Rhythm, haste: int, every: timedelta) -> None:
    """Whatever the feed does, even when it loses entries."""
    found = due(paced(pace, haste), feed=replace(FEED, every=every), meta=FeedMeta(ttl=MINUTE))
    assert found.because == "interval"
    assert NOW + every <= found.at <= NOW + 1.1 * every


@pytest.mark.conforms("A32")
@pytest.mark.parametrize("wish", [Hints(retry_after=30 * HOUR), Hints(fresh_for=30 * HOUR)])
@pytest.mark.parametrize("pace", [BUSY, SLOW, OVER])
def test_the_wish_of_a_publisher_goes_before_our_own_pace(wish: Hints, pace: Rhythm) -> None:
    found = due(paced(pace, 3), answer=replace(BODY, hints=wish))
    assert found.because in {"retry-after", "max-age"}
    assert found.at >= NOW + 30 * HOUR


def test_a_slower_pace_goes_before_a_shorter_wish() -> None:
    found = due(paced(SLOW), meta=INVITING)
    assert found.because == "rhythm"


@pytest.mark.parametrize(("haste", "wait"), [(1, 30 * MINUTE), (2, 15 * MINUTE), (4, 15 * MINUTE)])
def test_lost_entries_shorten_the_interval_down_to_the_floor(haste: int, wait: timedelta) -> None:
    found = due(paced(BUSY, haste))
    assert found.because == "gap"
    assert NOW + wait <= found.at <= NOW + 1.1 * wait
    later = replace(paced(BUSY, haste), last_gap_at=NOW - 30 * DAY)
    assert due(later).because == "interval"


@pytest.mark.conforms("A41", "A42")
@pytest.mark.parametrize("pace", [BUSY, SLOW, OVER])
@pytest.mark.parametrize("failures", [0, 3, 9])
def test_a_failing_feed_is_never_asked_faster(pace: Rhythm, failures: int) -> None:
    state = replace(paced(pace, 4), failures=failures)
    for status in (None, 404, 429, 500):
        failed = Failed(reason="x", status=status, hints=Hints(fresh_for=MINUTE))
        found = due(state, answer=failed, meta=INVITING)
        assert found.at >= NOW + min(HOUR * 2 ** (failures + 1), DAY)


@pytest.mark.conforms("A23")
def test_a_crash_is_no_reason_to_ask_early() -> None:
    state = replace(paced(BUSY, 4), ttl=MINUTE)
    assert provisional_due(FEED, state, now=NOW, cadence=CADENCE).at >= NOW + HOUR


@pytest.mark.conforms("A23")
@pytest.mark.parametrize(
    ("wish", "wait"),
    [
        ({"ttl": DAY}, DAY),
        ({"ttl": 90 * DAY}, CADENCE.server_cap),
        ({"ttl": 12 * HOUR, "base": NOW - 8 * HOUR}, 16 * HOUR),
    ],
)
def test_a_crash_does_not_forget_what_the_publisher_asked_for(
    wish: dict[str, Any], wait: timedelta
) -> None:
    found = provisional_due(FEED, replace(STATE, **wish), now=NOW, cadence=CADENCE)
    assert NOW + wait <= found.at <= NOW + wait + HOUR / 10


@pytest.mark.conforms("A23")
@pytest.mark.parametrize("pace", [SLOW, OVER])
def test_a_crash_asks_no_earlier_than_the_pace_of_the_feed(pace: Rhythm) -> None:
    found = provisional_due(FEED, paced(pace), now=NOW, cadence=CADENCE)
    assert found.at == due(paced(pace)).at > NOW + 2 * HOUR


def test_a_crash_keeps_to_the_interval_that_ops_chose() -> None:
    feed = replace(FEED, every=HOUR)
    found = provisional_due(feed, paced(OVER), now=NOW, cadence=CADENCE)
    assert found.at <= NOW + 1.1 * HOUR
