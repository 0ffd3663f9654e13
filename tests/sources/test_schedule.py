from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model.feeds import Feed, FeedState, Skips, Validators
from aggregator.model.visits import (
    Answer,
    Failed,
    FeedMeta,
    Fetched,
    Gone,
    Hints,
    NotModified,
    Refused,
)
from aggregator.sources.schedule import (
    Cadence,
    Due,
    asked_for,
    interval_of,
    next_due,
    provisional_due,
)

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
FEED = Feed(id="a", url="http://a/")
STATE = FeedState(feed="a", url="http://a/", next_due=NOW, visits=1)
CADENCE = Cadence()
SECOND = timedelta(seconds=1)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MOST_SPREAD = 0.1


def fetched(fresh: timedelta | None = None, after: timedelta | None = None) -> Fetched:
    return Fetched(url="http://a/", body=b"x", hints=Hints(fresh_for=fresh, retry_after=after))


def failed(status: int | None = None, after: timedelta | None = None) -> Failed:
    return Failed(reason="x", status=status, hints=Hints(retry_after=after))


def due(
    answer: Answer,
    *,
    ttl: timedelta | None = None,
    feed: Feed = FEED,
    failures: int = 0,
    now: datetime = NOW,
) -> Due:
    state = replace(STATE, failures=failures)
    return next_due(feed, state, answer, FeedMeta(ttl=ttl), now=now, cadence=CADENCE)


def assert_due(found: Due, wait: timedelta, because: str, interval: timedelta = HOUR) -> None:
    assert found.because == because
    assert NOW + wait <= found.at <= NOW + wait + interval * MOST_SPREAD


@pytest.mark.conforms("A24", "A25", "A29", "A30", "A32")
@pytest.mark.parametrize(
    ("fresh", "ttl", "wait", "because"),
    [
        (None, None, HOUR, "interval"),
        (timedelta(), timedelta(), HOUR, "interval"),
        (30 * MINUTE, 30 * MINUTE, HOUR, "interval"),
        (2 * HOUR, None, 2 * HOUR, "max-age"),
        (None, 2 * HOUR, 2 * HOUR, "ttl"),
        (2 * HOUR, 3 * HOUR, 3 * HOUR, "ttl"),
        (3 * HOUR, 2 * HOUR, 3 * HOUR, "max-age"),
        (12 * HOUR, None, 12 * HOUR, "max-age"),
        (30 * DAY, None, 7 * DAY, "max-age"),
        (None, 30 * DAY, 7 * DAY, "ttl"),
    ],
)
def test_the_latest_of_all_wishes_wins(
    fresh: timedelta | None, ttl: timedelta | None, wait: timedelta, because: str
) -> None:
    assert_due(due(fetched(fresh), ttl=ttl), wait, because)


@pytest.mark.conforms("A07")
def test_freshness_of_a_304_moves_the_next_visit_too() -> None:
    hints = Hints(fresh_for=2 * HOUR)
    answer = NotModified(validators=Validators(url="http://a/"), hints=hints)
    assert_due(due(answer), 2 * HOUR, "max-age")


@pytest.mark.conforms("A41")
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("after", "wait", "because"),
    [
        (2 * MINUTE, HOUR, "interval"),
        (5 * HOUR, 5 * HOUR, "retry-after"),
        (40 * DAY, 7 * DAY, "retry-after"),
        (None, 2 * HOUR, "backoff"),
    ],
)
def test_retry_after_is_honoured_and_its_absence_backs_off(
    status: int, after: timedelta | None, wait: timedelta, because: str
) -> None:
    assert_due(due(failed(status, after)), wait, because)


@pytest.mark.conforms("A40", "A41")
def test_a_wish_to_be_left_alone_is_remembered_whatever_other_rule_wins() -> None:
    def held(answer: Answer) -> datetime | None:
        return asked_for(answer, NOW, CADENCE)

    assert held(failed(500, MINUTE)) == held(fetched(DAY, MINUTE)) == NOW + MINUTE
    assert held(failed(429, 40 * DAY)) == NOW + 7 * DAY
    assert held(failed(500)) is held(Refused(reason="x")) is held(Gone()) is None


@pytest.mark.conforms("A42")
@pytest.mark.parametrize("answer", [failed(), failed(500), failed(429), Refused(reason="x")])
def test_failures_double_the_wait_up_to_a_day(answer: Answer) -> None:
    """And never faster than before."""
    waits = [due(answer, failures=n).at - NOW for n in range(12)]
    hours = [wait.total_seconds() // 3600 for wait in waits]
    assert hours == [2, 4, 8, 16] + 8 * [24]


def test_a_success_returns_to_the_interval_at_once() -> None:
    assert_due(due(fetched(), failures=9), HOUR, "interval")


@pytest.mark.conforms("A43")
def test_a_failure_with_little_hope_comes_down_to_once_a_day() -> None:
    """From five minutes as well, where six doublings would not."""
    feed = replace(FEED, every=5 * MINUTE)
    assert due(failed(404), feed=feed, failures=20).at >= NOW + DAY
    assert due(failed(404), feed=feed, failures=20).because == "not-found"
    assert due(failed(500), feed=feed, failures=20).at < NOW + DAY


@pytest.mark.conforms("A43")
@pytest.mark.parametrize(("every", "visits"), [(None, 50), (5 * MINUTE, 60), (3 * DAY, 25)])
def test_a_feed_not_to_be_found_is_lost_after_a_month_and_asked_once_a_week(
    every: timedelta | None, visits: int
) -> None:
    feed, now, lost = replace(FEED, every=every), NOW, None
    for failures in range(visits):
        found = due(failed(404), feed=feed, failures=failures, now=now)
        if found.because == "lost":
            lost = lost or now
            assert found.at >= now + 7 * DAY
        now = found.at
    if every != 3 * DAY:
        assert lost is not None
        assert NOW + 30 * DAY <= lost <= NOW + 45 * DAY


@pytest.mark.conforms("A45")
@pytest.mark.parametrize("status", [401, 403])
def test_who_shuts_us_out_is_asked_once_a_day(status: int) -> None:
    assert_due(due(failed(status)), DAY, "denied")


@pytest.mark.conforms("A44")
def test_gone_is_never_asked_again() -> None:
    found = due(Gone())
    assert found.because == "gone"
    assert found.at > NOW + 365 * 50 * DAY


def test_an_error_page_fresh_for_a_year_costs_a_day_at_most() -> None:
    answer = Failed(reason="x", status=200, hints=Hints(fresh_for=30 * DAY))
    assert_due(due(answer), DAY, "max-age")


@pytest.mark.conforms("A21")
@pytest.mark.parametrize(
    ("every", "default", "interval"),
    [
        (None, HOUR, HOUR),
        (None, MINUTE, 15 * MINUTE),
        (None, 3 * DAY, DAY),
        (MINUTE, HOUR, 5 * MINUTE),
        (10 * MINUTE, HOUR, 10 * MINUTE),
        (2 * DAY, HOUR, 2 * DAY),
    ],
)
def test_intervals_keep_within_their_floors(
    every: timedelta | None, default: timedelta, interval: timedelta
) -> None:
    cadence = Cadence(interval=default)
    assert interval_of(replace(FEED, every=every), cadence) == interval


def test_back_off_never_ends_below_an_interval_longer_than_a_day() -> None:
    feed = replace(FEED, every=3 * DAY)
    assert due(failed(), feed=feed, failures=5).at >= NOW + 3 * DAY


@pytest.mark.conforms("A34")
def test_the_same_feed_waits_the_same_time_and_others_other_times() -> None:
    """No dice."""
    assert due(fetched()) == due(fetched())
    ats = {due(fetched(), feed=replace(FEED, id=str(n))).at for n in range(100)}
    assert len(ats) > 60


@pytest.mark.conforms("A34", "A35")
@pytest.mark.parametrize(("feeds", "hours"), [(1000, 24), (4000, 6)])
def test_feeds_imported_together_are_evenly_spread_from_the_second_hour_on(
    feeds: int, hours: int
) -> None:
    """In no minute more than twice the mean, though all were asked at once; and none is early."""
    load = Counter(
        (moment - NOW) // MINUTE
        for n in range(feeds)
        for moment in visits(replace(FEED, id=f"feed-{n}"), until=NOW + hours * HOUR)
    )
    assert load[0] == feeds
    settled = [load[minute] for minute in range(60, hours * 60)]
    assert max(settled) <= 2 * sum(settled) / len(settled)


def test_feeds_that_came_together_after_an_outage_drift_apart() -> None:
    load = Counter(
        (moment - NOW) // (10 * MINUTE)
        for n in range(1000)
        for moment in visits(replace(FEED, id=f"feed-{n}"), until=NOW + 2 * DAY, made=9)
    )
    settled = [load[n] for n in range(24 * 6, 48 * 6)]
    assert max(settled) <= 2 * sum(settled) / len(settled)


def visits(feed: Feed, until: datetime, made: int = 0) -> Iterator[datetime]:
    moment = NOW
    while moment < until:
        yield moment
        state = replace(STATE, visits=made)
        following = next_due(feed, state, fetched(), None, now=moment, cadence=CADENCE).at
        assert following >= moment + HOUR
        moment, made = following, made + 1


@pytest.mark.parametrize("every", [None, 5 * MINUTE, 3 * DAY])
def test_the_first_wait_is_at_most_an_hour_longer_and_never_shorter(
    every: timedelta | None,
) -> None:
    waits = []
    for n in range(300):
        feed = replace(FEED, id=f"feed-{n}", every=every)
        new = replace(STATE, visits=0)
        at = next_due(feed, new, fetched(), None, now=NOW, cadence=CADENCE).at
        waits.append(at - NOW - interval_of(feed, CADENCE))
    most = min(every or HOUR, HOUR)
    assert timedelta() <= min(waits) < most / 10
    assert most * 0.9 < max(waits) < most


@pytest.mark.conforms("A23")
@pytest.mark.parametrize("failures", [0, 3, 50])
def test_what_is_stored_before_the_request_keeps_a_crash_from_asking_early(failures: int) -> None:
    state = replace(STATE, failures=failures)
    found = provisional_due(FEED, state, now=NOW, cadence=CADENCE)
    assert found.because == "attempt"
    assert found.at >= NOW + min(HOUR * 2 ** min(failures, 9), DAY)


def test_a_visit_that_never_ended_is_made_again_once() -> None:
    soon = replace(CADENCE, again=45 * SECOND)
    first = provisional_due(FEED, STATE, now=NOW, cadence=soon)
    assert first == Due(at=NOW + 45 * SECOND, because="attempt")
    second = replace(STATE, because=first.because)
    assert provisional_due(FEED, second, now=NOW, cadence=soon).at >= NOW + HOUR


@pytest.mark.parametrize(
    "kept", [{"failures": 1}, {"ttl": 5 * MINUTE}, {"skips": Skips(hours=frozenset({NOW.hour}))}]
)
def test_what_a_publisher_needs_or_asked_for_goes_before_a_second_try(kept: dict[str, Any]) -> None:
    soon = replace(CADENCE, again=45 * SECOND)
    found = provisional_due(FEED, replace(STATE, **kept), now=NOW, cadence=soon)
    assert found.at >= NOW + HOUR


def test_a_time_is_rounded_up_to_the_second_never_down() -> None:
    feeds = (replace(FEED, id=str(n), every=5 * MINUTE) for n in range(1000))
    bare = next(feed for feed in feeds if due(fetched(), feed=feed).at == NOW + 5 * MINUTE)
    found = due(fetched(), feed=bare, now=NOW + timedelta(microseconds=1))
    assert found.at == NOW + 5 * MINUTE + timedelta(seconds=1)


WAITS = st.none() | st.timedeltas(timedelta(), 400 * DAY)
ANSWERS = st.one_of(
    st.builds(fetched, WAITS, WAITS),
    st.builds(failed, st.none() | st.integers(100, 599), WAITS),
    st.builds(Refused, reason=st.just("x")),
    st.just(Gone()),
)


@settings(deadline=None)
@given(ANSWERS, WAITS, st.none() | st.timedeltas(timedelta(), 10 * DAY), st.integers(0, 10**6))
def test_no_combination_is_early_or_beyond_the_caps(
    answer: Answer, ttl: timedelta | None, every: timedelta | None, failures: int
) -> None:
    feed = replace(FEED, every=every)
    interval = interval_of(feed, CADENCE)
    found = due(answer, ttl=ttl, feed=feed, failures=failures)
    assert found.at >= NOW + interval
    if not isinstance(answer, Gone):
        assert found.at <= NOW + max(7 * DAY, interval) + interval * MOST_SPREAD
