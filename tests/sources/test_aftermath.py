from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model.feeds import Feed, FeedState, Skips, Validators
from aggregator.model.items import Entry
from aggregator.model.visits import (
    Answer,
    Arrivals,
    Document,
    Failed,
    FeedMeta,
    Fetched,
    Hints,
    NotModified,
    ParsedFeed,
    Unreadable,
)
from aggregator.sources.aftermath import conclude, digest_of, remark_on
from aggregator.sources.schedule import Cadence

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL, NEW = "http://a.example/", "http://a.example/new"
FEED = Feed(id="a", url=URL)
HELD = Validators(url=URL, etag=b'"1"')
STATE = FeedState(
    feed="a",
    url=URL,
    next_due=NOW,
    validators=HELD,
    digest="d",
    entries=2,
    succeeded_at=NOW,
    visits=1,
)
BODY = Fetched(url=URL, body=b"<rss/>", validators=Validators(url=URL, etag=b'"2"'))
ENTRIES = (Entry(guid="1"), Entry(guid="2"))
DOCUMENT = ParsedFeed(meta=FeedMeta(title="A"), entries=ENTRIES)
EMPTY = replace(DOCUMENT, entries=())


def after(
    answer: Answer = BODY,
    document: Document | None = None,
    arrivals: Arrivals | None = None,
    state: FeedState = STATE,
    now: datetime = NOW,
) -> FeedState:
    return conclude(FEED, state, answer, document, arrivals, now=now, cadence=Cadence())


@pytest.mark.conforms("A30", "A31")
def test_what_a_document_says_of_itself_is_remembered_and_obeyed_after_a_304() -> None:
    """Also when the body did not change."""
    skips = Skips(hours=frozenset(range(13, 20)))
    meta = FeedMeta(ttl=2 * HOUR, base=NOW, skips=skips)
    state = after(document=replace(DOCUMENT, meta=meta))
    assert (state.ttl, state.base, state.skips, state.entries) == (2 * HOUR, NOW, skips, 2)
    for answer in (NotModified(validators=HELD), BODY, Failed(reason="x", status=500)):
        again = after(answer, state=state)
        assert again.because == "skip"
        assert again.next_due >= NOW + 8 * HOUR
    plain = after(document=DOCUMENT, state=state)
    assert (plain.ttl, plain.base, plain.skips) == (None, None, Skips())


@pytest.mark.conforms("A54")
def test_an_emptied_document_is_unwell_and_is_asked_for_again() -> None:
    """Validators and digest stay, so that it is not taken for unchanged."""
    state = after(document=EMPTY, now=NOW + HOUR)
    assert state.failures == 1
    assert state.last_error == "the document has no entries; the last one had 2"
    assert (state.validators, state.digest, state.entries) == (HELD, "d", 2)
    assert state.because == "backoff"
    healed = after(document=DOCUMENT, state=state)
    assert (healed.failures, healed.last_error) == (0, None)


def test_emptiness_of_a_week_is_believed() -> None:
    state = after(document=EMPTY, now=NOW + 7 * DAY)
    assert (state.failures, state.entries) == (0, 0)


def test_entries_left_out_because_they_were_read_before_are_no_emptiness() -> None:
    state = after(document=replace(EMPTY, omitted=5), arrivals=Arrivals(listed=5, known=5))
    assert (state.failures, state.entries, state.gaps) == (0, 5, 0)


def test_a_gap_is_counted_told_and_answered_by_asking_sooner() -> None:
    state = after(document=DOCUMENT, arrivals=Arrivals(listed=2, times=(NOW, NOW)))
    assert (state.gaps, state.last_gap_at, state.because) == (1, NOW, "gap")
    assert NOW + HOUR / 4 <= state.next_due < NOW + HOUR
    assert "probably missed" in (remark_on(STATE, state) or "")
    assert remark_on(state, after(document=DOCUMENT, state=state)) is None


def test_entries_that_came_move_the_next_visit() -> None:
    times = tuple(NOW - n * DAY for n in range(1, 3))
    state = after(document=DOCUMENT, arrivals=Arrivals(listed=2, times=times, first=True))
    assert state.because == "rhythm"
    assert state.next_due > NOW + HOUR
    assert state.rhythm is not None
    assert after(NotModified(validators=HELD), state=state).rhythm == state.rhythm


@pytest.mark.conforms("A46")
@pytest.mark.parametrize(
    ("answer", "document"),
    [
        (replace(BODY, moved_to=NEW), DOCUMENT),
        (replace(BODY, moved_to=NEW), None),
        (NotModified(validators=HELD, moved_to=NEW), None),
    ],
)
def test_a_move_is_learned_from_visits_that_lead_to_a_feed(
    answer: Answer, document: Document | None
) -> None:
    """A changed body, an unchanged one, and a 304."""
    state = STATE
    for day in range(3):
        before, state = state, after(answer, document, state=state, now=NOW + day * DAY)
    assert state.moved_to == NEW
    assert remark_on(before, state) == (
        "moved for good, now asked at http://a.example/new; you may put that in feeds.yaml"
    )
    there = after(NotModified(validators=replace(HELD, url=NEW)), state=state, now=NOW + 4 * DAY)
    assert there.moved_to == NEW


@pytest.mark.conforms("A47", "A51")
@pytest.mark.parametrize(
    ("answer", "document"),
    [
        (replace(BODY, moved_to=NEW), Unreadable(reason="an HTML page")),
        (replace(BODY, moved_to=NEW), EMPTY),
        (replace(BODY, url=NEW), DOCUMENT),
        (Failed(reason="x", status=404), None),
    ],
)
def test_a_move_is_not_learned_from_pages_errors_and_temporary_redirects(
    answer: Answer, document: Document | None
) -> None:
    state = STATE
    for hour in range(0, 100, 5):
        state = after(answer, document, state=state, now=NOW + hour * HOUR)
    assert (state.moved_to, state.move) == (None, None)


def test_a_moved_feed_that_fails_three_times_is_asked_where_it_is_configured() -> None:
    state = replace(STATE, moved_to=NEW)
    for _ in range(3):
        assert state.moved_to == NEW
        before, state = state, after(Failed(reason="HTTP 404", status=404), state=state)
    assert state.moved_to is None
    assert "configured address again" in (remark_on(before, state) or "")


@pytest.mark.conforms("A06", "A67")
def test_validators_follow_every_200_and_the_digest_the_body() -> None:
    state = after(document=None)
    assert (state.validators, state.digest) == (BODY.validators, digest_of(b"<rss/>"))


def test_a_failure_keeps_what_was_learned() -> None:
    learned = after(document=DOCUMENT, arrivals=Arrivals(listed=2, times=(NOW, NOW)))
    state = after(Failed(reason="x", hints=Hints()), state=learned)
    assert (state.rhythm, state.gaps, state.entries) == (learned.rhythm, 1, 2)
