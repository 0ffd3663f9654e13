"""Who may touch the store? One thread, so that nobody waits for a lock or sees half a visit.

Or some, over a store that is on a server and shared: who waits for its answers need not wait alone.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, ParamSpec, TypeVar

from aggregator.storage import Store

_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")

_COMPANY = 0.005  # seconds that what is to be written waits for more
# Seconds that the event loop stands still for the store. Two threads that both have work hand the
# interpreter to and fro at every statement and every socket, which took a quarter of a visit.
_MOMENT = 0.004


@dataclass(slots=True, kw_only=True)
class _Job:
    """Something to do on the store, and who waits for it; ``writes`` with others, if they do."""

    work: Callable[[], Any]
    done: "asyncio.Future[Any]"
    writes: bool
    result: Any = None
    error: BaseException | None = None

    def do(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:  # noqa: BLE001 - whoever waits is to have it
            self.error = error

    def tell(self) -> None:
        if self.done.cancelled():
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.result)


class Keeper:
    """The store and the thread that works on it, or ``threads``.

    One thread is handed what is asked for at about the same time together: to wake it for each
    visit, and the event loop for each answer, takes longer than their work.
    """

    def __init__(self, store: Store, *, threads: int = 1) -> None:
        self.store = store
        self._alone = threads == 1
        self._thread = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="store")
        self._asked: deque[_Job] = deque()
        self._gathering: asyncio.AbstractEventLoop | None = None
        self._last: Future[None] | None = None

    async def run(
        self, work: Callable[_Args, _Result], *args: _Args.args, **kwargs: _Args.kwargs
    ) -> _Result:
        """Run ``work`` on the store's thread and return what it returns."""
        return await self._run(partial(work, *args, **kwargs), writes=False)

    async def write(
        self, work: Callable[_Args, _Result], *args: _Args.args, **kwargs: _Args.kwargs
    ) -> _Result:
        """Run ``work``, which makes a transaction; return what it returns when that is committed.

        Others may share the transaction: where one of them fails, all are undone, and each is done
        again in its own. So ``work`` changes nothing but the store, and may be done twice.
        """
        return await self._run(partial(work, *args, **kwargs), writes=True)

    async def close(self) -> None:
        """Let the work under way finish, then close the store."""
        await self.run(self.store.close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], _Result], *, writes: bool) -> _Result:
        loop = asyncio.get_running_loop()
        if not self._alone:
            return await loop.run_in_executor(self._thread, work)
        done: asyncio.Future[_Result] = loop.create_future()
        self._asked.append(_Job(work=work, done=done, writes=writes))
        if not writes:
            self._hand_over(loop)
        elif self._gathering is not loop:
            self._gathering = loop
            loop.call_later(_COMPANY, self._gathered, loop)
        return await done

    def _gathered(self, loop: asyncio.AbstractEventLoop) -> None:
        self._gathering = None
        if self._asked:
            self._hand_over(loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the thread do what was asked for; if it is idle now, stand still for a moment."""
        is_idle = self._last is None or self._last.done()
        self._last = self._thread.submit(self._work, loop)
        if is_idle:
            with suppress(TimeoutError):
                self._last.exception(timeout=_MOMENT)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do all that was asked for until now, on the store's thread, in order."""
        jobs = [self._asked.popleft() for _ in range(len(self._asked))]
        for writes, group in groupby(jobs, key=lambda job: job.writes):
            wanted = [job for job in group if not job.done.cancelled()]
            if writes:
                self._write(wanted)
                _tell(wanted, loop)
            else:
                for job in wanted:
                    job.do()
                    _tell([job], loop)

    def _write(self, jobs: list[_Job]) -> None:
        try:
            with self.store.transaction():
                for job in jobs:
                    job.result = job.work()
        except BaseException:  # noqa: BLE001 - whose it was shows when each is done alone
            for job in jobs:
                job.do()


def _tell(jobs: Iterable[_Job], loop: asyncio.AbstractEventLoop) -> None:
    with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
        loop.call_soon_threadsafe(_tell_all, jobs)


def _tell_all(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        job.tell()
