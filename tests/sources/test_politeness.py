from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import Validators
from aggregator.model.visits import Answer, Failed, Fetched, Logged, NotModified
from aggregator.sources.fetch import Exchange
from aggregator.sources.politeness import Politeness, ended, place_of, politeness

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
URL, NEW = "http://a.example/feed", "http://a.example/new"
HELD = Validators(url=URL, etag=b'"1"')


def visit(
    hour: float, *, conditional: bool = True, status: int | None = 304, **more: object
) -> Logged:
    at = NOW + hour * HOUR
    plain = Logged(
        at=at,
        due=at,
        because="interval",
        place=place_of(URL),
        conditional=conditional,
        outcome="fetched" if status == 200 else "not-modified",
        status=status,
        gave=True,
    )
    return replace(plain, **more)


FIRST = visit(0, conditional=False, status=200)


def judged(*visits: Logged) -> Politeness:
    return politeness(visits, least=15 * MINUTE)


def test_a_polite_feed_has_all_points_and_nothing_to_say() -> None:
    assert judged() == Politeness(points=100, visits=0)
    assert judged(FIRST, visit(1), visit(2.5)) == Politeness(points=100, visits=3)


@pytest.mark.conforms("A01", "A69")
def test_asking_for_the_whole_again_costs_points_where_it_could_have_been_spared() -> None:
    whole = visit(2, conditional=False, status=200)
    found = judged(FIRST, visit(1), whole, visit(3))
    assert found.points == 75
    assert found.faults == (
        "1 of 4 asked for the whole document, though it could be asked for changes",
    )


def test_an_answer_that_was_not_taken_in_gives_nothing_to_ask_with() -> None:
    for outcome in ("unreadable", "failed", "emptied", None):
        broken = replace(FIRST, outcome=outcome)
        assert judged(broken, visit(1, conditional=False, status=200)).points == 100


def test_another_address_is_asked_for_the_first_time_again() -> None:
    moved = visit(1, conditional=False, status=200, place=place_of(NEW))
    assert judged(FIRST, moved).points == 100
    assert judged(FIRST, moved, visit(2, conditional=False, place=place_of(NEW))).points == 66


@pytest.mark.conforms("A22", "A69")
def test_what_was_early_or_too_close_is_counted_once_a_visit() -> None:
    early = visit(1, due=NOW + 2 * HOUR)
    hasty = visit(1.1, due=NOW + 2 * HOUR)
    found = judged(FIRST, early, hasty)
    assert found.points == 33
    assert [fault.split(" ", 3)[:3] for fault in found.faults] == [
        ["2", "of", "3"],
        ["1", "of", "3"],
    ]
    assert "poll --again" in found.faults[0]
    assert "too closely" in found.faults[1]


def test_a_clock_that_was_set_back_makes_no_visit_too_close() -> None:
    assert judged(replace(FIRST, at=NOW + 9 * HOUR, due=NOW), visit(1)).points == 100


def test_a_visit_that_asked_nothing_is_no_visit() -> None:
    refused = visit(0.1, requests=0)
    assert judged(FIRST, refused, visit(1)) == Politeness(points=100, visits=2)


def test_what_the_publisher_could_do_is_said_and_costs_no_points() -> None:
    bare = [visit(n, conditional=False, status=200, gave=False) for n in range(3)]
    assert judged(*bare).points == 100
    assert "no ETag" in judged(*bare).remarks[0]
    deaf = visit(1, status=200, outcome="unchanged")
    assert "1 times it sent a document again" in judged(FIRST, deaf).remarks[0]
    led = [replace(one, requests=2) for one in (FIRST, visit(1), visit(2))]
    assert judged(*led).remarks == ("it redirects every visit",)


BEGUN = visit(0, outcome=None, status=None, gave=False)
WAY = [
    Exchange(url=URL, conditional=False, status=302, size=3),
    Exchange(url=NEW, conditional=True, status=200, size=40),
]


@pytest.mark.parametrize(
    ("answer", "gave"),
    [
        (Fetched(url=NEW, body=b"x", validators=HELD), True),
        (Fetched(url=NEW, body=b"x"), False),
        (NotModified(validators=HELD), True),
        (NotModified(validators=Validators(url=URL)), False),
        (Failed(reason="x"), False),
    ],
)
def test_what_is_remembered_is_what_went_over_the_wire(answer: Answer, *, gave: bool) -> None:
    told = ended(BEGUN, WAY, answer, outcome="fetched", new=2)
    assert (told.place, told.conditional, told.requests) == (place_of(NEW), True, 2)
    assert (told.status, told.size, told.outcome, told.new) == (200, 43, "fetched", 2)
    assert (told.gave, told.at, told.due, told.because) == (gave, BEGUN.at, BEGUN.due, "interval")


def test_what_was_refused_before_it_went_out_is_remembered_as_no_request() -> None:
    assert ended(BEGUN, [], Failed(reason="x"), outcome="refused", new=0).requests == 0
