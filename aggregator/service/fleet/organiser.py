"""Who files and publishes, so that nobody else does?

The desk remembers what it filed. It may act as long as it is connected, since the database then
keeps every other desk out; with a lost connection ends its term, and the next begins afresh.
"""

import asyncio

import structlog

from aggregator.model.errors import StoreError
from aggregator.service.fleet.crew import Crew, either
from aggregator.service.fleet.engine import DESK, TABLE, Engine, tables
from aggregator.service.keeper import Keeper
from aggregator.service.run import Service
from aggregator.storage import SharedStore

TRY_AGAIN = 1.0  # seconds

log = structlog.get_logger()


async def organise(crew: Crew) -> None:
    """File and publish whenever the database lets us, and wait for it while it does not."""
    while not crew.stop.is_set():
        try:
            await _wait_and_lead(crew)
        except StoreError as error:
            log.warning("failed", part="desk", reason=str(error))
        await crew.pause(TRY_AGAIN)


async def _wait_and_lead(crew: Crew) -> None:
    store = crew.store()
    session = store.lead("desk")
    while session is None and not crew.stop.is_set():
        await crew.pause(TRY_AGAIN)
        session = await asyncio.to_thread(store.lead, "desk")
    if session is None:
        store.close()
        return
    async with crew.service(store, leads=True) as service:
        await service.keeper.run(store.make_once, TABLE, tables())
        await service.window.furnish()
        await _Term(crew, service, store, session).run()


class _Term:
    """The time in which this process leads the desk, by one connection to the database."""

    def __init__(self, crew: Crew, service: Service, store: SharedStore, session: int) -> None:
        self._crew = crew
        self._service = service
        self._keeper: Keeper = service.keeper
        self._store = store
        self._session = session
        self._over = asyncio.Event()

    async def run(self) -> None:
        engine = Engine(self._crew.url, organise=self._organise, tidy=self._tidy)
        log.info("leads", what="desk")
        async with engine.open():
            if taken := await engine.take_over(DESK):
                log.info("took over", what="desk", jobs=taken)
            await engine.wake_desk()
            watching = asyncio.create_task(self._watch())
            await engine.work(DESK, at_once=1, stop=self._over)
            await watching

    async def _organise(self) -> None:
        if await self._leads():
            await self._service.bring_out(self._crew.stop)

    async def _tidy(self) -> None:
        if await self._leads():
            await self._service.keep_house()

    async def _leads(self) -> bool:
        """Tell whether nobody else can have led since; if somebody can, the term is over."""
        if await self._keeper.run(self._store.lead, "desk") != self._session:
            log.warning("leads no more", what="desk", because="the connection was lost")
            self._over.set()
        return not self._over.is_set()

    async def _watch(self) -> None:
        while not self._over.is_set() and not self._crew.stop.is_set():
            await either(self._crew.stop, TRY_AGAIN)
            self._service.tell_followers()
            try:
                await self._leads()
            except StoreError as error:
                log.warning("leads no more", what="desk", because=str(error))
                break
        self._over.set()
