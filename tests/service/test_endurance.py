"""What must hold however long it runs, and whenever it is ended."""

import asyncio
import gc
import locale
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec import Struct

from aggregator.service.house import opened
from tests.origin import Line, Origin, answer
from tests.process import PATIENCE, ROOT, SERVE, furnish, make_due, program, whole
from tests.process import opened as file_in
from tests.service.stage import (
    HOUR,
    SetClock,
    from_outside,
    item,
    play,
    rss,
    settings_for,
    store_in,
)
from tests.service.test_edits import asked, settle
from tests.service.test_panel import watching
from tests.service.test_run import running

FEEDS = 8


def feeds_of(origin: Origin, count: int = FEEDS) -> list[str]:
    return [f"{{id: f{n}, url: '{origin.url(f'/{n}')}'}}" for n in range(count)]


@pytest.mark.slow
@pytest.mark.conforms("E05")
def test_no_transaction_waits_for_a_publisher(origin: Origin, tmp_path: Path) -> None:
    """While one is thinking, somebody else may write to the same file at once."""

    async def scene() -> None:
        let = threading.Event()  # the publisher has a loop of its own

        async def thinking(line: Line) -> None:
            await asyncio.to_thread(let.wait)
            await answer(200, rss(item(1)))(line)

        origin.script("/0", thinking)
        async with running(tmp_path, *feeds_of(origin, 1)) as run:
            while not origin.log:  # noqa: ASYNC110 - it is seen from outside
                await asyncio.sleep(0.01)
            with from_outside(tmp_path) as db:
                db.hurry()
                for _ in range(20):
                    db.execute("UPDATE feed SET title = title")
            let.set()
            await run.until(lambda found: b"Ferry 1 " in found.content, "feeds/latest.atom")

    play(scene())


@pytest.mark.slow
@pytest.mark.conforms("A23", "E08")
def test_killed_at_any_moment_it_loses_and_doubles_nothing(origin: Origin, tmp_path: Path) -> None:
    """Some moments here; `python -m bench.kills 100` looks at more of them."""
    furnish(tmp_path, feeds_of(origin))
    moments = (0.0, 0.01, 0.03, 0.1, 0.3)  # seconds after the first request of each run
    for number, moment in enumerate(moments, 1):
        news = [item(n) for n in range(number, 0, -1)]
        for n in range(FEEDS):
            origin.script(f"/{n}", answer(200, rss(*news)))
        before = len(origin.log)
        with program(tmp_path, *SERVE) as run:
            run.serves()
            if number > 1:
                make_due(run.data)
            while len(origin.log) == before:
                time.sleep(0.005)
            time.sleep(moment)
    with program(tmp_path, *SERVE) as run:
        run.serves()
        make_due(run.data)
        end = time.monotonic() + PATIENCE
        while stored(run.data) != [(f"f{n}", 5, 5) for n in range(FEEDS)]:
            assert time.monotonic() < end, stored(run.data)
            time.sleep(0.1)
        assert run.stop() == 0
    assert whole(run.data)


def stored(data: Path) -> list[tuple[str, int, int]]:
    """Return each feed with how many items it has, and how many guids."""
    with file_in(data) as db:
        found = "SELECT feed, count(*), count(DISTINCT guid) FROM item GROUP BY feed ORDER BY feed"
        return db.execute(found).fetchall()


@pytest.mark.conforms("E15")
def test_who_has_nothing_new_to_say_has_no_item_written(origin: Origin, tmp_path: Path) -> None:
    """Other bytes, the same entries: not one row of an item is written anew."""
    origin.script("/0", answer(200, rss(item(2), item(1))))

    async def scene() -> None:
        clock = SetClock()
        async with opened(
            settings_for(tmp_path, feeds_of(origin, 1)), store_in(tmp_path), now=clock
        ) as service:
            await service.prepare()
            await settle(service)
            await asked(service, "feeds/latest.atom")
            clock.at += 2 * HOUR
            with from_outside(tmp_path) as db:
                db.refuse("UPDATE", "item")
                origin.script("/0", answer(200, rss(item(2), item(1), title="Another name")))
                await settle(service)
                (succeeded,) = db.execute("SELECT succeeded_at FROM feed").fetchone()
            assert succeeded == "2026-03-02T14:00:00Z"

    play(scene())


@pytest.mark.conforms("E51")
def test_while_an_edition_is_printed_the_event_loop_turns(origin: Origin, tmp_path: Path) -> None:
    origin.script("/0", answer(200, rss(*map(item, range(300)))))

    async def scene() -> None:
        async with opened(
            settings_for(tmp_path, feeds_of(origin, 1)), store_in(tmp_path), now=SetClock()
        ) as service:
            await service.prepare()
            await settle(service)
            printing = asyncio.create_task(service.bring_out())
            turns = 0
            while not printing.done():
                turns += 1
                await asyncio.sleep(0)
            assert turns > 1000

    play(scene())


@pytest.mark.conforms("E47")
def test_by_how_much_the_event_loop_is_late_is_counted(origin: Origin, tmp_path: Path) -> None:
    async def scene() -> None:
        async with watching(tmp_path, *feeds_of(origin, 1)) as seen:
            stop = asyncio.Event()
            watch = asyncio.create_task(seen.panel.keep_watching(stop))
            while not (await seen.metrics())["aggregator_loop_lag_seconds_count"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            stop.set()
            await watch

    play(scene())


@pytest.mark.conforms("E50")
def test_no_output_sets_the_locale_of_the_process(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(locale, "setlocale", refused)
    origin.script("/0", answer(200, rss(item(1))))

    async def scene() -> None:
        async with opened(
            settings_for(tmp_path, feeds_of(origin, 1)), store_in(tmp_path), now=SetClock()
        ) as service:
            await service.prepare()
            await settle(service)
            await service.bring_out()
            for form in ("atom", "rss", "json"):
                assert b"Ferry 1 " in (await asked(service, f"feeds/latest.{form}")).content

    play(scene())


@pytest.mark.conforms("E55")
def test_of_visits_that_are_over_nothing_stays_in_memory(origin: Origin, tmp_path: Path) -> None:
    """What is held of our own kinds after five rounds is what was held after two."""

    async def scene() -> None:
        clock = SetClock()
        for n in range(FEEDS):
            origin.script(f"/{n}", answer(200, rss(item(n))))
        async with opened(
            settings_for(tmp_path, feeds_of(origin)), store_in(tmp_path), now=clock
        ) as service:
            await service.prepare()
            held = []
            for turn in range(5):
                await settle(service)
                clock.at += 2 * HOUR
                held.append(ours())
                for n in range(FEEDS):
                    origin.script(f"/{n}", answer(200, rss(item(n), title=f"Paper {turn}")))
            assert len(origin.log) == 5 * FEEDS
            assert held[4] - held[1] == Counter()

    play(scene())


def ours() -> Counter[str]:
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return Counter(
        kind.__qualname__
        for kind in kinds
        if issubclass(kind, Struct) and kind.__module__.startswith("aggregator.")
    )


@pytest.mark.slow
@pytest.mark.conforms("E58")
def test_it_runs_where_no_time_zones_are_installed(origin: Origin, tmp_path: Path) -> None:
    origin.script("/0", answer(200, rss(item(1))))
    furnish(tmp_path, feeds_of(origin, 1))
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "tzdata.py").write_text("raise ImportError('not installed')\n")
    bare = {"PYTHONTZPATH": "", "PYTHONPATH": f"{tmp_path / 'without'}{os.pathsep}{ROOT}"}
    with program(tmp_path, *SERVE, environ=bare) as run:
        run.serves()
        run.comes("feeds/latest.atom", b"Ferry 1 ")
        assert run.stop() == 0
