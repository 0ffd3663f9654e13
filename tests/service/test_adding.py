"""What a feed would bring, in a few words."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model.items import Entry
from aggregator.model.visits import FeedMeta, ParsedFeed
from aggregator.service.adding import preview, rhythm

NOW = datetime(2024, 6, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def every(gap: timedelta, count: int = 30) -> list[datetime | None]:
    return [NOW - n * gap for n in range(count)]


@pytest.mark.parametrize(
    ("gap", "told"),
    [
        (timedelta(minutes=1), "about 1400 a day"),
        (2 * HOUR, "about 12 a day"),
        (DAY, "about 7 a week"),
        (7 * DAY, "about 4 a month"),
        (30 * DAY, "about 1 a month"),
        (120 * DAY, "about 3 a year"),
    ],
)
def test_the_rhythm_is_told_in_the_period_that_suits_it(gap: timedelta, told: str) -> None:
    assert rhythm(every(gap), NOW) == told


def test_pinned_entries_and_dates_to_come_do_not_count() -> None:
    pinned: list[datetime | None] = [NOW - 3000 * DAY, NOW + 400 * DAY, None]
    assert rhythm(every(2 * HOUR) + pinned, NOW) == "about 12 a day"


def test_a_feed_that_fell_asleep_is_told_with_its_last_day() -> None:
    assert rhythm(every(HOUR), NOW + 300 * DAY) == "nothing new since 2024-06-30"


def test_without_dates_that_differ_nothing_is_told() -> None:
    assert rhythm([None] * 5, NOW) == ""
    assert rhythm([NOW] * 5, NOW) == ""
    assert rhythm(every(DAY, 2), NOW) == ""


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("rss20", "RSS 2.0"),
        ("rss091n", "RSS 0.91"),
        ("atom10", "Atom 1.0"),
        ("json1", "JSON Feed 1"),
        ("json11", "JSON Feed 1.1"),
        ("rss", "RSS"),
        ("", ""),
    ],
)
def test_formats_are_called_by_their_names(version: str, told: str) -> None:
    document = ParsedFeed(meta=FeedMeta(version=version), entries=())
    assert preview(document, NOW).format == told


def test_the_newest_three_are_shown_whatever_the_order_of_the_document() -> None:
    days = (3, 1, 5, 2, 4)
    entries = tuple(Entry(title=str(day), published=NOW - day * DAY) for day in days)
    summary = preview(ParsedFeed(meta=FeedMeta(title="A"), entries=entries), NOW)
    assert [entry.title for entry in summary.newest] == ["1", "2", "3"]
    assert summary.entries == 5
