"""What goes, what stays, and that the database stops growing."""

import asyncio
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli import main
from aggregator.model.published import Issue
from aggregator.service.desk import Desk
from aggregator.service.housekeeping import Pruned, keep_house
from aggregator.service.keeper import Keeper
from aggregator.settings import Settings
from aggregator.storage import Store, look
from tests.service.stage import (
    HOUR,
    NOW,
    SERVICE,
    bring,
    entry,
    environ_in,
    from_outside,
    settings_for,
    store_in,
)

DAY = timedelta(days=1)
DATABASE = "aggregator.sqlite3"
FEEDS = ("{id: harbour, url: 'https://harbour.example/feed', owner: Harbour}",)
OUTPUTS = "outputs: [{name: latest, kind: latest, limit: 2}]"


def tidied(store: Store, settings: Settings, now: datetime) -> Pruned:
    """Do the housekeeping on this thread."""

    class Here(Keeper):
        async def run(self, work, *args, **kwargs):  # type: ignore[no-untyped-def]
            return work(*args, **kwargs)

    return asyncio.run(keep_house(Here(store), settings, now))


def kept(store: Store) -> list[str]:
    return [stored.item.entry.title for stored in store.items.all()]


def arrive(store: Store, settings: Settings, numbers: range, now: datetime) -> list[str]:
    """Let numbered items come in, an hour between two, and be filed and published."""
    store.feeds.configure(settings.feeds, now=now)
    entries = [entry("harbour", n, f"Ferry {n} leaves", published=now - n * HOUR) for n in numbers]
    new = bring(store, "harbour", entries, now=now)
    Desk.over(store, settings).bring_out(now)
    return new


def test_of_one_feed_fewer_may_be_kept_than_of_others(tmp_path: Path) -> None:
    feed = FEEDS[0].replace("}", ", keep_items: 3}")
    settings = settings_for(tmp_path, [feed], OUTPUTS)
    with closing(store_in(tmp_path)) as store:
        for number in range(9):
            arrive(store, settings, range(number, number + 1), NOW + number * DAY)
        assert tidied(store, settings, NOW + 9 * DAY).items == 6
        assert kept(store) == ["Ferry 6 leaves", "Ferry 7 leaves", "Ferry 8 leaves"]


def test_of_one_feed_items_may_be_kept_for_a_shorter_time(tmp_path: Path) -> None:
    feed = FEEDS[0].replace("}", ", keep: 5d}")
    settings = settings_for(tmp_path, [feed], OUTPUTS)
    with closing(store_in(tmp_path)) as store:
        for number in range(9):
            arrive(store, settings, range(number, number + 1), NOW + number * DAY)
        tidied(store, settings, NOW + 9 * DAY)
        assert kept(store) == [f"Ferry {n} leaves" for n in (4, 5, 6, 7, 8)]


def test_what_an_output_lists_stays_whatever_its_age_and_what_went_never_comes_as_new(
    tmp_path: Path,
) -> None:
    settings = settings_for(tmp_path, FEEDS, OUTPUTS)
    with closing(store_in(tmp_path)) as store:
        arrive(store, settings, range(9), NOW)
        later = NOW + 100 * DAY
        assert tidied(store, settings, later).items > 0
        listed = kept(store)
        assert {"Ferry 0 leaves", "Ferry 1 leaves"} <= set(listed)
        assert arrive(store, settings, range(9), later) == []
        assert kept(store) == listed


def test_ids_of_what_went_are_forgotten_after_years_alone(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, FEEDS, OUTPUTS)
    with closing(store_in(tmp_path)) as store:
        arrive(store, settings, range(9), NOW)
        assert tidied(store, settings, NOW + 400 * DAY).names == 0
        gone = 9 - store.items.count()
        assert tidied(store, settings, NOW + 1_100 * DAY).names == gone


def test_old_issues_go_but_for_those_that_their_feed_lists(tmp_path: Path) -> None:
    digest = "{name: noon, kind: digest, schedule: 'every day at 12:00, top 3', limit: 2}"
    settings = settings_for(tmp_path, FEEDS, f"outputs: [{digest}]")
    with closing(store_in(tmp_path)) as store:
        store.feeds.configure(settings.feeds, now=NOW)
        for number in range(6):
            made = NOW + number * DAY
            store.outputs.bring_out(
                Issue(
                    output="noon", day=made.date(), id=f"urn:x:{number}", made=made, title="Noon",
                    summary="", content_html="", image=None, mark=0,
                )
            )  # fmt: skip
        assert tidied(store, settings, NOW + 30 * DAY).issues == 0
        assert tidied(store, settings, NOW + 400 * DAY).issues == 3
        assert len(store.outputs.issues("noon", 9)) == 3  # as many as it lists, and the last page


def test_an_address_answers_that_it_is_gone_for_a_year(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, FEEDS, OUTPUTS)
    with closing(store_in(tmp_path)) as store:
        arrive(store, settings, range(1), NOW)
        store.outputs.drop("feeds/latest.atom", NOW)
        tidied(store, settings, NOW + 360 * DAY)
        assert store.outputs.retired() == {"feeds/latest.atom"}
        tidied(store, settings, NOW + 366 * DAY)
        assert store.outputs.retired() == frozenset()


@pytest.mark.slow
@pytest.mark.conforms("E19", "E22")
@pytest.mark.about_sqlite("it is the size of the file that is bounded")
def test_the_database_stops_growing(tmp_path: Path) -> None:
    """Three years of a feed that brings two items every two days, all of them another story."""
    service = SERVICE + "retention: {items: 30d, names: 365d}\n"
    settings = settings_for(tmp_path, FEEDS, OUTPUTS, service)
    sizes = []
    with closing(store_in(tmp_path)) as store:
        store.feeds.configure(settings.feeds, now=NOW)
        desk = Desk.over(store, settings)
        for day in range(0, 3 * 365, 2):
            now = NOW + day * DAY
            some = [
                entry("harbour", n, f"Ferry {n} to isle {n * 7}", "Late. " * 200, published=now)
                for n in (day, day + 1)
            ]
            bring(store, "harbour", some, now=now)
            desk.bring_out(now)
            if day % 10 == 0:
                tidied(store, settings, now)
            if day % 365 < 2:
                sizes.append(look(f"sqlite:///{DATABASE}", root=tmp_path).bytes)
        sizes.append(look(f"sqlite:///{DATABASE}", root=tmp_path).bytes)
        with from_outside(tmp_path) as db:
            (names,) = db.execute("SELECT count(*) FROM identity").fetchone()
    assert names < 450
    assert sizes[3] < sizes[2] * 1.05, sizes
    assert sizes[2] < sizes[1] * 1.3, sizes  # ids are remembered for a year


def test_the_command_tells_what_went(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, FEEDS, OUTPUTS)
    with closing(store_in(tmp_path)) as store:
        arrive(store, settings, range(5), NOW - 2000 * DAY)
    places = ["--feeds", f"{tmp_path}/feeds.yaml", "--config", str(tmp_path)]
    words = [*places, "--data", str(tmp_path), "prune"]
    told = CliRunner().invoke(main, words, env=environ_in(tmp_path))
    assert told.exit_code == 0, told.output
    assert "pruned 3 items, 0 issues; forgot 3 ids of what went long ago" in told.output
