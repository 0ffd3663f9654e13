from datetime import UTC, datetime, timedelta
from pathlib import Path

from lxml import etree

from aggregator.model.editions import Site
from aggregator.service import alerts
from aggregator.service.alerts import Told, told_now
from aggregator.sources.quiet import Standing, State
from tests.service.stage import store_in

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOTHING = Told(last={})
FINE, BLOCKED, DEAD, FAILING = (
    Standing(state=state) for state in (State.FINE, State.BLOCKED, State.DEAD, State.FAILING)
)


def test_an_ailment_is_told_once_and_another_one_not_before_the_next_day() -> None:
    told = told_now(NOTHING, {"a": BLOCKED}, now=NOW)
    assert [alert.title for alert in told.alerts] == ["a: blocked"]
    assert told_now(told, {"a": BLOCKED}, now=NOW + 50 * HOUR) == told
    assert told_now(told, {"a": DEAD}, now=NOW + 23 * HOUR) == told
    later = told_now(told, {"a": DEAD}, now=NOW + 25 * HOUR)
    assert [alert.title for alert in later.alerts] == ["a: dead", "a: blocked"]


def test_a_feed_that_comes_and_goes_is_told_of_once_a_day() -> None:
    told, days = NOTHING, 3
    for hour in range(24 * days):
        told = told_now(told, {"a": BLOCKED if hour % 2 else FINE}, now=NOW + hour * HOUR)
    assert len(told.alerts) == days


def test_what_comes_back_after_it_was_well_is_told_of_on_the_next_day() -> None:
    told = told_now(NOTHING, {"a": BLOCKED}, now=NOW)
    told = told_now(told, {"a": FINE}, now=NOW + HOUR)
    for hour in (20, 23, 25):
        told = told_now(told, {"a": BLOCKED}, now=NOW + hour * HOUR)
    assert len(told.alerts) == 2


def test_what_is_our_own_doing_is_told_of_no_feed() -> None:
    assert told_now(NOTHING, {"a": FAILING}, now=NOW, offline=True) == NOTHING
    assert told_now(NOTHING, {"a": BLOCKED}, now=NOW, offline=True).alerts


def test_a_restart_tells_nothing_again_and_the_feed_lists_what_was_told(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    _, fresh = alerts.look(store, {"a": BLOCKED}, now=NOW, offline=False)
    assert fresh == 1
    store.close()
    store = store_in(tmp_path)
    told, fresh = alerts.look(store, {"a": BLOCKED}, now=NOW + HOUR, offline=False)
    assert fresh == 0
    site = Site(base_url="https://news.example", installation="i")
    atom = etree.fromstring(alerts.feed_of(told, site, born=NOW))
    assert [title.text for title in atom.iterfind("{*}entry/{*}title")] == ["a: blocked"]
    assert alerts.feed_of(told, site, born=NOW) == alerts.feed_of(told, site, born=NOW)
    store.close()
