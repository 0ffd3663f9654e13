"""Who is to be visited, and what is to be done at its time?"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from aggregator.service.fleet.crew import Crew
from aggregator.service.fleet.engine import NOTHING, TABLE, Engine, tables
from aggregator.service.keeper import Keeper
from aggregator.service.run import HOUSEKEEPING, REFRESH, paused_in
from aggregator.storage import SharedStore
from aggregator.storage.shelves.feeds import beat_of

TICK = 1.0  # seconds between two looks at what is due
HUBS_AT_ONCE = 200  # feeds with something to be said to their hubs, of those looked at in one go
MAIL_AT_ONCE = 200  # feeds of which deliveries wait, of those that are given out in one go
HUBS = timedelta(seconds=5)  # between two looks at what is to be said to hubs
RESCUE = timedelta(seconds=5)

log = structlog.get_logger()


async def schedule(crew: Crew) -> None:
    """Give out jobs while the database lets us, and try for it while it does not; until the stop.

    Raises `StoreError` when the database cannot be used at the start.
    """
    store = await crew.store()
    keeper, engine = Keeper(store), Engine(crew.url)
    try:
        await keeper.run(store.make_once, TABLE, tables())
        async with engine.open():
            scheduler = _Scheduler(crew, keeper, store, engine)
            while not crew.stop.is_set():
                await scheduler.tick()
                await crew.pause(TICK)
    finally:
        await keeper.close()


class _Scheduler:
    def __init__(self, crew: Crew, keeper: Keeper, store: SharedStore, engine: Engine) -> None:
        self._crew = crew
        self._keeper = keeper
        self._store = store
        self._engine = engine
        self._session: int | None = None
        self._last: dict[str, datetime] = {}

    async def tick(self) -> None:
        try:
            session = await self._keeper.run(self._store.lead, "schedule")
            self._crew.pulse.beat()
            if session is None:
                self._session = None
                return
            if session != self._session:
                await self._take_over()
                self._session = session
            await self._give_out()
        except Exception as error:  # noqa: BLE001 - a tick that fails must not be the last one
            log.warning("failed", part="tick", reason=str(error), kind=type(error).__name__)

    async def _take_over(self) -> None:
        await self._crew.agree(self._keeper, self._store)
        if not await self._crew.look():  # in the middle of an edit
            log.warning("leads", what="schedule", feeds="as the store has them")
            return
        feeds, configure = self._crew.latest.settings.feeds, self._store.feeds.configure
        await self._keeper.run(configure, feeds, now=self._crew.clock.now())
        log.info("leads", what="schedule", feeds=len(feeds))

    async def _give_out(self) -> None:
        engine = self._engine
        beats, mail = await self._keeper.run(self._due)
        hubs = await self._keeper.run(self._hubs) if self._is_time("hubs", HUBS) else NOTHING
        await engine.send_to(beats, mail=mail, hubs=hubs)
        if self._is_time("rescue", RESCUE) and (rescued := await engine.rescue()):
            log.warning("rescued", jobs=rescued, because="who had them gives no sign of life")
        if self._is_time("refresh", REFRESH):
            await self._crew.agree(self._keeper, self._store)
            await engine.wake_desk()
        if self._is_time("tidy", HOUSEKEEPING):
            await engine.ask_to_tidy()

    def _due(self) -> tuple[tuple[int, ...], Mapping[str, int]]:
        """Return the beats to be visited, and the feeds of which hubs brought news."""
        store, now = self._store, self._crew.clock.now()
        return store.feeds.beats(now, but=paused_in(store)), store.pushes.mail(MAIL_AT_ONCE)

    def _hubs(self) -> Mapping[str, int]:
        """Return feeds about which something is to be said to a hub, with the hub's beat."""
        pushes, now = self._store.pushes, self._crew.clock.now()
        said = (*pushes.due(now, HUBS_AT_ONCE), *pushes.orphans(HUBS_AT_ONCE))
        return {one.feed: beat_of(one.hub) for one in said}

    def _is_time(self, what: str, every: timedelta) -> bool:
        now = self._crew.clock.exact()
        if what in self._last and abs(now - self._last[what]) < every:
            return False
        self._last[what] = now
        return True
