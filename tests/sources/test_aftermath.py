from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import Feed, FeedState, Skips, Validators
from aggregator.model.items import Entry
from aggregator.model.push import HubLinks, Pushed
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
    *,
    pushed: Pushed | None = None,
    feed: Feed = FEED,
) -> FeedState:
    return conclude(
        feed, state, answer, document, arrivals, pushed=pushed, now=now, cadence=Cadence()
    )


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


TOLD = Pushed(since=NOW - DAY)
UNDER_LEASE = replace(STATE, succeeded_at=NOW - HOUR)


@pytest.mark.conforms("A70")
@pytest.mark.parametrize(
    ("every", "hours"), [(None, 12), (HOUR / 12, 6), (2 * HOUR, 24), (7 * DAY, 7 * 24)]
)
def test_a_feed_whose_hub_tells_is_asked_rarely(every: timedelta | None, hours: int) -> None:
    feed = replace(FEED, every=every)
    for answer in (NotModified(validators=HELD), BODY):
        state = after(answer, state=UNDER_LEASE, pushed=TOLD, feed=feed)
        assert hours * HOUR <= state.next_due - NOW < hours * HOUR * 1.1
        usual = after(answer, state=UNDER_LEASE, feed=feed)
        if every != 7 * DAY:
            assert (state.because, state.usual_due) == ("push", usual.next_due)
        else:  # ops want it more rarely than that
            assert state == usual


@pytest.mark.conforms("A70")
def test_a_publishers_own_wish_that_is_longer_stands_and_so_do_its_hours() -> None:
    lasting = replace(BODY, hints=Hints(fresh_for=2 * DAY))
    assert after(lasting, state=UNDER_LEASE, pushed=TOLD) == after(lasting, state=UNDER_LEASE)
    closed = replace(DOCUMENT, meta=FeedMeta(skips=Skips(hours=frozenset({0, 1, 2}))))
    skipped = after(document=closed, state=UNDER_LEASE, pushed=TOLD)
    assert (skipped.because, skipped.next_due.hour) == ("skip", 3)


@pytest.mark.conforms("A70")
def test_a_feed_that_fails_backs_off_whatever_its_hub_does() -> None:
    failed = Failed(reason="x", status=500)
    assert after(failed, state=UNDER_LEASE, pushed=TOLD) == after(failed, state=UNDER_LEASE)


@pytest.mark.conforms("C22")
@pytest.mark.parametrize(
    ("times", "last", "missed"),
    [
        ((), NOW - HOUR, 0),
        ((NOW - HOUR / 6,), NOW - HOUR, 0),  # it may be on its way
        ((NOW - HOUR / 2,), NOW - HOUR, 1),
        ((None, NOW - 9 * DAY, NOW), NOW - HOUR, 2),
        ((NOW - HOUR / 2,), NOW - 2 * DAY, 0),  # the poll before was not under the lease
        ((NOW - HOUR / 2,), None, 0),
    ],
)
def test_what_a_poll_finds_that_was_not_told_brings_the_usual_pace_back_and_is_said(
    times: tuple[datetime | None, ...], last: datetime | None, missed: int
) -> None:
    before = replace(STATE, succeeded_at=last, missed=4)
    arrivals = Arrivals(listed=len(times) + 1, known=1, times=times)
    state = after(document=DOCUMENT, arrivals=arrivals, state=before, pushed=TOLD)
    assert state.missed == 4 + missed
    assert (state.because == "push", state.usual_due is None) == (not missed, bool(missed))
    said = remark_on(before, state)
    assert (said is not None and f"did not tell of {missed} new" in said) == bool(missed)


@pytest.mark.conforms("C01", "C10")
def test_who_announces_a_feed_is_remembered_until_its_document_says_otherwise() -> None:
    ours = HubLinks(hubs=("http://hub.example/",), topic=URL)
    theirs = HubLinks(hubs=("http://other.example/",), topic=NEW)
    told = replace(DOCUMENT, meta=FeedMeta(links=ours))
    state = after(document=told)
    assert state.links == ours
    for answer in (BODY, NotModified(validators=HELD), Failed(reason="x")):
        assert after(answer, state=state).links == ours
    assert after(replace(BODY, links=theirs), state=state).links == theirs
    assert after(document=DOCUMENT, state=state).links == HubLinks()


@pytest.mark.conforms("C38")
def test_a_page_names_a_hub_only_where_there_never_was_a_feed() -> None:
    """Pages that stand in for a feed for an hour name the hub of the whole site."""
    links = HubLinks(hubs=("http://hub.example/",), topic=URL)
    page = Unreadable(reason="a page", links=links)
    assert after(document=page, state=replace(STATE, succeeded_at=None)).links == links
    known = replace(STATE, links=replace(links, topic=NEW))
    assert after(document=page, state=known).links == known.links
