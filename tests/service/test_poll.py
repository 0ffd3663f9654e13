"""What a visit asks and leaves behind: real requests, a real database, a clock that is set.

A restart is all parts built anew over the same data folder.
"""

import asyncio
import multiprocessing
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.model.errors import StoreError
from aggregator.model.feeds import FeedState, Validators
from aggregator.service.house import opened
from aggregator.service.poll import Visit, visit_all
from aggregator.service.run import Service
from tests.origin import Line, Origin, Reply, answer
from tests.service.stage import (
    HOUR,
    NOW,
    SetClock,
    from_outside,
    item,
    play,
    rss,
    settings_for,
    store_in,
)

pytestmark = pytest.mark.slow

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OLD, FRESH = '"old"', '"fresh"'


@dataclass
class House:
    """An installation in ``folder`` with some feeds, opened and closed at will."""

    folder: Path
    feeds: dict[str, str]  # addresses by id
    clock: SetClock = field(default_factory=SetClock)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Service]:
        lines = [f"{{id: {name}, url: '{url}'}}" for name, url in self.feeds.items()]
        settings = settings_for(self.folder, lines)
        async with opened(settings, store_in(self.folder), now=self.clock) as service:
            await service.prepare()
            yield service

    async def visit(self, stop: asyncio.Event | None = None) -> list[Visit]:
        """Start, visit what is due, end."""
        async with self.open() as service:
            return await visit_due(service, stop)

    def rows(self, sql: str) -> list[Any]:
        with from_outside(self.folder) as db:
            return db.execute(sql).fetchall()

    @property
    def items(self) -> list[str]:
        return [title for (title,) in self.rows("SELECT title FROM item ORDER BY seq")]


async def visit_due(
    service: Service, stop: asyncio.Event | None = None, *, again: bool = False
) -> list[Visit]:
    due = await service.due_now(again=again)
    return [v async for v in visit_all(service.poller, due, stop=stop or asyncio.Event())]


async def state_of(service: Service, feed: str) -> FeedState:
    return await service.keeper.run(service.keeper.store.feeds.state, feed)


def first_doing(act: Any, reply: Reply) -> Reply:
    """Call ``act`` when the request has come, then ``reply``."""

    async def replying(line: Line) -> None:
        act()
        await reply(line)

    return replying


def etags(origin: Origin, path: str) -> list[bytes | None]:
    return [seen.value("If-None-Match") for seen in origin.asked(path)]


@pytest.mark.conforms("A23")
def test_the_attempt_is_stored_before_the_publisher_sees_the_request(
    origin: Origin, tmp_path: Path
) -> None:
    house = House(tmp_path, {"a": origin.url("/a")})
    before: list[Any] = []
    look = "SELECT attempted_at, next_due > attempted_at, because, visits FROM feed"
    origin.script("/a", first_doing(lambda: before.extend(house.rows(look)), answer(404)))

    (visit,) = play(house.visit())

    assert before == [("2026-03-02T12:00:00Z", 1, "attempt", 0)]
    assert (visit.outcome, visit.state.visits) == ("failed", 1)


@pytest.mark.conforms("E45")
def test_a_visit_that_cannot_be_stored_ends_no_other(origin: Origin, tmp_path: Path) -> None:
    """One of three feeds cannot be written; the error is told when the others are in."""
    house = House(tmp_path, {name: origin.url(f"/{name}") for name in "abc"})
    for name in "abc":
        origin.script(f"/{name}", answer(200, rss(item(1))))

    async def scene() -> None:
        async with house.open() as service:
            with from_outside(tmp_path) as db:
                db.refuse("UPDATE OF attempted_at", "feed", "NEW.id = 'b'")
            with pytest.raises(StoreError, match="no room"):
                await visit_due(service)

    play(scene())
    assert house.rows("SELECT feed FROM item ORDER BY feed") == [("a",), ("c",)]


@pytest.mark.conforms("A39")
def test_who_waits_long_for_the_store_asks_nobody_who_was_asked_meanwhile(
    origin: Origin, tmp_path: Path
) -> None:
    house = House(tmp_path, {"a": origin.url("/a")})
    origin.script("/a", answer(200, rss(item(1))))
    let = threading.Event()

    async def scene() -> None:
        async with house.open() as service:
            store = service.keeper.store

            def begin() -> None:
                let.wait()
                at = house.clock.at
                store.feeds.begin("a", now=at, next_due=at + HOUR, because="test")

            beginning = asyncio.create_task(service.keeper.run(begin))
            ticking = asyncio.create_task(service._tick())
            await asyncio.sleep(0)  # both have asked for the store
            house.clock.at += 10 * MINUTE
            let.set()
            await asyncio.gather(beginning, ticking)
            await asyncio.gather(*service.rounds.flying())

    play(scene())
    assert origin.log == []


@pytest.mark.conforms("A12")
def test_a_visit_that_cannot_be_stored_leaves_validators_and_entries_as_they_were(
    origin: Origin, tmp_path: Path
) -> None:
    """The last write of the visit fails, after state and items were written."""

    def fill_up() -> None:
        with from_outside(tmp_path) as db:
            db.refuse("INSERT", "identity")

    second = rss(item(2), item(1))
    house = House(tmp_path, {"a": origin.url("/a")})
    origin.script(
        "/a",
        answer(200, rss(item(1)), {"ETag": OLD}),
        first_doing(fill_up, answer(200, second, {"ETag": FRESH})),
        answer(200, second, {"ETag": FRESH}),
    )

    async def scene() -> None:
        async with house.open() as service:
            await visit_due(service)
            held = await state_of(service, "a")
            house.clock.at += DAY
            with pytest.raises(StoreError, match="no room"):
                await visit_due(service)
            state = await state_of(service, "a")
            assert (state.validators, state.digest) == (held.validators, held.digest)
            assert (state.visits, state.because) == (1, "attempt")
            assert house.items == ["Ferry 1 leaves"]

            with from_outside(tmp_path) as db:
                db.accept("identity")
            house.clock.at = state.next_due
            await visit_due(service)

    play(scene())

    assert etags(origin, "/a") == [None, OLD.encode(), OLD.encode()]
    assert house.items == ["Ferry 1 leaves", "Ferry 2 leaves"]
    assert house.rows("SELECT etag FROM feed") == [(FRESH.encode(),)]


@pytest.mark.conforms("A37")
def test_a_host_that_asked_for_quiet_has_its_other_feeds_put_off_unasked(
    origin: Origin, tmp_path: Path
) -> None:
    origin.script("/a", answer(429, headers={"Retry-After": "7200"}))
    house = House(tmp_path, {"a": origin.url("/a"), "b": origin.url("/b")})

    async def scene() -> list[tuple[str, str, FeedState]]:
        async with house.open() as service:
            feeds = {feed.id: (feed, state) for feed, state in await service.due_now()}
            visits = [await service.poller.visit(*feeds[name]) for name in "ab"]
            return [(v.outcome, v.state.because, await state_of(service, v.feed)) for v in visits]

    (first, _, a), (second, because, b) = play(scene())

    assert (first, a.failures) == ("failed", 1)
    assert (second, because, b.because) == ("put-off", "host-quiet", "host-quiet")
    assert (b.failures, b.visits, b.attempted_at) == (0, 0, None)
    assert origin.asked("/b") == []


@pytest.mark.conforms("A37")
def test_the_host_that_a_redirect_leads_to_has_its_peace_and_not_the_one_that_led_there(
    origin: Origin, tmp_path: Path
) -> None:
    other = Origin(host="127.0.0.2")
    other.start()
    try:
        quiet = answer(429, headers={"Retry-After": "7200"})
        other.script("/a", answer(200, rss(item(1)), {"ETag": OLD}), quiet)
        other.script("/b", answer(200, rss(item(2)), {"ETag": OLD}))
        for name in "ab":
            origin.script(f"/{name}", answer(302, headers={"Location": other.url(f"/{name}")}))
        origin.script("/c", answer(200, rss(item(3))))
        house = House(tmp_path, {name: origin.url(f"/{name}") for name in "abc"})

        async def scene() -> list[str]:
            async with house.open() as service:
                await visit_due(service)
                house.clock.at += DAY
                due = {feed.id: (feed, state) for feed, state in await service.due_now()}
                return [(await service.poller.visit(*due[name])).outcome for name in "abc"]

        assert play(scene()) == ["failed", "put-off", "unchanged"]
    finally:
        other.stop()

    assert [len(origin.asked(f"/{name}")) for name in "abc"] == [2, 1, 2]


@pytest.mark.conforms("A40")
@pytest.mark.parametrize(
    ("wish", "spared"),
    [({}, 5 * MINUTE), ({"Retry-After": "1800"}, 30 * MINUTE), ({"Retry-After": "60"}, 5 * MINUTE)],
)
def test_ops_cannot_hurry_a_feed_that_failed_just_now_or_said_when(
    origin: Origin, tmp_path: Path, wish: dict[str, str], spared: timedelta
) -> None:
    """Though it is asked for ten times in a second; the rule that chose the time is `backoff`."""
    house = House(tmp_path, {"a": origin.script("/a", answer(500, headers=wish))})

    async def scene() -> list[int]:
        async with house.open() as service:
            asked = []
            for wait in (timedelta(), timedelta(seconds=1), spared - MINUTE, MINUTE):
                house.clock.at += wait
                for _ in range(10):
                    await visit_due(service, again=True)
                asked.append(len(origin.log))
            return asked

    assert play(scene()) == [1, 1, 1, 2]


@pytest.mark.conforms("A06", "A08", "A67")
def test_a_body_that_did_not_change_is_not_parsed_but_its_new_validators_are_kept(
    origin: Origin, tmp_path: Path
) -> None:
    body = rss(item(1))
    url = origin.script(
        "/a",
        answer(200, body, {"ETag": OLD, "Last-Modified": "then"}),
        answer(200, body, {"ETag": FRESH}),
    )
    house = House(tmp_path, {"a": url})
    play(house.visit())
    house.clock.at += DAY

    async def scene() -> tuple[list[Visit], int]:
        async with house.open() as service:
            return await visit_due(service), len(multiprocessing.active_children())

    (visit,), parsers = play(scene())

    assert (visit.outcome, visit.state.failures, parsers) == ("unchanged", 0, 0)
    assert visit.state.validators == Validators(url=url, etag=FRESH.encode())
    assert visit.state.succeeded_at == NOW + DAY


@pytest.mark.conforms("A17")
def test_an_etag_that_did_not_change_hides_no_news(origin: Origin, tmp_path: Path) -> None:
    """The server ignores our conditions and says that nothing changed, and something did."""
    same = {"ETag": OLD, "Last-Modified": "then"}
    origin.script("/a", answer(200, rss(item(1)), same), answer(200, rss(item(2), item(1)), same))
    house = House(tmp_path, {"a": origin.url("/a")})
    play(house.visit())
    house.clock.at += DAY

    (visit,) = play(house.visit())

    assert (visit.outcome, visit.new) == ("fetched", 1)
    assert house.items == ["Ferry 1 leaves", "Ferry 2 leaves"]


@pytest.mark.conforms("A63")
def test_a_password_is_sent_to_its_publisher_and_is_nowhere_else(
    origin: Origin, tmp_path: Path
) -> None:
    """Not in the database, and not in what is served."""
    url = origin.script("/a", answer(200, rss(item(1))))
    house = House(tmp_path, {"a": url.replace("//", "//me:s3cr3t@")})

    async def scene() -> list[Visit]:
        async with house.open() as service:
            visits = await visit_due(service)
            await service.bring_out()
            return visits

    (visit,) = play(scene())

    assert visit.outcome == "fetched"
    assert origin.log[0].value("Authorization") == b"Basic bWU6czNjcjN0"
    assert "s3cr3t" not in repr(visit)
    (tmp_path / "feeds.yaml").unlink()
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"s3cr3t" not in path.read_bytes(), path
    assert house.rows("SELECT count(*) FROM output") != [(0,)]


@pytest.mark.conforms("A54", "A51")
def test_an_unreadable_page_deletes_nothing(origin: Origin, tmp_path: Path) -> None:
    origin.script(
        "/a",
        answer(200, rss(item(2), item(1)), {"ETag": OLD}),
        answer(200, b"<!doctype html><title>Back soon</title>", {"ETag": FRESH}),
    )
    house = House(tmp_path, {"a": origin.url("/a")})
    (first,) = play(house.visit())
    held = house.rows("SELECT * FROM item")
    house.clock.at += DAY

    (visit,) = play(house.visit())

    assert (visit.outcome, visit.state.failures) == ("unreadable", 1)
    assert house.rows("SELECT * FROM item") == held
    assert len(held) == 2
    assert (visit.state.validators, visit.state.digest) == (
        first.state.validators,
        first.state.digest,
    )


@pytest.mark.conforms("A22", "E23")
def test_twenty_restarts_ask_once_before_the_feed_is_due(origin: Origin, tmp_path: Path) -> None:
    origin.script("/a", answer(200, rss(item(1)), {"ETag": OLD}), answer(304))
    house = House(tmp_path, {"a": origin.url("/a")})
    (first,) = play(house.visit())
    step = (first.state.next_due - NOW) / 21

    for _ in range(20):
        house.clock.at += step
        assert play(house.visit()) == []
    assert len(origin.log) == 1

    house.clock.at = first.state.next_due
    (second,) = play(house.visit())
    assert second.outcome == "not-modified"


@pytest.mark.conforms("A23")
def test_twenty_restarts_after_a_visit_cut_short_ask_no_earlier_than_an_hour_later(
    origin: Origin, tmp_path: Path
) -> None:
    """Who crashes over an answer must not ask for it again at every start."""
    house = House(tmp_path, {"a": origin.url("/a")})

    async def cut_short() -> list[Visit]:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        origin.script("/a", hanging(lambda: loop.call_soon_threadsafe(stop.set)))
        return await house.visit(stop)

    assert play(cut_short()) == []
    for _ in range(20):
        house.clock.at += HOUR / 21
        assert play(house.visit()) == []
    assert len(origin.log) == 1


def hanging(act: Any) -> Reply:
    """Call ``act`` when the request has come, and say nothing."""
    return first_doing(act, Line.hang)


@pytest.mark.conforms("A44")
def test_a_feed_that_is_gone_is_never_asked_again(origin: Origin, tmp_path: Path) -> None:
    origin.script("/a", answer(410))
    house = House(tmp_path, {"a": origin.url("/a")})
    (visit,) = play(house.visit())
    assert visit.outcome == "gone"

    for years in (1, 10, 200):
        house.clock.at = NOW + years * 365 * DAY
        assert play(house.visit()) == []
    assert len(origin.log) == 1


@pytest.mark.conforms("A01", "A16")
def test_in_a_month_each_feed_is_asked_once_without_conditions(
    origin: Origin, tmp_path: Path
) -> None:
    """304, changed, unchanged, failing and unreadable answers in between."""
    since = "Mon, 02 Mar 2026 11:00:00 GMT"
    origin.script("/a", answer(200, rss(item(1)), {"ETag": OLD}), answer(304))
    origin.script("/b", answer(200, rss(item(2)), {"Last-Modified": since}))
    changing = [answer(200, rss(item(n)), {"ETag": f'"{n}"'}) for n in range(3, 7)]
    broken = (answer(500), answer(200, b"<title>Back soon</title>"), answer(304))
    origin.script("/c", changing[0], *broken, *changing[1:])
    house = House(tmp_path, {name: origin.url(f"/{name}") for name in "abc"})

    async def scene() -> None:
        async with house.open() as service:
            for _ in range(16):
                assert len(await visit_due(service)) == 3
                house.clock.at += 2 * DAY

    play(scene())

    for path in ("/a", "/b", "/c"):
        conditional = [
            any(seen.value(name) for name in ("If-None-Match", "If-Modified-Since"))
            for seen in origin.asked(path)
        ]
        assert conditional == [False] + 15 * [True]


def test_visits_under_way_end_at_once_when_told_to_stop_and_leave_no_task(
    origin: Origin, tmp_path: Path
) -> None:
    """The publishers would hang for five minutes: that is the deadline here."""
    house = House(tmp_path, {"a": origin.url("/a"), "b": origin.url("/b")})

    async def scene() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        origin.script("/a", Line.hang)
        origin.script("/b", hanging(lambda: loop.call_soon_threadsafe(stop.set)))
        async with house.open() as service:
            before = asyncio.all_tasks()
            async with asyncio.timeout(10):
                assert await visit_due(service, stop) == []
            assert asyncio.all_tasks() == before

    play(scene())

    assert house.rows("SELECT because, failures, visits FROM feed") == 2 * [("attempt", 0, 0)]
