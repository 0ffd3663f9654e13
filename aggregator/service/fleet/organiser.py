"""Who files and publishes, so that nobody else does?

The desk remembers what it filed. It may act as long as it is connected, since the database then
keeps every other desk out; with a lost connection ends its term, and the next begins afresh.
"""

import asyncio
from contextlib import closing

import structlog

from aggregator.model.errors import StoreError
from aggregator.service.fleet.crew import Crew
from aggregator.service.fleet.engine import DESK, TABLE, Engine, tables
from aggregator.service.panel import ServicePanel
from aggregator.service.run import Service
from aggregator.service.waiting import beside
from aggregator.storage import SharedStore

TRY_AGAIN = 1.0  # seconds
WATCHED = 20_000  # feeds that alerts are looked for among: the look takes 5 s and 100 MB

log = structlog.get_logger()


async def organise(crew: Crew) -> None:
    """File and publish whenever the database lets us, and wait for it while it does not."""
    while not crew.stop.is_set():
        try:
            await _wait_and_lead(crew)
        except Exception as error:  # noqa: BLE001 - a term that fails must not be the last one
            log.warning("failed", part="desk", reason=str(error), kind=type(error).__name__)
        await crew.pause(TRY_AGAIN)


async def _wait_and_lead(crew: Crew) -> None:
    with closing(await crew.store()) as store:
        async with crew.looking():
            while await asyncio.to_thread(store.lead, "desk") is None:
                crew.pulse.beat()
                await crew.pause(TRY_AGAIN)
                if crew.stop.is_set():
                    return
        await crew.look()  # whoever led may have published by an edit of a moment ago
        async with crew.service(store, leads=True) as service:
            await service.keeper.run(store.make_once, TABLE, tables())
            await service.window.furnish()
            term = _Term(crew, service, store)
            watching = beside(_watch_feeds(crew, service))
            async with crew.following(service, term.edited.set), watching:
                await term.run()


async def _watch_feeds(crew: Crew, service: Service) -> None:
    """Find what ops are to be told of feeds, unless there are too many to look at all of them."""
    if len(service.settings.feeds) <= WATCHED:
        await ServicePanel(service).keep_watching(crew.stop)


class _Term:
    """The time in which this process leads the desk, by one connection to the database.

    When that is lost the store refuses everything, so that nothing is filed or published beside
    whoever leads next.
    """

    def __init__(self, crew: Crew, service: Service, store: SharedStore) -> None:
        self._crew = crew
        self._service = service
        self._store = store
        self._over = asyncio.Event()
        self.edited = asyncio.Event()

    async def run(self) -> None:
        engine = Engine(self._crew.url, organise=self._organise, tidy=self._service.keep_house)
        log.info("leads", what="desk")
        async with engine.open():
            if taken := await engine.take_over(DESK):
                log.info("took over", what="desk", jobs=taken)
            self.edited.set()
            watching = asyncio.create_task(self._watch(engine))
            await engine.work(DESK, at_once=1, stop=self._over)
            await watching

    async def _organise(self) -> None:
        await self._service.bring_out(self._over)

    async def _watch(self, engine: Engine) -> None:
        """Keep to the database's time until the stop, or until the store refuses to tell it."""
        try:
            while not self._crew.stop.is_set():
                if self.edited.is_set():
                    self.edited.clear()
                    await engine.wake_desk()
                await self._crew.pause(TRY_AGAIN)
                self._service.tell_followers()
                await self._crew.agree(self._service.keeper, self._store)
        except StoreError as error:
            log.warning("leads no more", what="desk", because=str(error))
        finally:
            self._over.set()
