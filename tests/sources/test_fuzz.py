"""No answer whatever raises, hangs or leaves anything behind; `bench/fuzz.py` asks many more."""

import asyncio
import gc
import random
from pathlib import Path

import pytest

from aggregator.model.visits import Failed, Fetched, Gone, NotModified, ParsedFeed, Refused
from aggregator.sources.fetch import Ask
from aggregator.sources.parse import parse
from tests.fuzzed import fuzzed
from tests.origin import Origin, answer
from tests.sources.conftest import Asker

COUNT = 600
AT_ONCE = 50
SPARE = 10  # descriptors that the publisher, in the same process, may not have closed yet


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.slow
@pytest.mark.conforms("E39", "E41")
def test_no_answer_whatever_raises(origin: Origin, visit: Asker) -> None:
    origin.otherwise = lambda path: fuzzed(random.Random(f"7 {path}"))
    calm = origin.script("/calm", answer(200, b"<rss version='2.0'/>"))

    async def story() -> set[type]:
        fetcher = visit.fetcher(total_seconds=3, pace_seconds=1)
        kinds: set[type] = set()
        await fetcher.fetch(Ask(url=calm))
        before = descriptors()
        for start in range(0, COUNT, AT_ONCE):
            asks = [Ask(url=origin.url(f"/{n}")) for n in range(start, start + AT_ONCE)]
            for found in await asyncio.gather(*map(fetcher.fetch, asks)):
                kinds.add(type(found))
                assert not str(getattr(found, "reason", "")).startswith("unexpected"), found
                if isinstance(found, Fetched):
                    document = parse(found.body, found.content_type, found.url)
                    assert isinstance(document, ParsedFeed) or "\n" not in document.reason
        assert len(asyncio.all_tasks()) == 1
        gc.collect()
        for _ in range(500):  # the publisher's side of the lines takes its time to close
            if descriptors() <= before:
                break
            await asyncio.sleep(0.01)
        assert descriptors() <= before + SPARE
        return kinds

    kinds = asyncio.run(story())
    assert {Fetched, Failed, Refused} <= kinds <= {Fetched, Failed, Refused, NotModified, Gone}


@pytest.mark.conforms("E33", "E34", "E39")
def test_visits_given_up_at_any_moment_leave_nothing_behind(origin: Origin, visit: Asker) -> None:
    """Cancelled while they look up, connect, send, wait and read; the next ones are answered."""
    origin.otherwise = lambda path: fuzzed(random.Random(f"8 {path}"))
    calm = origin.script("/calm", answer(200, b"<rss version='2.0'/>"))
    dice = random.Random(8)

    async def story() -> None:
        fetcher = visit.fetcher(total_seconds=5)
        await fetcher.fetch(Ask(url=calm))
        before = descriptors()
        for start in range(0, 200, 20):
            tasks = [
                asyncio.create_task(fetcher.fetch(Ask(url=origin.url(f"/{n}"))))
                for n in range(start, start + 20)
            ]
            for task in tasks:
                for _ in range(dice.randrange(12)):
                    await asyncio.sleep(0)
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(await fetcher.fetch(Ask(url=calm)), Fetched)
        assert len(asyncio.all_tasks()) == 1
        for _ in range(500):
            if descriptors() <= before:
                break
            await asyncio.sleep(0.01)
        assert descriptors() <= before + SPARE

    asyncio.run(story())


@pytest.mark.conforms("E34", "E35", "E36")
def test_every_request_has_a_connection_of_its_own(origin: Origin, visit: Asker) -> None:
    """No pool: nothing to poison, and a thousand hosts cost no more than one."""
    url = origin.script("/", answer(200, b"<rss version='2.0'/>"))

    async def story() -> None:
        fetcher = visit.fetcher()
        for _ in range(5):
            assert isinstance(await fetcher.fetch(Ask(url=url)), Fetched)

    asyncio.run(story())
    assert origin.connections == len(origin.log) == 5
    assert {seen.value("Connection") for seen in origin.log} == {b"close"}
