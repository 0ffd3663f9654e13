"""What does every process of a fleet need, whatever its role?"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.model.errors import SettingsError
from aggregator.service import clock
from aggregator.service.edits import LOOK, Edits, Source
from aggregator.service.fleet.health import Pulse
from aggregator.service.house import opened
from aggregator.service.keeper import Keeper
from aggregator.service.run import Service, paused_in
from aggregator.service.waiting import beside, either
from aggregator.settings import Settings
from aggregator.storage import SharedStore, open_shared

log = structlog.get_logger()

# It goes on while a machine sleeps, where there is such a clock, and is set by nobody.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(slots=True)
class Agreed:
    """The database's clock, so that machines agree on what is due whatever theirs say.

    Also between two agreements: it goes on by seconds passed, not by a clock that may be set.
    """

    _asked: tuple[datetime, float] | None = None  # what time it was, and when by the steady clock

    def exact(self) -> datetime:
        """Return the present to the microsecond."""
        return self.at(time.clock_gettime(_STEADY))

    def at(self, moment: float) -> datetime:
        """Return what time it is at a moment of the steady clock."""
        if self._asked is None:
            return clock.exact()
        said, then = self._asked
        return said + timedelta(seconds=moment - then)

    def now(self) -> datetime:
        """Return the present in whole seconds."""
        return self.exact().replace(microsecond=0)

    def ask(self, store: SharedStore) -> None:
        """Ask the database for the time."""
        before = time.clock_gettime(_STEADY)
        told = store.time()
        self.take(before, told, time.clock_gettime(_STEADY))

    def take(self, before: float, told: datetime, after: float) -> None:
        """Agree with ``told``, which the database said between two moments of the steady clock.

        It is as exact as the question was short, and moves us no further than it must: pauses
        between requests are measured by this clock, and an answer that came late is no new time.
        """
        latest = told + timedelta(seconds=after - before)
        present = told if self._asked is None else self.at(after)
        self._asked = min(max(present, told), latest), after


@dataclass(slots=True)
class Latest:
    """The settings that could be used last, of whoever does not follow edits yet.

    ``source.first`` marks the files that they were read from.
    """

    settings: Settings
    source: Source
    _refused: str = ""  # marks files that cannot be used

    def look(self) -> bool:
        """Read the files if they are others by now; False when they cannot be used as they are.

        Who follows edits tells of their mistakes.
        """
        mark = self.source.mark()
        if mark in {self.source.first, self._refused}:
            return mark != self._refused
        try:
            self.settings, self._refused = self.source.read(), ""
        except SettingsError:
            self._refused = mark
            return False
        self.source = replace(self.source, first=mark)
        log.info("settings read", feeds=len(self.settings.feeds))
        return True

    def keep(self, settings: Settings) -> None:
        """Go on from ``settings``, by which a service ran; the next look reads the files anew."""
        self.settings, self._refused = settings, ""
        self.source = replace(self.source, first="")


class Crew(Struct, frozen=True, kw_only=True):
    """What the roles of one process share: the database at ``url``, and when to ``stop``."""

    latest: Latest
    url: str
    stop: asyncio.Event
    clock: Agreed = field(default_factory=Agreed)
    pulse: Pulse = field(default_factory=Pulse)

    async def store(self, *, many: bool = False) -> SharedStore:
        """Connect to the store, with ``many`` connections; `StoreError` if that cannot be done."""
        return await asyncio.to_thread(self._connected, many=many)

    def _connected(self, *, many: bool) -> SharedStore:
        store = open_shared(self.url, many=many)
        self.clock.ask(store)
        return store

    @asynccontextmanager
    async def service(
        self, store: SharedStore, *, leads: bool = False, threads: int = 1
    ) -> AsyncIterator[Service]:
        """Build the parts of the service over ``store``, on the common clock; close them after."""
        now, exact = self.clock.now, self.clock.exact
        async with opened(
            self.latest.settings, store, now=now, exact=exact, leads=leads, threads=threads
        ) as service:
            service.count_by(self.pulse.gauges)
            yield service

    async def agree(self, keeper: Keeper, store: SharedStore) -> None:
        """Ask the database for the time, on the store's thread; `StoreError` if it is away."""
        await keeper.run(self.clock.ask, store)
        self.pulse.beat()

    async def agree_on_all(self, service: Service, store: SharedStore) -> None:
        """Agree on what time it is, and on which feeds ops paused."""
        await self.agree(service.keeper, store)
        service.rounds.paused = await service.keeper.run(paused_in, store)

    @asynccontextmanager
    async def following(
        self, service: Service, then: Callable[[], None] = lambda: None
    ) -> AsyncIterator[None]:
        """Let ``service`` follow the settings inside; ``then`` is called after each edit.

        Each role does so by itself. What the store has to know of feeds is written by the first.
        """
        edits = Edits(service, self.latest.source, then=then)
        async with beside(edits.keep_following(self.stop)):
            yield
        self.latest.keep(service.settings)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Know of edits inside, though nothing runs by them yet."""

        async def look() -> None:
            while not self.stop.is_set():
                await self.look()
                await self.pause(LOOK)

        async with beside(look()):
            yield

    async def look(self) -> bool:
        """Read the settings if they are others by now; False when they cannot be used."""
        return await asyncio.to_thread(self.latest.look)

    async def pause(self, seconds: float) -> None:
        """Wait, but not when told to stop."""
        await either(self.stop, seconds)
