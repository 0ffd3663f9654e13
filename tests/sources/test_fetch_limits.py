"""What a hostile or broken server can cost us: time, memory, connections, an exception."""

import asyncio
import socket
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model.visits import Answer, Failed, Fetched, Refused
from aggregator.sources.fetch import Ask, Fetcher
from tests.origin import Line, Origin, Reply, answer, drip, hang, pour, raw
from tests.sources.conftest import POLICY, Asker

FEED = b"<rss version='2.0'/>"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SHORT = {"total_seconds": 0.6}


@pytest.mark.conforms("A66", "D14")
@pytest.mark.parametrize(
    "reply",
    [
        hang(),
        hang(b"HTTP/1.1 200 OK\r\nContent-Le"),
        hang(OK + b"Content-Length: 100\r\n\r\nabc"),
        drip(OK + b"Content-Length: 1000000\r\n\r\n", b"x", 0.05),
        drip(OK, b"X-A: b\r\n", 0.05),
        drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.05),
    ],
    ids=["silence", "half a head", "half a body", "drip", "dripping head", "dripping 103"],
)
def test_a_visit_ends_by_its_deadline_however_the_server_drags(
    origin: Origin, visit: Asker, reply: Reply
) -> None:
    """Every read is in time, the whole is not."""
    found = visit(origin.script("/", reply), policy=SHORT)
    assert found == Failed(reason="no whole answer within 0.6 s")


@pytest.mark.conforms("E37")
def test_the_deadline_covers_all_redirects_together(origin: Origin, visit: Asker) -> None:
    for n in range(10):
        origin.script(f"/{n}", _after(0.25, answer(302, headers={"Location": f"/{n + 1}"})))
    found = visit(origin.url("/0"), policy=SHORT)
    assert found == Failed(reason="no whole answer within 0.6 s")


def _after(seconds: float, reply: Reply) -> Reply:
    async def later(line: object) -> None:
        await asyncio.sleep(seconds)
        await reply(line)  # type: ignore[arg-type]

    return later


@pytest.mark.conforms("E37")
def test_a_connection_that_nobody_takes_is_given_up(visit: Asker) -> None:
    """A full backlog swallows the attempt."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(full.getsockname())
            found = visit(
                f"http://127.0.0.1:{full.getsockname()[1]}/", policy={"connect_seconds": 0.4}
            )
    assert found == Failed(reason="could not connect within 0.4 s")


@pytest.mark.conforms("D14")
@pytest.mark.parametrize(
    "reply",
    [
        hang(OK + b"Content-Length: 100\r\n\r\nabc"),
        drip(OK + b"\r\n", b"x", 0.05),
        drip(CHUNKED, b"1\r\nx\r\n", 0.05),
    ],
    ids=["half a body", "drip", "chunked drip"],
)
def test_a_body_that_comes_too_slowly_is_not_waited_for(
    origin: Origin, visit: Asker, reply: Reply
) -> None:
    found = visit(origin.script("/", reply), policy={"pace_seconds": 0.4, "total_seconds": 15})
    assert found == Failed(reason="body comes too slowly: less than 1,000 bytes in 0.4 s")


@pytest.mark.conforms("D14")
def test_a_body_that_keeps_its_pace_may_take_longer_than_one_spell(
    origin: Origin, visit: Asker
) -> None:
    async def slowly(line: Line) -> None:
        await line.send(OK + b"\r\n" + FEED)
        for _ in range(40):
            await line.send(b" " * 1000)
            await asyncio.sleep(0.1)

    policy = {"pace_seconds": 3}
    assert isinstance(visit(origin.script("/", slowly), policy=policy), Fetched)


@pytest.mark.conforms("E40")
def test_a_name_server_that_hangs_is_given_up(visit: Asker) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    async def story() -> Answer:
        fetcher = Fetcher(replace(POLICY, connect_seconds=0.3), resolve=never)
        return await fetcher.fetch(Ask(url="http://a.test/"))

    assert asyncio.run(story()) == Failed(reason="could not connect within 0.3 s")


@pytest.mark.conforms("D11", "D12", "D13", "D15")
@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (answer(200, b"", length=3_000_000), "on the wire"),
        (pour(OK + b"\r\n", b"x" * 10_000), "on the wire"),
        (pour(CHUNKED, b"2710\r\n" + b"x" * 10_000 + b"\r\n"), "on the wire"),
        (pour(CHUNKED, b"1\r\nx\r\n" * 5000), "chunks"),
        (pour(OK, b"X-A: " + b"b" * 5000 + b"\r\n"), "not valid HTTP|limits"),
        (pour(OK, b"X: y\r\n" * 1000), "not valid HTTP|limits"),
        (pour(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100), "limits"),
        (raw(OK + b"X: y\r\n" * 300 + b"\r\n" + FEED), "more than 200 headers"),
        (raw(OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n" + FEED), "header bytes"),
        (raw(OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + FEED), "more than once"),
    ],
    ids=list("abcdefghij"),
)
def test_an_answer_beyond_its_limits_is_not_taken(
    origin: Origin, visit: Asker, reply: Reply, word: str
) -> None:
    """And the connection is closed at once."""
    found = visit(origin.script("/", reply), policy={"raw_bytes": 1_000_000})
    assert isinstance(found, Refused | Failed)
    assert any(part in found.reason for part in word.split("|"))


@pytest.mark.conforms("D15")
def test_an_endless_body_costs_little_memory(origin: Origin, visit: Asker) -> None:
    url = origin.script("/", pour(CHUNKED, b"2710\r\n" + b"x" * 10_000 + b"\r\n"))
    tracemalloc.start()
    try:
        assert isinstance(visit(url, policy={"raw_bytes": 4_000_000}), Refused)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000


@pytest.mark.conforms("A65")
def test_the_next_address_is_tried_when_the_first_fails(origin: Origin, visit: Asker) -> None:
    """One refuses, one is not allowed, one answers."""
    visit.names = {"many.test": ("127.0.0.3", "::1", "127.0.0.1")}
    origin.script("/", answer(200, FEED))
    assert isinstance(visit(origin.url("/", host="many.test")), Fetched)


@pytest.mark.conforms("A65")
def test_an_address_that_does_not_answer_costs_a_head_start(origin: Origin, visit: Asker) -> None:
    """The first swallows the attempt; the visit would fail if it were waited for."""
    origin.script("/", answer(200, FEED))
    with socket.socket() as full:
        full.bind(("127.0.0.9", origin.port))
        full.listen(0)
        with socket.create_connection(full.getsockname()), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(full.getsockname())
            visit.names = {"many.test": ("127.0.0.9", "127.0.0.1")}
            found = visit(origin.url("/", host="many.test"), policy={"connect_seconds": 2})
    assert isinstance(found, Fetched)


@pytest.mark.conforms("E33", "E34", "E39")
def test_cancelled_visits_leave_nothing_behind(origin: Origin, visit: Asker) -> None:
    """After a hundred, the next visit is answered and no descriptor is left open."""
    origin.script("/hang", hang())
    origin.script("/", answer(200, FEED))

    async def story() -> Answer:
        fetcher = visit.fetcher()
        await fetcher.fetch(Ask(url=origin.url("/")))
        before = descriptors()
        for _ in range(10):
            tasks = [
                asyncio.create_task(fetcher.fetch(Ask(url=origin.url("/hang")))) for _ in range(10)
            ]
            await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
            gone = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(error, asyncio.CancelledError) for error in gone)
        for _ in range(500):  # the origin's side of a hundred lines takes its time to close
            if descriptors() <= before:
                break
            await asyncio.sleep(0.01)
        assert descriptors() <= before
        return await fetcher.fetch(Ask(url=origin.url("/")))

    assert isinstance(asyncio.run(story()), Fetched)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_slow_publisher_holds_up_nobody(origin: Origin, visit: Asker) -> None:
    origin.script("/slow", hang())
    origin.script("/quick", answer(200, FEED))

    async def story() -> list[Answer]:
        fetcher = visit.fetcher(total_seconds=3)
        slow = [fetcher.fetch(Ask(url=origin.url("/slow"))) for _ in range(30)]
        waiting = [asyncio.create_task(visit) for visit in slow]
        quick = await asyncio.gather(
            *(fetcher.fetch(Ask(url=origin.url("/quick"))) for _ in range(30))
        )
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return quick

    assert {type(found) for found in asyncio.run(story())} == {Fetched}
