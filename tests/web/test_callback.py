"""What hubs are answered, whatever stands behind: limits are kept before anything is believed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from aggregator.model.editions import Site
from aggregator.web.app import Counter, Health, build
from aggregator.web.callback import AT_ONCE_EACH, LARGE_IN_ALL, Parcel, routes
from aggregator.web.served import MemoryShelf

MOST = 6000  # a delivery of 100 is small
URL = "http://wire.example/push/token"


@dataclass
class Box:
    """A mailbox that takes everything."""

    brought: list[bytes] = field(default_factory=list)
    open: asyncio.Event | None = None  # until it is set, what was brought is not put away

    async def confirm(self, token: str, query: Mapping[str, str]) -> str | None:
        return query.get("hub.challenge")

    async def admit(self, token: str) -> int | None:
        return 404 if token == "other" else None

    async def deliver(self, token: str, parcel: Parcel) -> int:
        self.brought.append(parcel.body)
        if self.open is not None:
            await self.open.wait()
        return 202


async def no_story(_: str) -> None:
    return None


def application(box: Box) -> Counter:
    return build(
        MemoryShelf(),
        health=lambda: Health(ok=True, version="1"),
        site=Site(base_url="http://wire.example"),
        max_age=300,
        story=no_story,
        more=routes(box, most=MOST),
    )


def call(box: Box, *calls: Any) -> list[int]:
    """Make ``calls`` (method, url, content) at the same time; return the statuses."""

    async def scene() -> list[int]:
        transport = httpx.ASGITransport(application(box))
        async with httpx.AsyncClient(transport=transport) as client:
            found = await asyncio.gather(
                *(client.request(method, url, content=body) for method, url, body in calls)
            )
        return [one.status_code for one in found]

    return asyncio.run(scene())


async def pieces(count: int) -> AsyncIterator[bytes]:
    """Yield a body whose length nobody knows beforehand."""
    for _ in range(count):
        await asyncio.sleep(0)
        yield bytes(100)


@pytest.mark.conforms("C17", "C21")
def test_a_body_is_read_no_further_than_its_limit_declared_or_not() -> None:
    box = Box()
    assert call(box, ("POST", URL, bytes(MOST))) == [202]
    assert call(box, ("POST", URL, bytes(MOST + 1))) == [413]
    assert call(box, ("POST", URL, pieces(60))) == [202]
    assert call(box, ("POST", URL, pieces(61))) == [413]
    assert [len(body) for body in box.brought] == [MOST, MOST]


@pytest.mark.conforms("C21")
def test_one_callback_reads_a_few_deliveries_at_a_time() -> None:
    box = Box()
    statuses = call(box, *(("POST", URL, pieces(5)) for _ in range(9)))
    assert statuses.count(202) == AT_ONCE_EACH
    assert statuses.count(503) == 9 - AT_ONCE_EACH
    assert call(box, ("POST", URL, b"again")) == [202]


@pytest.mark.conforms("C21")
def test_all_that_is_in_hand_is_bounded_and_news_of_a_usual_size_find_room() -> None:
    box = Box()
    calls = [("POST", f"http://wire.example/push/{n}", pieces(59)) for n in range(9)]
    small = [("POST", f"http://wire.example/push/s{n}", pieces(1)) for n in range(9)]
    statuses = call(box, *calls, *small)
    assert sorted(set(statuses[:9])) == [202, 503]
    assert statuses[9:] == [202] * 9
    assert call(box, ("POST", URL, pieces(60))) == [202]


@pytest.mark.conforms("C21")
def test_bodies_that_never_end_shut_out_nobody_with_news_of_a_usual_size() -> None:
    async def scene() -> None:
        ended = asyncio.Event()

        async def dripping(come: asyncio.Event) -> AsyncIterator[bytes]:
            yield bytes(MOST)
            come.set()
            await ended.wait()

        transport = httpx.ASGITransport(application(Box()))
        async with httpx.AsyncClient(transport=transport) as client:

            async def status(callback: str, size: int) -> int:
                return (await client.post(f"{URL}{callback}", content=bytes(size))).status_code

            slow = []
            for number in range(LARGE_IN_ALL):
                # Its own callback can bring nothing else meanwhile, others the largest there is.
                assert await status("other", MOST) == 202
                come = asyncio.Event()
                body = dripping(come)
                slow.append(asyncio.create_task(client.post(f"{URL}{number}", content=body)))
                await come.wait()
                assert await status(f"{number}", 1) == 503
            assert await status("other", MOST // 2) == 503
            assert await status("other", MOST // 60) == 202
            ended.set()
            assert [one.status_code for one in await asyncio.gather(*slow)] == [202] * len(slow)

    asyncio.run(scene())


@pytest.mark.conforms("C21")
def test_a_delivery_counts_until_it_is_put_away() -> None:
    async def scene() -> None:
        box = Box(open=asyncio.Event())
        assert box.open is not None
        transport = httpx.ASGITransport(application(box))
        async with httpx.AsyncClient(transport=transport) as client:
            first = asyncio.create_task(client.post(URL, content=bytes(MOST)))
            while not box.brought:  # noqa: ASYNC110 - one turn of the loop at a time
                await asyncio.sleep(0)
            assert (await client.post(URL, content=b"more")).status_code == 503
            box.open.set()
            assert (await first).status_code == 202
            assert (await client.post(URL, content=b"more")).status_code == 202

    asyncio.run(scene())


@pytest.mark.conforms("C18", "C19")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/push/other", 404),
        ("POST", "/push/", 404),
        ("POST", "/push", 404),
        ("POST", "/push/token/", 404),
        ("GET", "/push/token", 404),
        ("HEAD", "/push/token?hub.challenge=x", 405),
        ("PUT", "/push/token", 405),
    ],
)
def test_what_is_no_callback_is_not_found_and_never_redirected(
    method: str, path: str, status: int
) -> None:
    assert call(Box(), (method, f"http://wire.example{path}", None)) == [status]
