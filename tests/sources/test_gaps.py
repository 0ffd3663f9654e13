from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import FeedState, Older
from aggregator.model.items import Entry
from aggregator.model.visits import Answer, Arrivals, Failed, Fetched, Gone, Refused
from aggregator.sources.gaps import haste_at, in_vain, is_emptied, is_gap, missed, noted

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
STATE = FeedState(feed="a", url="http://a/", next_due=NOW, entries=30, succeeded_at=NOW)
ALL_NEW = Arrivals(listed=30)


@pytest.mark.parametrize(
    ("entries", "arrivals", "gap"),
    [
        (30, ALL_NEW, True),
        (30, Arrivals(listed=30, known=1), False),
        (None, Arrivals(listed=30, first=True), False),
        (30, Arrivals(), False),
        (30, Arrivals(listed=15), True),
        (30, Arrivals(listed=2), False),  # starts afresh every day
        (1, Arrivals(listed=1), False),  # one entry: every news would be a gap
        (0, ALL_NEW, False),
        (None, ALL_NEW, False),  # an edited address: nothing to compare with
    ],
)
def test_a_whole_document_without_anything_known_is_a_gap(
    entries: int | None, arrivals: Arrivals, *, gap: bool
) -> None:
    assert is_gap(replace(STATE, entries=entries), arrivals) is gap


def test_gaps_are_counted_and_hurry_us_for_a_while() -> None:
    state = noted(STATE, ALL_NEW, older=None, now=NOW)
    assert (state.gaps, state.last_gap_at) == (1, NOW)
    state = noted(state, ALL_NEW, older=None, now=NOW + DAY)
    assert state.gaps == 2
    hastes = [haste_at(state, NOW + DAY + n * 7 * DAY) for n in range(4)]
    assert hastes == [2, 1, 0, 0]
    assert noted(STATE, Arrivals(listed=30, known=29), older="http://a/1", now=NOW) == STATE


def test_a_gap_during_a_search_begins_it_anew_and_it_still_goes_as_far_back() -> None:
    first = noted(STATE, ALL_NEW, older="http://a/1", now=NOW)
    assert first.older == Older(page="http://a/1", at=NOW, since=NOW, read=("http://a/",))
    later = replace(first, succeeded_at=NOW + DAY)
    second = noted(later, ALL_NEW, older="http://a/7", now=NOW + 2 * DAY)
    assert second.older == replace(first.older, page="http://a/7")
    for nowhere in (None, "http://a/"):
        assert noted(later, ALL_NEW, older=nowhere, now=NOW + 2 * DAY).older == first.older


@pytest.mark.parametrize("status", [None, 408, 425, 429, 500, 503])
def test_what_a_host_cannot_give_now_is_asked_for_at_five_visits(status: int | None) -> None:
    search: Older | None = Older(page="http://a/1", at=NOW)
    for _ in range(4):
        assert search is not None
        search = in_vain(search, Failed(reason="x", status=status))
    assert search == Older(page="http://a/1", at=NOW, tries=4)
    assert in_vain(search, Failed(reason="x", status=status)) is None


@pytest.mark.parametrize(
    "answer",
    [Failed(reason="x", status=404), Gone(), Refused(reason="x"), Fetched(url="", body=b"")],
)
def test_what_a_host_will_not_give_is_not_asked_for_again(answer: Answer) -> None:
    assert in_vain(Older(page="http://a/1", at=NOW), answer) is None


def test_haste_has_an_end() -> None:
    state = STATE
    for hour in range(50):
        state = noted(state, ALL_NEW, older=None, now=NOW + hour * DAY / 24)
    assert state.gaps == 50
    assert haste_at(state, NOW + 2 * DAY) == 4
    assert haste_at(state, NOW - 30 * DAY) == 4  # a clock set back


@pytest.mark.conforms("A54")
def test_an_emptied_document_is_doubted_for_a_week_and_then_believed() -> None:
    assert is_emptied(STATE, 0, now=NOW + DAY)
    assert not is_emptied(STATE, 0, now=NOW + 7 * DAY)
    assert not is_emptied(STATE, 1, now=NOW + DAY)
    assert not is_emptied(replace(STATE, entries=0), 0, now=NOW + DAY)
    assert not is_emptied(replace(STATE, entries=None), 0, now=NOW + DAY)


def dated(published: datetime | None) -> Entry:
    return Entry(title="x", published=published)


@pytest.mark.parametrize(
    ("page", "known", "late", "reached"),
    [
        ((), (), 0, True),
        ((None, None), (False, False), 2, False),
        ((None, None), (False, True), 1, True),
        ((NOW, NOW + DAY), (False, False), 2, False),
        ((NOW, NOW - DAY), (False, False), 1, False),
        ((NOW - DAY, NOW - DAY), (False, False), 0, True),
    ],
)
def test_of_an_older_page_that_was_missed_which_came_after_the_last_good_visit(
    page: tuple[datetime | None, ...], known: tuple[bool, ...], late: int, *, reached: bool
) -> None:
    """And it reaches back far enough with one known entry, or when nothing of it was missed."""
    found, end = missed([dated(at) for at in page], known, since=NOW)
    assert (len(found), end) == (late, reached)
