import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from aggregator.model.visits import Document, ParsedFeed, Unreadable
from aggregator.service.workers import MIB, Job, ParseWorkers

URL = "https://gazette.example/feed"
GOOD = b'<rss version="2.0"><channel><item><guid>1</guid></item></channel></rss>'
# A million nested elements take feedparser far longer than any limit here.
ENDLESS = b'<rss version="2.0"><channel><item>' + b"<a>" * 1_000_000
PLENTY = 8192  # MiB, so that it is by time alone that a document ends
HUGE = b'<rss version="2.0"><channel>' + b"<item><title>x</title></item>" * 150_000

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def workers(**limits: float) -> Iterator[ParseWorkers]:
    pool = ParseWorkers(
        workers=int(limits.get("workers", 1)),
        seconds=limits.get("seconds", 60.0),
        memory=int(limits.get("memory", 512)) * MIB,
        tasks=int(limits.get("tasks", 200)),
    )
    try:
        yield pool
    finally:
        pool.close()


def is_good(document: Document) -> bool:
    return isinstance(document, ParsedFeed) and [e.guid for e in document.entries] == ["1"]


def parsers() -> list[int]:
    """Process ids of the parse workers of this process."""
    found = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        for child in (task / "children").read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"spawn_main" in command:
                found.append(int(child))
    return found


def used_by(worker: int) -> int:
    """Processor time of a process in user mode, in hundredths of a second."""
    return int(Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[11])


async def busy_worker() -> int:
    """Wait until a worker is well into a document, and return its process id."""
    while True:
        for worker in parsers():
            if used_by(worker) > 100:  # starting takes fewer than fifty
                return worker
        await asyncio.sleep(0.05)


async def test_of_two_documents_each_gets_its_own_answer() -> None:
    with workers(workers=2) as pool:
        good, bad = await asyncio.gather(pool.parse(GOOD, "", URL), pool.parse(b"no", "", URL))
    assert is_good(good)
    assert isinstance(bad, Unreadable)


@pytest.mark.conforms("D16", "E45")
async def test_a_document_that_takes_too_long_is_stopped_and_others_go_on() -> None:
    with workers(workers=2, seconds=2, memory=PLENTY) as pool:
        endless, good = await asyncio.gather(
            pool.parse(ENDLESS, "", URL), pool.parse(GOOD, "", URL)
        )
        assert endless == Unreadable(
            reason="the document took longer than 2 s to parse and was stopped"
        )
        assert is_good(good)
        assert is_good(await pool.parse(GOOD, "", URL))


@pytest.mark.conforms("D16")
async def test_a_document_that_needs_too_much_memory_is_refused_and_others_go_on() -> None:
    with workers(memory=120) as pool:
        refused = await pool.parse(HUGE, "", URL)
        assert isinstance(refused, Unreadable)
        assert "memory" in refused.reason or "ended the process" in refused.reason
        assert is_good(await pool.parse(GOOD, "", URL))


@pytest.mark.conforms("E45")
async def test_while_one_document_takes_long_others_are_read_by_another_worker() -> None:
    with workers(workers=2, memory=PLENTY) as pool:
        long = asyncio.create_task(pool.parse(ENDLESS, "", URL))
        await busy_worker()
        assert is_good(await pool.parse(GOOD, "", URL))
        assert not long.done()
        long.cancel()


@pytest.mark.conforms("E45")
async def test_each_document_that_waits_too_long_has_a_worker_started() -> None:
    with workers(workers=3, memory=PLENTY) as pool:
        long = [asyncio.create_task(pool.parse(ENDLESS, "", URL)) for _ in range(2)]
        assert is_good(await pool.parse(GOOD, "", URL))
        assert not any(task.done() for task in long)
        for task in long:
            task.cancel()


async def test_one_worker_reads_what_comes_document_by_document() -> None:
    with workers(workers=2) as pool:
        for _ in range(3):
            assert is_good(await pool.parse(GOOD, "", URL))
        assert len(parsers()) == 1


@pytest.mark.conforms("E45")
async def test_a_worker_that_dies_loses_its_document_only() -> None:
    with workers(memory=PLENTY) as pool:
        waiting = asyncio.create_task(pool.parse(ENDLESS, "", URL))
        os.kill(await busy_worker(), signal.SIGKILL)
        assert await waiting == Unreadable(reason="the document ended the process that parsed it")
        assert is_good(await pool.parse(GOOD, "", URL))


@pytest.mark.conforms("E45")
async def test_a_worker_that_dies_while_idle_loses_nothing() -> None:
    with workers(workers=2) as pool:
        assert is_good(await pool.parse(GOOD, "", URL))
        for worker in parsers():
            os.kill(worker, signal.SIGKILL)
        assert is_good(await pool.parse(GOOD, "", URL))


class Stuck:
    """A pool that broke, and does not come to an end before it is let."""

    def __init__(self, *, active: bool) -> None:
        self.active = active
        self.let, self.ended = Event(), Event()

    def schedule(self, *args: object, **more: object) -> None:
        raise RuntimeError

    def stop(self) -> None: ...

    def join(self, timeout: float) -> None:
        self.let.wait(timeout)
        self.ended.set()


@pytest.mark.conforms("E45")
@pytest.mark.parametrize("active", [False, True])
async def test_nobody_waits_for_the_end_of_a_pool_that_broke(active: bool) -> None:
    stuck = Stuck(active=active)
    with workers() as pool:
        pool._pools[0] = stuck  # type: ignore[assignment]
        answer = await pool.parse(GOOD, "", URL)
        waited = stuck.ended.is_set()
        stuck.let.set()
    assert is_good(answer)
    assert not waited
    assert await asyncio.to_thread(stuck.ended.wait, 60)


async def test_an_interrupt_of_the_whole_group_leaves_workers_working() -> None:
    with workers() as pool:
        assert is_good(await pool.parse(GOOD, "", URL))
        before = parsers()
        for worker in before:
            os.kill(worker, signal.SIGINT)
        assert is_good(await pool.parse(GOOD, "", URL))
        assert parsers() == before


@pytest.mark.conforms("E45")
async def test_a_caller_that_is_cancelled_frees_its_worker() -> None:
    with workers(memory=PLENTY) as pool:
        waiting = asyncio.create_task(pool.parse(ENDLESS, "", URL))
        await busy_worker()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert is_good(await pool.parse(GOOD, "", URL))


@pytest.mark.conforms("E45")
def test_many_documents_are_answered_in_order_on_demand() -> None:
    taken: list[int] = []

    def jobs() -> Iterator[Job]:
        for number in range(30):
            taken.append(number)
            yield GOOD.replace(b"<guid>1<", b"<guid>%d<" % number), "", URL, None

    with workers(workers=2, tasks=7) as pool:
        answers = pool.read_many(jobs())
        first = next(answers)
        assert len(taken) == 8
        documents = [reading.document for reading in (first, *answers)]
    assert [guid_of(document) for document in documents] == [str(n) for n in range(30)]


def test_among_many_one_that_is_stopped_is_one_answer() -> None:
    with workers(workers=2, seconds=2) as pool:
        answers = list(pool.read_many([(body, "", URL, None) for body in (GOOD, ENDLESS, GOOD)]))
    assert [is_good(answer.document) for answer in answers] == [True, False, True]


def test_closing_ends_the_workers_and_may_be_done_twice() -> None:
    with workers(workers=2) as pool:
        assert all(is_good(each.document) for each in pool.read_many([(GOOD, "", URL, None)] * 2))
        assert len(parsers()) == 2
        pool.close()
        assert parsers() == []


def guid_of(document: Document) -> str | None:
    assert isinstance(document, ParsedFeed), document
    return document.entries[0].guid
