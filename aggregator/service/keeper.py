"""Who may touch the store? One thread, so that nobody waits for a lock or sees half a visit.

Or some, over a store that is on a server and shared: who waits for its answers need not wait alone.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from aggregator.storage import Store

_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")


class Keeper:
    """The store and the thread that works on it, or ``threads``."""

    def __init__(self, store: Store, *, threads: int = 1) -> None:
        self.store = store
        self._thread = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="store")

    async def run(
        self, work: Callable[_Args, _Result], *args: _Args.args, **kwargs: _Args.kwargs
    ) -> _Result:
        """Run ``work`` on the store's thread and return what it returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))

    async def close(self) -> None:
        """Let the work under way finish, then close the store."""
        await self.run(self.store.close)
        self._thread.shutdown()
