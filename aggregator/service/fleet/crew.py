"""What does every process of a fleet need, whatever its role?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregator.service import clock
from aggregator.service.house import opened
from aggregator.service.keeper import Keeper
from aggregator.service.run import Service
from aggregator.settings import Settings
from aggregator.storage import SharedStore, open_shared


@dataclass(slots=True)
class Agreed:
    """The database's clock, so that machines agree on what is due whatever theirs say."""

    ahead: timedelta = timedelta()

    def exact(self) -> datetime:
        """Return the present to the microsecond."""
        return clock.exact() + self.ahead

    def now(self) -> datetime:
        """Return the present in whole seconds."""
        return self.exact().replace(microsecond=0)

    async def agree(self, keeper: Keeper, store: SharedStore) -> None:
        """Ask the database for the time."""
        self.ahead = await keeper.run(store.time) - clock.exact()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What the roles of one process share: the database at ``url``, and when to ``stop``."""

    settings: Settings
    url: str
    stop: asyncio.Event
    clock: Agreed = field(default_factory=Agreed)

    def store(self, *, many: bool = False) -> SharedStore:
        """Connect to the store, with ``many`` connections; `StoreError` if that cannot be done."""
        store = open_shared(self.url, many=many)
        self.clock.ahead = store.time() - clock.exact()
        return store

    @asynccontextmanager
    async def service(
        self, store: SharedStore, *, leads: bool = False, threads: int = 1
    ) -> AsyncIterator[Service]:
        """Build the parts of the service over ``store``, on the common clock; close them after."""
        now, exact = self.clock.now, self.clock.exact
        async with opened(
            self.settings, store, now=now, exact=exact, leads=leads, threads=threads
        ) as service:
            yield service

    async def pause(self, seconds: float) -> None:
        """Wait, but not when told to stop."""
        await either(self.stop, seconds)


async def either(stop: asyncio.Event, seconds: float) -> None:
    """Wait for ``stop``, but no longer than ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
