"""What publishers wish in their documents, read and obeyed (A29, A30, A31)."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import NO_SKIPS, Feed, FeedState, Skips
from aggregator.model.visits import Failed, FeedMeta, Fetched, Hints, NotModified, ParsedFeed
from aggregator.sources.parse import parse
from aggregator.sources.schedule import Cadence, Due, next_due, outside, provisional_due

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FEED = Feed(id="a", url="http://a/")
STATE = FeedState(feed="a", url="http://a/", next_due=NOW, visits=1)
BODY = Fetched(url="http://a/", body=b"x")
CADENCE = Cadence()


def meta(wishes: str, *, broken: bool = False) -> FeedMeta:
    """Read ``wishes`` out of a document; a broken one takes feedparser's lenient way."""
    document = parse(
        f'<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>'
        f"<title>A</title>{wishes}<item><title>t{'<' if broken else ''}</title><hour>5</hour>"
        f"<day>Friday</day></item></channel></rss>".encode(),
        "",
        "http://a/",
    )
    assert isinstance(document, ParsedFeed)
    return document.meta


def hours(*listed: object) -> str:
    return f"<skipHours>{''.join(f'<hour>{hour}</hour>' for hour in listed)}</skipHours>"


def days(*listed: str) -> str:
    return f"<skipDays>{''.join(f'<day>{day}</day>' for day in listed)}</skipDays>"


@pytest.mark.conforms("A31")
@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize(
    ("wishes", "skips"),
    [
        ("", NO_SKIPS),
        (hours(1, " 2\n", "03"), Skips(hours=frozenset({1, 2, 3}))),
        (hours(24, 25, -1, "x", "", "1.5", "٣"), Skips(hours=frozenset({0}))),
        (days("Sunday", " monday ", "Moonday", "Sun"), Skips(days=frozenset({6, 0}))),
        (hours(5) + days("Friday"), Skips(hours=frozenset({5}), days=frozenset({4}))),
        (hours(*range(24)), NO_SKIPS),
        (hours(*range(1, 25)) + days("Friday"), Skips(days=frozenset({4}))),
        ("<skipped_hour>7</skipped_hour><every_hour>7</every_hour>", NO_SKIPS),
        (
            days("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
            NO_SKIPS,
        ),
    ],
)
def test_hours_and_days_to_skip_are_read(wishes: str, skips: Skips, *, broken: bool) -> None:
    assert meta(wishes, broken=broken).skips == skips


def sy(period: str, frequency: object = "", base: str = "") -> str:
    return (
        f"<sy:updatePeriod>{period}</sy:updatePeriod>"
        f"<sy:updateFrequency>{frequency}</sy:updateFrequency><sy:updateBase>{base}</sy:updateBase>"
    )


@pytest.mark.conforms("A29", "A30")
@pytest.mark.parametrize(
    ("wishes", "ttl", "base"),
    [
        (sy("daily", 2), 12 * HOUR, None),
        (sy("\n\tdaily\t", "x"), DAY, None),
        (sy("hourly", 0), HOUR, None),
        (sy("never", 2), None, None),
        ("<ttl>0</ttl>", None, None),
        ("<ttl>-5</ttl>", None, None),
        (sy("daily", 1, "2000-01-01T06:00+00:00"), DAY, datetime(2000, 1, 1, 6, tzinfo=UTC)),
        ("<ttl>2880</ttl>" + sy("daily", 1, "2000-01-01T06:00+00:00"), 2 * DAY, None),
        ("<ttl>60</ttl>" + sy("daily", 1, "rubbish"), DAY, None),
        (sy("yearly", 1, "2000-01-01T06:00+00:00"), 30 * DAY, None),
    ],
)
def test_ttl_and_timetable_are_read(
    wishes: str, ttl: timedelta | None, base: datetime | None
) -> None:
    assert (meta(wishes).ttl, meta(wishes).base) == (ttl, base)


def next_at(said: FeedMeta, now: datetime = NOW, feed: Feed = FEED) -> Due:
    return next_due(feed, STATE, BODY, said, now=now, cadence=CADENCE)


@pytest.mark.conforms("A31")
def test_a_feed_is_left_alone_at_the_hours_and_on_the_days_it_names() -> None:
    """A virtual week, from every quarter of an hour."""
    said = FeedMeta(skips=Skips(hours=frozenset({0, 1, 2, 13, 23}), days=frozenset({5, 6, 0})))
    for quarter in range(7 * 24 * 4):
        now = NOW + quarter * 15 * MINUTE
        found, plain = next_at(said, now), next_at(FeedMeta(), now)
        assert found.at.hour not in said.skips.hours
        assert found.at.weekday() not in said.skips.days
        assert found.at >= plain.at
        assert (found == plain) == (found.because != "skip")


def test_one_open_hour_in_the_week_is_enough() -> None:
    skips = Skips(hours=frozenset(range(24)) - {7}, days=frozenset(range(7)) - {3})
    found = next_at(FeedMeta(skips=skips))
    assert datetime(2026, 3, 5, 7, tzinfo=UTC) <= found.at < datetime(2026, 3, 5, 8, tzinfo=UTC)


def test_feeds_that_skip_the_same_night_do_not_all_come_on_the_hour() -> None:
    said = FeedMeta(skips=Skips(hours=frozenset(range(13, 24))))
    minutes = {next_at(said, feed=replace(FEED, id=str(n))).at.minute for n in range(200)}
    assert len(minutes) > 45


def test_what_is_stored_before_a_request_and_put_off_obeys_as_well() -> None:
    skips = Skips(hours=frozenset({12, 13, 14}))
    found = provisional_due(FEED, replace(STATE, skips=skips), now=NOW, cadence=CADENCE)
    assert found.at >= NOW + 3 * HOUR
    assert outside(Due(at=NOW, because="host-quiet"), skips, "a").at >= NOW + 3 * HOUR


@pytest.mark.conforms("A30")
@pytest.mark.parametrize(
    ("base", "wait"),
    [
        (None, 12 * HOUR),
        (NOW - 500 * DAY, 12 * HOUR),
        (NOW + 3 * HOUR, 15 * HOUR),  # up to half a step later, to meet the timetable
        (NOW - 9 * HOUR, 15 * HOUR),
        (NOW + 9 * HOUR, 12 * HOUR),  # else an update would be missed
        (NOW + 500 * DAY + 6 * HOUR, 18 * HOUR),
    ],
)
def test_a_timetable_is_met_and_never_asked_sooner_than_its_step(
    base: datetime | None, wait: timedelta
) -> None:
    found = next_at(FeedMeta(ttl=12 * HOUR, base=base))
    assert found.because == "ttl"
    assert NOW + wait <= found.at <= NOW + wait + HOUR / 10


LONG, LONGER = 3 * HOUR, 5 * HOUR


@pytest.mark.conforms("A32")
@pytest.mark.parametrize(
    ("retry", "fresh", "ttl", "wait", "because"),
    [
        (None, None, None, HOUR, "interval"),
        (LONG, None, None, LONG, "retry-after"),
        (None, LONG, None, LONG, "max-age"),
        (None, None, LONG, LONG, "ttl"),
        (LONG, LONG, LONG, LONG, "retry-after"),
        (None, LONG, LONG, LONG, "max-age"),
        (LONGER, LONG, LONG, LONGER, "retry-after"),
        (LONG, LONGER, LONG, LONGER, "max-age"),
        (LONG, LONG, LONGER, LONGER, "ttl"),
        (MINUTE, MINUTE, MINUTE, HOUR, "interval"),
        (HOUR, None, None, HOUR, "retry-after"),
        (None, None, HOUR, HOUR, "ttl"),
    ],
)
def test_the_latest_wins_and_rank_decides_between_equals(
    retry: timedelta | None,
    fresh: timedelta | None,
    ttl: timedelta | None,
    wait: timedelta,
    because: str,
) -> None:
    hints = Hints(retry_after=retry, fresh_for=fresh)
    found = next_due(
        FEED, STATE, replace(BODY, hints=hints), FeedMeta(ttl=ttl), now=NOW, cadence=CADENCE
    )
    assert found.because == because
    assert NOW + wait <= found.at <= NOW + wait + HOUR / 10


@pytest.mark.parametrize("answer", [BODY, NotModified(validators=None), Failed(reason="x")])  # type: ignore[arg-type]
def test_no_answer_is_excused_from_the_hours_to_skip(answer: Fetched | Failed) -> None:
    said = FeedMeta(skips=Skips(hours=frozenset({13, 14})))
    assert next_due(FEED, STATE, answer, said, now=NOW, cadence=CADENCE).at.hour >= 14
