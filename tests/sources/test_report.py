from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import Feed, FeedState, Rhythm
from aggregator.model.visits import Logged
from aggregator.sources.report import Report, report
from aggregator.sources.schedule import Cadence

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FEED = Feed(id="a", url="http://a.example/")
STATE = FeedState(
    feed="a", url=FEED.url, next_due=NOW, because="rhythm", visits=4, succeeded_at=NOW
)
VISIT = Logged(at=NOW, due=NOW, because="new", place=1, conditional=False)


def of(state: FeedState | None, feed: Feed = FEED, *visits: Logged) -> Report:
    return report(feed, state, visits, cadence=Cadence())


@pytest.mark.conforms("A43", "A44", "A45")
@pytest.mark.parametrize(
    ("state", "condition", "well"),
    [
        (STATE, "well", True),
        (None, "not asked yet", True),
        (replace(STATE, because="new", visits=0), "not asked yet", True),
        (replace(STATE, because="host-quiet"), "put off", True),
        (replace(STATE, because="same-feed"), "left to another", True),
        (replace(STATE, rhythm=Rhythm(since=NOW - 40 * DAY, at=NOW)), "silent", True),
        (
            replace(STATE, rhythm=Rhythm(since=NOW - 40 * DAY, at=NOW, newest=NOW - DAY)),
            "well",
            True,
        ),
        (replace(STATE, last_error="HTTP 500", because="backoff"), "failing", False),
        (replace(STATE, last_error="HTTP 403", because="denied"), "denied", False),
        (replace(STATE, last_error="HTTP 404", because="lost"), "lost", False),
        (replace(STATE, last_error="410", gone=True), "gone", False),
    ],
)
def test_a_condition_is_told_in_a_word_and_says_whether_ops_should_look(
    state: FeedState | None, condition: str, *, well: bool
) -> None:
    found = of(state)
    assert (found.condition, found.well) == (condition, well)


def test_nobody_is_silent_for_our_not_asking() -> None:
    rhythm = Rhythm(since=NOW - 40 * DAY, at=NOW - 40 * DAY)
    assert of(replace(STATE, rhythm=rhythm, succeeded_at=NOW - 39 * DAY)).condition == "well"


def test_a_feed_that_is_switched_off_is_well() -> None:
    found = of(STATE, replace(FEED, enabled=False))
    assert (found.condition, found.well, found.next) == ("switched off", True, None)


@pytest.mark.conforms("A44")
def test_a_feed_that_is_gone_has_no_next_visit() -> None:
    assert of(STATE).next == NOW
    assert of(replace(STATE, gone=True)).next is None


def test_a_feed_is_shown_where_it_is_asked_now() -> None:
    assert of(replace(STATE, moved_to="http://b.example/")).url == "http://b.example/"


@pytest.mark.parametrize(("every", "points"), [(None, 50), (timedelta(minutes=5), 100)])
def test_how_close_is_too_close_is_for_ops_to_say(every: timedelta | None, points: int) -> None:
    later = replace(VISIT, at=NOW + timedelta(minutes=10))
    found = of(STATE, replace(FEED, every=every), VISIT, later)
    assert found.politeness.points == points
    assert found.last == later
