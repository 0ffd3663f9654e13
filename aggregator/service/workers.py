"""Who parses, so that no document can stop the service?

Threads cannot be killed and share the interpreter; a parse runs in a process of its own with a
limit on its time and memory. A worker that is over its limit, or dies, loses one document and is
replaced.
"""

import asyncio
import ctypes
import resource
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import asynccontextmanager, suppress
from itertools import count, cycle
from threading import Lock, Thread
from typing import TYPE_CHECKING

from aggregator.model.visits import Document, Unreadable
from aggregator.service.loading import loaded
from aggregator.sources.gate import Gate
from aggregator.sources.splitting import Memory, Reading

if TYPE_CHECKING:  # loaded when there is something to parse
    from pebble import ProcessPool

MIB = 1024 * 1024
LARGE = MIB  # bytes of a body; 4 MB of entries leave 16 MB behind
GRACE = 30.0  # seconds beyond the limit, for a worker to start or to be killed on a busy machine
PATIENCE = 0.5  # seconds that a document waits until there is another worker; one starts in 0.2

Job = tuple[bytes, str, str, bytes | None]
"""A body, its content type, the address of its feed, and what is remembered of the last one."""

_NO_WORKERS = "the parse workers cannot be kept running"


class ParseWorkers:
    """A few processes that parse; nothing that they are given can hurt their caller.

    ``seconds`` (wall clock) and ``memory`` (bytes of address space, so that resident memory stays
    below) hold for each document; a worker is replaced after ``tasks`` documents. Workers ignore
    SIGINT, which is the parent's to handle, and end with it. There is a worker when there is a
    document, and another when one had to wait: to start one takes as long as to parse many.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        seconds: float = 20.0,
        memory: int = 512 * MIB,
        tasks: int = 2_000,
    ) -> None:
        self._workers = workers
        self._seconds = seconds
        self._memory = memory
        self._tasks = tasks
        self._pools: dict[int, ProcessPool] = {}  # of one worker each, by its place
        self._lock = Lock()
        # No more documents are handed over than there are workers: a document that waits in a
        # pool's pipe would be lost with it.
        self._wanted = 1
        self._turns = Gate(1)
        self._taken = set[int]()

    def adopt(self, *, workers: int, seconds: float, memory: int) -> None:
        """Parse within these limits from now on; what is in hand is finished within the old."""
        if (workers, seconds, memory) == (self._workers, self._seconds, self._memory):
            return
        self._workers, self._seconds, self._memory = workers, seconds, memory
        self._want(min(self._wanted, workers))
        for pool in self._all_given_up():
            Thread(target=_finish, args=(pool,), name="old-workers", daemon=True).start()

    async def parse(self, body: bytes, content_type: str, url: str) -> Document:
        """Parse one document (see `aggregator.sources.parse.parse`); as `read` without memory."""
        return (await self.read((body, content_type, url, None))).document

    async def read(self, job: Job) -> Reading:
        """Parse what is new in a document (`aggregator.sources.rereading.parse_changed`).

        Never raises, but for its own cancellation, which ends the worker's work too: a document
        that is over the limits, or ends its worker, is `Unreadable` with a one-line reason.
        """
        async with self._place() as place:
            for _ in range(2):  # a pool that broke while idle is replaced, and asked once more
                pool = self._running(place)
                try:
                    return await self._answer_soon(pool, job)
                except RuntimeError:
                    self._discard(pool)
        return _unread(_NO_WORKERS)

    def read_many(self, jobs: Iterable[Job]) -> Iterator[Reading]:
        """Answer ``jobs`` as `read` does, in order, on all workers by turns, a few ahead.

        Holds at most four jobs for each worker in memory.
        """
        ahead: deque[tuple[Job, int, Future[Reading]]] = deque()
        source, places = iter(jobs), cycle(range(self._workers))
        while True:
            while len(ahead) < 4 * self._workers and (job := next(source, None)) is not None:
                place = next(places)
                ahead.append((job, place, self._hand_over(self._running(place), job)))
            if not ahead:
                return
            yield self._answer(*ahead.popleft())

    def close(self) -> None:
        """End the workers at once, work in hand included. May be called twice."""
        pools = self._all_given_up()
        for pool in pools:
            pool.stop()  # type: ignore[no-untyped-call]
        for pool in pools:
            _abandon(pool)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[int]:
        """Wait for a worker and have it for the block; too long a wait starts another."""
        too_long = asyncio.get_running_loop().call_later(PATIENCE, self._want_more)
        try:
            await self._turns.acquire()
        finally:
            too_long.cancel()
        place = next(free for free in count() if free not in self._taken)
        self._taken.add(place)
        try:
            yield place
        finally:
            self._taken.remove(place)
            self._turns.release()

    def _want_more(self) -> None:
        self._want(min(self._wanted + 1, self._workers))

    def _want(self, workers: int) -> None:
        self._wanted = workers
        self._turns.resize(workers)

    async def _answer_soon(self, pool: "ProcessPool", job: Job) -> Reading:
        waiting = asyncio.wrap_future(self._hand_over(pool, job))
        try:
            return await asyncio.wait_for(waiting, self._seconds + GRACE)
        except RuntimeError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a worker met is one feed's matter
            if waiting.cancelled():  # the pool itself did not answer in time
                self._discard(pool)
            return self._reason(error)

    def _answer(self, job: Job, place: int, future: Future[Reading]) -> Reading:
        for _ in range(2):
            try:
                return future.result((self._seconds + GRACE) * 4)
            except (BrokenExecutor, CancelledError):
                # The pool took its whole queue with it: this job is asked for again.
                future = self._hand_over(self._running(place), job)
            except Exception as error:  # noqa: BLE001 - see parse
                return self._reason(error)
        return _unread(_NO_WORKERS)

    def _hand_over(self, pool: "ProcessPool", job: Job) -> Future[Reading]:
        future: Future[Reading] = pool.schedule(_read, args=job, timeout=self._seconds)
        return future

    def _running(self, place: int) -> "ProcessPool":
        if (pool := self._pools.get(place)) is not None and not pool.active:
            self._discard(pool)
        with self._lock:
            if place not in self._pools:
                self._pools[place] = loaded("pebble").ProcessPool(
                    max_workers=1,
                    max_tasks=self._tasks,
                    initializer=_limit,
                    initargs=(self._memory,),
                    context=loaded("multiprocessing").get_context("spawn"),
                )
            return self._pools[place]

    def _discard(self, pool: "ProcessPool") -> None:
        """Give ``pool`` up at once; it is ended in a thread, which may take as long as `GRACE`."""
        with self._lock:
            places = [place for place, each in self._pools.items() if each is pool]
            for place in places:
                del self._pools[place]
        if places:
            Thread(target=_abandon, args=(pool,), name="old-workers", daemon=True).start()

    def _all_given_up(self) -> "list[ProcessPool]":
        with self._lock:
            pools, self._pools = self._pools, {}
        return list(pools.values())

    def _reason(self, error: Exception) -> Reading:
        if isinstance(error, TimeoutError):
            told = f"the document took longer than {self._seconds:g} s to parse and was stopped"
        elif isinstance(error, MemoryError):
            told = f"the document needs more than {self._memory // MIB} MiB to parse"
        elif isinstance(error, loaded("pebble").ProcessExpired):
            told = "the document ended the process that parsed it"
        else:
            told = f"the document cannot be parsed: {type(error).__name__}"
        return _unread(told)


def _read(body: bytes, content_type: str, url: str, memory: bytes | None) -> Reading:
    # Here, as it is in the workers alone that feedparser and all that it needs are loaded.
    parse_changed = loaded("aggregator.sources.rereading").parse_changed
    reading: Reading = parse_changed(body, content_type, url, Memory.from_bytes(memory))
    if len(body) > LARGE:
        _trim()
    return reading


def _trim() -> None:
    """Give back to the system what a large document needed; only glibc keeps it."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _unread(reason: str) -> Reading:
    return Reading(document=Unreadable(reason=reason))


def _finish(pool: "ProcessPool") -> None:
    with suppress(RuntimeError):
        pool.close()  # type: ignore[no-untyped-call]
        pool.join()


def _abandon(pool: "ProcessPool") -> None:
    with suppress(RuntimeError, TimeoutError):
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join(timeout=GRACE)


def _limit(memory: int) -> None:
    """Set the worker's limit on its address space (bytes)."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # No core file of a document that aborted a library.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
