"""Machines agree on the time, and no answer that came late makes it jump."""

from datetime import UTC, datetime, timedelta

from aggregator.service.fleet.crew import Agreed

SECOND = timedelta(seconds=1)
TOLD = datetime(2031, 3, 2, 9, tzinfo=UTC)  # by the database, whatever the time is here


def test_a_clock_follows_the_database() -> None:
    agreed = Agreed()
    agreed.take(100, TOLD, 100.01)
    assert agreed.at(130.01) == TOLD + 30 * SECOND
    agreed.take(200, TOLD - 500 * SECOND, 200.01)
    assert agreed.at(200.01) == TOLD - 499.99 * SECOND


def test_an_answer_that_came_late_moves_nothing_that_may_be_right() -> None:
    agreed = Agreed()
    agreed.take(100, TOLD, 100)
    for said_at in (200.01, 200.25, 200.69):  # somewhere between the question and its answer
        agreed.take(200, TOLD + (said_at - 100) * SECOND, 200.7)
        assert agreed.at(200.7) == TOLD + 100.7 * SECOND
    agreed.take(300, TOLD + 201 * SECOND, 300.7)
    assert agreed.at(300.7) == TOLD + 201 * SECOND  # no further than it must
