"""The long-running service: it serves, it stops, it outlives faults. Nothing here is stood in for.

The clock is the one on the wall, set ahead where a test cannot wait for a feed to be due.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregator.model.editions import Rendered
from aggregator.service import clock
from aggregator.service.desk import BATCH
from aggregator.service.house import opened
from aggregator.service.rounds import DUE_AT_ONCE, WAITING_AT_A_HOST
from aggregator.service.run import TICK, TICK_JOB, Service, rest_after
from aggregator.service.vitals import STALE
from aggregator.storage import Store
from aggregator.storage.sqlite import SqliteStore
from aggregator.web.served import Served
from tests.origin import Line, Origin, answer
from tests.service.stage import (
    HOUR,
    FastClock,
    bring,
    entry,
    from_outside,
    item,
    play,
    rss,
    settings_for,
    store_in,
)

pytestmark = pytest.mark.slow

STOPS = 20.0  # seconds for a whole stop; it should take less than 10, the machine may be busy


class Running:
    """A service that runs: its address, what it says of itself, and how it is stopped."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.stop = asyncio.Event()
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(
            service.run(self.stop, host="127.0.0.1", port=0, ready=self.address.set_result)
        )

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(f"{await self.address}/{path}")

    async def until(
        self, said: Callable[[httpx.Response], bool], path: str = "healthz"
    ) -> httpx.Response:
        """Ask again and again until it says so; `play` bounds it."""
        while not said(found := await self.get(path)):  # noqa: ASYNC110 - it is asked from outside
            await asyncio.sleep(0.05)
        return found

    async def end(self) -> None:
        self.stop.set()
        async with asyncio.timeout(STOPS):
            await self.task


@asynccontextmanager
async def running(
    folder: Path,
    *feeds: str,
    store: Store | None = None,
    now: Callable[[], Any] = clock.now,
    at_once: int = DUE_AT_ONCE,
) -> AsyncIterator[Running]:
    """Run the service over ``folder`` until told to stop, or the block ends."""
    settings = settings_for(folder, feeds)
    async with opened(settings, store or store_in(folder), now=now) as service:
        service.rounds.at_once = at_once
        run = Running(service)
        try:
            yield run
        finally:
            await run.end()


def is_there(found: httpx.Response) -> bool:
    return found.status_code == 200


def is_unwell(health: httpx.Response) -> bool:
    return health.status_code == 503 and health.json()["status"] == "unhealthy"


def says(*words: str) -> Callable[[httpx.Response], bool]:
    """Return whether it is unwell for a reason that holds all of ``words``."""

    def said(health: httpx.Response) -> bool:
        because = health.json()["because"] if is_unwell(health) else ()
        return any(all(word in why for word in words) for why in because)

    return said


def filled(folder: Path, feed: str, count: int) -> None:
    """Leave ``count`` items waiting in the store of ``folder``."""
    settings = settings_for(folder, [feed])
    (known,) = settings.feeds
    with closing(store_in(folder)) as store:
        now = clock.now()
        store.feeds.configure(settings.feeds, now=now)
        entries = [entry(known.id, n, f"Ferry {n} to {n % 97} leaves") for n in range(count)]
        for start in range(0, count, 1000):
            bring(store, known.id, entries[start : start + 1000], now=now)
        store.feeds.begin(known.id, now=now, next_due=now + 9 * HOUR, because="test")


def waiting(folder: Path) -> tuple[int, int]:
    """Return how many items wait to be filed, and how many were."""
    with from_outside(folder) as db:
        found: tuple[int, int] = db.execute(
            "SELECT count(*) - count(nullif(filed, 0)), count(nullif(filed, 0)) FROM item"
        ).fetchone()
        return found


@pytest.mark.conforms("E32")
def test_a_host_with_most_of_what_is_due_keeps_nobody_waiting(
    origin: Origin, tmp_path: Path
) -> None:
    """It hangs on every request, and its feeds fill all that is looked at in one go."""
    other = Origin(host="127.0.0.2")
    other.start()
    hanging = [f"{{id: a{n}, url: '{origin.script(f'/{n}', Line.hang)}'}}" for n in range(20)]
    last = f"{{id: z, url: '{other.script('/z', answer(200, rss(item(1))))}'}}"

    async def scene() -> None:
        async with running(tmp_path, *hanging, last, at_once=5) as run:
            await run.until(lambda page: "Ferry 1" in page.text, "feeds/latest.json")

    try:
        play(scene())
    finally:
        other.stop()
    assert len(origin.log) <= WAITING_AT_A_HOST


@pytest.mark.conforms("E27")
def test_it_stops_while_a_publisher_hangs(origin: Origin, tmp_path: Path) -> None:
    """The deadline of a visit is five minutes here."""

    async def scene() -> None:
        asked, loop = asyncio.Event(), asyncio.get_running_loop()

        async def hanging(line: Line) -> None:
            loop.call_soon_threadsafe(asked.set)
            await line.hang()

        origin.script("/a", hanging)
        async with running(tmp_path, f"{{id: a, url: '{origin.url('/a')}'}}") as run:
            await asked.wait()
            await run.end()

    play(scene())


def test_it_stops_while_thousands_of_items_wait_and_files_whole_batches(tmp_path: Path) -> None:
    feed = "{id: a, url: 'https://a.invalid/rss'}"
    filled(tmp_path, feed, 3000)

    async def scene() -> None:
        async with running(tmp_path, feed) as run:
            await run.address
            await run.end()

    play(scene())

    left, filed = waiting(tmp_path)
    assert left + filed == 3000
    assert left > 0
    assert filed % BATCH == 0


def test_it_stops_while_a_client_reads_nothing(origin: Origin, tmp_path: Path) -> None:
    """The answer is larger than all buffers between us."""
    body = bytes(64 << 20)
    big = Rendered(path="big", media_type="x/y", body=body, etag='"e"', changed_at=clock.now())

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        ready = await asyncio.to_thread(Served.of, big)
        with socket.socket() as silent, socket.socket() as deaf:
            async with running(tmp_path, f"{{id: a, url: '{origin.url('/a')}'}}") as run:
                run.service.window.shelf.put("big", ready)
                url = httpx.URL(await run.address)
                for client in (silent, deaf):
                    client.setblocking(False)
                    await loop.sock_connect(client, (url.host, url.port))
                ask = b"GET /big HTTP/1.1\r\nHost: a\r\nAccept-Encoding: identity\r\n\r\n"
                await loop.sock_sendall(deaf, ask)
                await readable(deaf)
                run.stop.set()
                async with asyncio.timeout(10):
                    await run.task

    play(scene())


async def readable(client: socket.socket) -> None:
    """Wait until something has come in, and leave it there."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(client, came.set)
    await came.wait()
    loop.remove_reader(client)


def test_after_a_restart_the_last_outputs_are_served_before_anything_else_works(
    origin: Origin, tmp_path: Path
) -> None:
    """The desk cannot write and nobody can be asked: only what was stored can be served."""
    feed = f"{{id: a, url: '{origin.url('/a')}'}}"
    filled(tmp_path, feed, 1)

    async def first() -> httpx.Response:
        async with running(tmp_path, feed) as run:
            return await run.until(is_there, "feeds/latest.atom")

    async def second() -> tuple[httpx.Response, httpx.Response]:
        async with running(tmp_path, feed) as run:
            found = await run.get("feeds/latest.atom")
            return found, await run.until(is_unwell)

    before = play(first())
    assert b"Ferry 0" in before.content
    with from_outside(tmp_path) as db:
        db.execute("UPDATE item SET filed = 0")
        db.refuse("UPDATE", "item")
    after, health = play(second())

    assert after.content == before.content
    for name in ("etag", "last-modified"):
        assert after.headers[name] == before.headers[name]
    assert health.json()["because"] == ["desk: the database refused (no room)"]
    assert origin.log == []


@pytest.mark.about_sqlite("the disk is full when the file may have no more pages")
def test_a_visit_that_could_not_be_stored_is_forgiven_once_the_store_takes_visits_again(
    origin: Origin, tmp_path: Path
) -> None:
    """Its feed, the only one, is not due for an hour, and the clock stands where it is."""
    origin.script("/a", answer(200, rss(item(1, "late " * 50_000))))
    store = store_in(tmp_path)
    assert isinstance(store, SqliteStore)

    def sql(statement: str) -> Any:
        return store._connection.db.execute(statement).fetchone()

    async def scene() -> None:
        (pages,) = sql("PRAGMA page_count")
        sql(f"PRAGMA max_page_count = {pages}")
        feed = f"{{id: a, url: '{origin.url('/a')}'}}"
        async with running(tmp_path, feed, store=store) as run:
            await run.until(says("visit: the disk is full"))
            await run.service._tick()
            assert is_unwell(await run.get("healthz"))

            await run.service.keeper.run(sql, "PRAGMA max_page_count = 100000")
            await run.service._refresh()  # the desk need not wait for its minute
            await run.until(is_there)

    play(scene())

    assert len(origin.log) == 1


def test_housekeeping_that_failed_is_done_within_a_minute_of_the_fault_being_gone(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        async with running(tmp_path, "{id: a, url: 'https://a.invalid/rss'}") as run:
            await run.address
            with from_outside(tmp_path) as db:
                db.execute("ALTER TABLE posting RENAME TO elsewhere")
            await run.service.keep_house()
            assert says("housekeeping:")(await run.get("healthz"))

            with from_outside(tmp_path) as db:
                db.execute("ALTER TABLE elsewhere RENAME TO posting")
            await run.service._refresh()
            assert is_there(await run.get("healthz"))

    play(scene())


@pytest.mark.conforms("E29")
@pytest.mark.conforms("B11", "B66")
def test_a_renamed_output_redirects_and_a_removed_one_is_gone_from_the_first_second(
    origin: Origin, tmp_path: Path
) -> None:
    feed = f"{{id: a, url: '{origin.url('/a')}'}}"
    filled(tmp_path, feed, 1)
    outputs = tmp_path / "outputs.yaml"
    outputs.write_text("outputs: [{kind: latest}, {kind: top}]\n", encoding="utf-8")

    async def first() -> httpx.Response:
        async with running(tmp_path, feed) as run:
            return await run.until(is_there, "feeds/latest.atom")

    async def second(path: str, said: Callable[[httpx.Response], bool]) -> httpx.Response:
        async with running(tmp_path, feed) as run:
            return await run.until(said, path)

    before = play(first())
    outputs.write_text("outputs: [{kind: latest, name: all, was: latest}]\n", encoding="utf-8")

    moved = play(second("feeds/latest.atom", lambda found: found.status_code == 301))
    assert moved.headers["location"] == "https://news.example/feeds/all.atom"
    gone = play(second("feeds/top.atom", lambda found: found.status_code == 410))
    assert "taken away for good" in gone.text
    now = play(second("feeds/all.atom", is_there))
    old_name, new_name = b"feeds/latest.", b"feeds/all."
    assert now.content == before.content.replace(old_name, new_name)


@pytest.mark.about_sqlite("the disk is full when the file may have no more pages")
def test_a_full_disk_and_a_failing_tick_are_told_and_gone_when_the_fault_is(
    origin: Origin, tmp_path: Path
) -> None:
    """First visits cannot be stored, then the due list cannot be read; ticking goes on."""
    long = "<![CDATA[" + "<p>All ferries are late again today.</p>" * 5_000 + "]]>"
    origin.script("/a", answer(200, rss(item(1, long))))
    feed = f"{{id: a, url: '{origin.url('/a')}'}}"
    store = store_in(tmp_path)
    assert isinstance(store, SqliteStore)
    ahead = FastClock()

    def sql(statement: str) -> Any:
        return store._connection.db.execute(statement).fetchone()

    async def scene() -> None:
        (pages,) = sql("PRAGMA page_count")
        sql(f"PRAGMA max_page_count = {pages}")
        async with running(tmp_path, feed, store=store, now=ahead) as run:
            await run.until(says("visit: the disk is full"))
            await run.service.keeper.run(sql, "PRAGMA max_page_count = 100000")

            with from_outside(tmp_path) as db:
                db.execute("ALTER TABLE feed RENAME TO elsewhere")
            await run.until(says("tick:", "no such table: feed"))
            with from_outside(tmp_path) as db:
                db.execute("ALTER TABLE elsewhere RENAME TO feed")
            ahead.ahead = 9 * HOUR

            well = await run.until(is_there)
            assert well.json()["status"] == "ok"

    play(scene())

    assert waiting(tmp_path) == (0, 1)
    assert len(origin.log) == 2


@pytest.mark.conforms("E23", "E24", "E26", "E28", "E31")
def test_the_scheduler_only_ticks_in_utc_and_drops_no_late_run(tmp_path: Path) -> None:
    """Not one job a feed, none that would block the loop or a thread, none every second."""

    async def scene() -> None:
        feeds = [f"{{id: a{n}, url: 'https://a{n}.invalid/rss'}}" for n in range(9)]
        async with opened(settings_for(tmp_path, feeds), store_in(tmp_path)) as service:
            await service.prepare()
            scheduler = service._scheduler()
            scheduler.start(paused=True)
            jobs = scheduler.get_jobs()
            assert len(jobs) == 3
            for job in jobs:
                assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)
                assert asyncio.iscoroutinefunction(job.func)
                assert job.trigger.interval >= TICK >= timedelta(seconds=5)
            assert str(scheduler.timezone) == "UTC"
            scheduler.shutdown(wait=False)

    play(scene())


@pytest.mark.conforms("E30", "E29")
def test_ticks_that_a_clock_set_back_would_hold_up_go_on(tmp_path: Path) -> None:
    async def scene() -> None:
        feed = "{id: a, url: 'https://a.invalid/rss'}"
        async with opened(settings_for(tmp_path, [feed]), store_in(tmp_path)) as service:
            await service.prepare()
            scheduler = service._scheduler()
            scheduler.start(paused=True)
            scheduler.modify_job(TICK_JOB, next_run_time=clock.now() + HOUR)
            service._mend_ticking(scheduler)
            assert scheduler.get_job(TICK_JOB).next_run_time > clock.now()
            assert service.vitals.health().ok
            service.vitals._ticked -= STALE.total_seconds() + 1
            assert "has not ticked" in service.vitals.health().because[0]
            service._mend_ticking(scheduler)
            assert scheduler.get_job(TICK_JOB).next_run_time <= clock.now()
            scheduler.shutdown(wait=False)

    play(scene())


@pytest.mark.conforms("E25")
def test_a_tick_hands_visits_over_and_ends(origin: Origin, tmp_path: Path) -> None:
    """Though the publisher never answers: an overrun tick would not run again at once."""

    async def scene() -> None:
        asked, loop = asyncio.Event(), asyncio.get_running_loop()

        async def hanging(line: Line) -> None:
            loop.call_soon_threadsafe(asked.set)
            await line.hang()

        feed = f"{{id: a, url: '{origin.script('/a', hanging)}'}}"
        async with opened(settings_for(tmp_path, [feed]), store_in(tmp_path)) as service:
            await service.prepare()
            await service._tick()
            (visit,) = service.rounds.flying()
            await asked.wait()
            await service._tick()
            assert service.rounds.flying() == (visit,)
            visit.cancel()
            await asyncio.gather(visit, return_exceptions=True)

    play(scene())


def test_editions_rest_as_long_as_they_are_dear_and_never_for_more_than_a_second() -> None:
    assert [rest_after(took) for took in (0.0, 0.03, 0.1, 9.0)] == [0.2, 0.2, 0.5, 1.0]
