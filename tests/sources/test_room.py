"""How much is held in memory at once, and that waiting for room is nobody's fault."""

import asyncio
import gzip

import pytest

from aggregator.model.visits import Answer, Fetched
from aggregator.sources.fetch import Ask
from aggregator.sources.room import LIGHT, Room, Seat
from tests.origin import Line, Origin, answer
from tests.sources.conftest import Asker

LARGE = b"<rss/>" + b" " * 2 * LIGHT + b"<!-- -->"


@pytest.mark.conforms("D13")
def test_only_so_many_large_bodies_are_held_until_they_are_read(
    origin: Origin, visit: Asker
) -> None:
    """Two seats for large ones: a third waits for one of them to leave, a small one does not."""
    url = origin.script("/", answer(200, gzip.compress(LARGE), {"Content-Encoding": "gzip"}))
    small = origin.script("/small", answer(200, b"<rss/>"))

    async def story() -> None:
        room, fetcher = Room(heavy=2), visit.fetcher(ratio=10**6, total_seconds=60)
        held = 0
        leave = asyncio.Event()
        reading: asyncio.Queue[int] = asyncio.Queue()

        async def one() -> Answer:
            nonlocal held
            with room.seat() as seat:
                await seat.take()
                found = await fetcher.fetch(Ask(url=url), seat=seat)
                held += 1
                reading.put_nowait(held)
                await leave.wait()
                held -= 1
            return found

        visits = [asyncio.create_task(one()) for _ in range(6)]
        assert [await reading.get(), await reading.get()] == [1, 2]
        with room.seat() as seat:
            await seat.take()
            assert isinstance(await fetcher.fetch(Ask(url=small), seat=seat), Fetched)
        assert held == 2
        leave.set()
        found = await asyncio.gather(*visits)
        assert all(isinstance(each, Fetched) and each.body == LARGE for each in found)
        assert max(reading.get_nowait() for _ in range(reading.qsize())) <= 2

    asyncio.run(story())


def test_while_a_visit_waits_for_room_its_clocks_stand_still(origin: Origin, visit: Asker) -> None:
    async def reply(line: Line) -> None:
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(LARGE))
        await line.send(LARGE)

    url = origin.script("/", reply)

    async def story() -> Answer:
        heavy = asyncio.Semaphore(0)
        seat = Seat(heavy)
        fetcher = visit.fetcher(total_seconds=3, pace_seconds=2)
        task = asyncio.create_task(fetcher.fetch(Ask(url=url), seat=seat))
        await asyncio.sleep(4)  # beyond both limits
        assert not task.done()
        heavy.release()
        return await task

    assert isinstance(asyncio.run(story()), Fetched)


def test_a_visit_given_up_leaves_its_seat(origin: Origin, visit: Asker) -> None:
    url = origin.script("/", answer(200, LARGE))

    async def story() -> None:
        room, fetcher = Room(visits=1, heavy=1), visit.fetcher(total_seconds=60)
        for _ in range(3):
            begun = asyncio.Event()

            async def one(begun: asyncio.Event = begun) -> None:
                with room.seat() as seat:
                    await seat.take()
                    await fetcher.fetch(Ask(url=url), seat=seat)
                    begun.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(one())
            await begun.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
