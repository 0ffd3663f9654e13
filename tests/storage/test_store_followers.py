"""What every store must remember of those who follow us, on a real database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model.editions import Rendered
from aggregator.model.following import Errand, Follower, Task
from aggregator.storage import open_store
from aggregator.storage.protocol import Store
from tests.stores import Engine

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE = Follower(
    path="feeds/top.atom",
    callback="https://reader.example/cb?user=1",
    secret="s3cret",
    since=NOW - HOUR,
    expires=NOW + HOUR,
)
OTHER = replace(ONE, callback="https://other.example/cb", secret="")
BRING = Errand(task=Task.BRING, path=ONE.path, address=ONE.callback, what='"a"', due=NOW, since=NOW)


def document(etag: str, path: str = ONE.path) -> Rendered:
    return Rendered(path=path, media_type="text/plain", body=b"x", etag=etag, changed_at=NOW)


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Iterator[Store]:
    held = open_store(engine.address(tmp_path), root=tmp_path)
    yield held
    held.close()


def test_followers_outlive_a_restart(store: Store, engine: Engine, tmp_path: Path) -> None:
    for one in (ONE, OTHER):
        store.followers.put(one)
    store.close()
    again = open_store(engine.address(tmp_path), root=tmp_path)
    assert again.followers.all() == (OTHER, ONE)
    assert again.followers.get(ONE.path, ONE.callback) == ONE
    assert again.followers.get("feeds/never.atom", ONE.callback) is None
    again.close()


@pytest.mark.conforms("C30")
def test_there_is_one_follower_of_a_path_and_callback(store: Store) -> None:
    store.followers.put(ONE)
    store.followers.put(replace(ONE, secret="new", expires=NOW + 9 * HOUR))
    (held,) = store.followers.all()
    assert (held.secret, held.expires) == ("new", NOW + 9 * HOUR)
    store.followers.drop(ONE.path, ONE.callback)
    store.followers.drop(ONE.path, ONE.callback)
    assert store.followers.all() == ()


@pytest.mark.conforms("C26", "C31")
def test_what_is_announced_is_to_be_brought_to_all_whose_lease_runs(store: Store) -> None:
    for one in (ONE, OTHER, replace(OTHER, path="feeds/x.atom")):
        store.followers.put(one)
    store.followers.put(replace(ONE, callback="https://late.example/", expires=NOW))
    store.followers.announce([document('"a"'), document('"b"', "feeds/none.atom")], now=NOW)
    assert store.followers.due(NOW - HOUR) == ()
    assert store.followers.due(NOW) == (replace(BRING, address=OTHER.callback), BRING)
    assert store.followers.waiting(Task.BRING) == 2
    assert store.followers.due(ONE.expires) == ()


@pytest.mark.conforms("C33")
def test_what_is_announced_again_before_it_was_brought_is_one_errand_and_keeps_its_turn(
    store: Store,
) -> None:
    store.followers.put(ONE)
    store.followers.announce([document('"a"')], now=NOW)
    store.followers.put_off(replace(BRING, due=NOW + HOUR / 2, tries=3))
    store.followers.announce([document('"b"')], now=NOW + HOUR / 4)
    assert store.followers.due(NOW + HOUR / 4) == ()
    (held,) = store.followers.due(NOW + HOUR / 2)
    assert held == replace(BRING, what='"b"', due=NOW + HOUR / 2, tries=3)


def test_what_came_up_while_an_errand_was_run_is_still_to_be_done_and_begun_anew(
    store: Store,
) -> None:
    store.followers.put(ONE)
    store.followers.announce([document('"a"')], now=NOW)
    store.followers.put_off(replace(BRING, tries=3))
    store.followers.announce([document('"b"')], now=NOW)
    store.followers.settle(replace(BRING, tries=3))
    (held,) = store.followers.due(NOW)
    assert held == replace(BRING, what='"b"', tries=0)
    store.followers.settle(held)
    store.followers.settle(held)
    assert store.followers.due(NOW) == ()


def test_who_is_dropped_is_brought_nothing_any_more(store: Store) -> None:
    store.followers.put(ONE)
    store.followers.announce([document('"a"')], now=NOW)
    store.followers.drop(ONE.path, ONE.callback)
    store.followers.put(ONE)
    assert store.followers.due(NOW) == ()


@pytest.mark.conforms("C35")
def test_who_followed_what_is_no_more_is_to_be_told_why(store: Store) -> None:
    kept = replace(OTHER, path="feeds/x.atom")
    for one in (ONE, kept):
        store.followers.put(one)
    store.followers.announce([document('"a"')], now=NOW)
    store.followers.dismiss(ONE.path, "no more", now=NOW)
    assert store.followers.due(NOW) == (replace(BRING, task=Task.DENY, what="no more"),)
    assert store.followers.all() == (kept,)


def test_what_is_asked_for_waits_until_it_is_due_the_longest_overdue_first(store: Store) -> None:
    ping = replace(BRING, task=Task.PING, address="https://hub.example/", due=NOW + HOUR)
    wish = replace(BRING, task=Task.CONFIRM, what='{"mode": "subscribe"}')
    store.followers.ask([ping, wish])
    assert store.followers.due(NOW) == (wish,)
    store.followers.ask([replace(ping, what='"b"', due=NOW + 2 * HOUR)])
    assert store.followers.due(NOW + HOUR) == (wish, replace(ping, what='"b"'))
    assert store.followers.waiting(Task.CONFIRM) == 1


def test_leases_that_ended_long_ago_are_tidied_away(store: Store) -> None:
    for one in (ONE, replace(OTHER, expires=NOW + 9 * HOUR)):
        store.followers.put(one)
    store.followers.announce([document('"a"')], now=NOW)
    store.tidy(NOW + 2 * HOUR)
    assert [one.callback for one in store.followers.all()] == [OTHER.callback]
    assert store.followers.waiting(Task.BRING) == 1
