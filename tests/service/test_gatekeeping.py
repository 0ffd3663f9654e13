"""What of a new edition goes out, and what waits, from a real store."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aggregator.service.press import Published
from aggregator.settings import Settings
from aggregator.storage import Store
from tests.service.newsroom import ids, publisher, served, tell
from tests.service.stage import HOUR, NOW, SERVICE, from_outside, settings_for, store_in

FEEDS = ["{id: harbour, url: 'https://harbour.example/feed'}"]
OUTPUTS = "outputs: [{kind: latest, per_owner: 100}]\n"
CAREFUL = f"{SERVICE}publish: {{hold: 30m, new_at_once: 10}}\n"
LATER = NOW + 5 * HOUR
MINUTE = timedelta(minutes=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, FEEDS, OUTPUTS, CAREFUL)


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> Iterator[Store]:
    """A store that has published twenty entries, hours ago."""
    with closing(store_in(tmp_path)) as held:
        held.feeds.configure(settings.feeds, now=NOW)
        many(held, 20, now=NOW)
        publisher(held, settings).publish(NOW)
        many(held, 1, now=LATER - MINUTE)
        publisher(held, settings).publish(LATER - MINUTE)
        assert len(ids(held, "latest")) == 21
        yield held


def many(store: Store, count: int, *, now: datetime) -> None:
    for back in reversed(range(count)):
        number = store.items.count()
        tell(store, "harbour", number, story=f"s{number}", now=now - back * MINUTE)


def rename_all(folder: Path) -> None:
    """Give every item another id, as a faulty version might."""
    with from_outside(folder) as db:
        db.execute("UPDATE item SET id = id || ':new'")


def kept(published: Published) -> dict[str, str]:
    return {path: reason for path, reason in published.refused if path.startswith("feeds/")}


def test_a_flood_waits_and_goes_out_in_the_end(store: Store, settings: Settings) -> None:
    press = publisher(store, settings)
    before = served(store)
    many(store, 20, now=LATER)
    published = press.publish(LATER)
    assert set(kept(published)) == {f"feeds/latest.{form}" for form in ("atom", "rss", "json")}
    for path, reason in kept(published).items():
        assert reason.startswith("20 entries are new at once")
        assert reason.endswith("it waits until 2026-03-02 17:30 UTC at most")
        assert served(store)[path] == before[path]

    assert kept(press.publish(LATER + 29 * MINUTE))
    out = press.publish(LATER + 30 * MINUTE)
    assert kept(out) == {}
    assert {path for path, _ in out.despite} == set(kept(published))
    assert len(ids(store, "latest")) == 41
    assert press.publish(LATER + 31 * MINUTE).despite == ()


def test_what_is_held_is_held_no_longer_because_of_a_restart(
    store: Store, settings: Settings
) -> None:
    many(store, 20, now=LATER)
    assert kept(publisher(store, settings).publish(LATER))
    assert kept(publisher(store, settings).publish(LATER + 20 * MINUTE))
    assert kept(publisher(store, settings).publish(LATER + 30 * MINUTE)) == {}
    assert len(ids(store, "latest")) == 41


def test_an_output_that_is_right_again_goes_out_at_once(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    with from_outside(tmp_path) as db:
        db.execute("CREATE TABLE elsewhere AS SELECT * FROM item")
        db.execute("UPDATE item SET lead = 'x' WHERE seq > 3")
        assert kept(publisher(store, settings).publish(LATER))
        db.execute("UPDATE item SET lead = NULL")
    many(store, 1, now=LATER)
    again = publisher(store, settings).publish(LATER + MINUTE)
    assert (kept(again), again.despite) == ({}, ())
    assert len(ids(store, "latest")) == 22


def test_other_ids_wait_even_just_after_ops_asked_for_something_else(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    before = ids(store, "latest")
    shorter = settings_for(tmp_path, FEEDS, OUTPUTS.replace("per_owner: 100", "limit: 90"), CAREFUL)
    rename_all(tmp_path)
    published = publisher(store, shorter).publish(LATER)
    assert "entries have other ids" in kept(published)["feeds/latest.atom"]
    assert ids(store, "latest") == before


def test_what_ops_asked_for_goes_out_at_once(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    shorter = settings_for(tmp_path, FEEDS, "outputs: [{kind: latest, limit: 3}]\n", CAREFUL)
    assert kept(publisher(store, shorter).publish(LATER)) == {}
    assert len(ids(store, "latest")) == 3


def test_ops_can_let_everything_out(store: Store, settings: Settings, tmp_path: Path) -> None:
    many(store, 20, now=LATER)
    assert kept(publisher(store, settings).publish(LATER))
    bold = settings_for(tmp_path, FEEDS, OUTPUTS, CAREFUL.replace("30m", "0s"))
    assert kept(publisher(store, bold).publish(LATER)) == {}
    assert len(ids(store, "latest")) == 41


def test_bytes_that_are_not_ours_are_replaced(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    with from_outside(tmp_path) as db:
        db.execute("UPDATE output SET body = ? WHERE path LIKE 'feeds/latest.%'", [b"<x"])
    assert kept(publisher(store, settings).publish(LATER)) == {}
    assert len(ids(store, "latest")) == 21
