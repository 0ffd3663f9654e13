"""How does a process visit feeds among others that do?"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import structlog

from aggregator.model.errors import StoreError
from aggregator.model.feeds import Feed, FeedState
from aggregator.service.building import cadence
from aggregator.service.fleet.crew import Crew
from aggregator.service.fleet.engine import TABLE, VISITS, Engine, tables
from aggregator.service.run import REFRESH, Service
from aggregator.service.visitlog import tell
from aggregator.settings import Settings
from aggregator.sources.manners import HostHistory
from aggregator.storage import SharedStore

BATCH = 50  # feeds of one beat that are visited in one job
CONNECTIONS = 4  # a visit waits a dozen times for the database; what waits together costs one wait
# From the beginning of a visit until another poller makes it again, if it never ended: longer than
# it takes to know that the first one is dead, and the answer is there within a minute.
AGAIN = timedelta(seconds=45)
JOBS_AT_ONCE = 64  # beats that a poller is on at a time

log = structlog.get_logger()


async def poll(crew: Crew) -> None:
    """Visit the beats that jobs name, until the stop.

    Raises `StoreError` when the database cannot be used at the start.
    """
    store = crew.store(many=True)
    async with crew.service(store, threads=CONNECTIONS) as service:
        await service.keeper.run(store.make_once, TABLE, tables())
        _repeat_what_is_cut_off(service, crew.settings)
        rounds = _Rounds(crew, service, store)
        engine = Engine(crew.url, visit=lambda beat: _visit(rounds, engine, beat))
        log.info("polls", feeds=len(crew.settings.feeds))
        async with engine.open():
            agreeing = asyncio.create_task(_keep_agreeing(crew, service, store))
            await engine.work(VISITS, at_once=JOBS_AT_ONCE, stop=crew.stop)
            await agreeing


def _repeat_what_is_cut_off(service: Service, settings: Settings) -> None:
    """Let visits that never end be made again soon.

    Here another poller is at hand, and knows which those are: nobody is on a beat but who has its
    job.
    """
    service.poller.adopt(
        cadence=replace(cadence(settings), again=AGAIN),
        most=settings.service.limits.new_items,
        addresses=settings.addresses,
    )


async def _visit(rounds: "_Rounds", engine: Engine, beat: int) -> None:
    if await rounds.visit(beat):
        await engine.wake_desk()


class _Rounds:
    def __init__(self, crew: Crew, service: Service, store: SharedStore) -> None:
        self._crew = crew
        self._service = service
        self._store = store
        self._feeds: Mapping[str, Feed] = {feed.id: feed for feed in crew.settings.feeds}

    async def visit(self, beat: int) -> bool:
        """Visit what is due on a beat now; tell whether that brought anything.

        What is due is read here, not where the job was given out: one that runs twice, or late,
        finds what was visited meanwhile not due any more.
        """
        run, manners = self._service.keeper.run, self._service.poller.manners
        due = await run(self._store.feeds.due, self._crew.clock.now(), BATCH, beat=beat)
        ours = [(self._feeds[state.feed], state) for state in due if state.feed in self._feeds]
        urls = {state.moved_to or feed.url for feed, state in ours}
        hosts = [manners.history(url)[0] for url in urls]
        manners.recall(await run(self._store.hosts.of, hosts))  # another may have been there
        try:
            return any(await asyncio.gather(*(self._one(feed, state) for feed, state in ours)))
        finally:
            await run(_remember, self._store, [manners.history(url) for url in urls])

    async def _one(self, feed: Feed, state: FeedState) -> bool:
        try:
            visit = await self._service.poller.visit(feed, state)
        except Exception as error:  # noqa: BLE001 - one feed never harms another
            log.warning("failed", part="visit", feed=feed.id, reason=str(error))
            return False
        tell(log, visit)
        return bool(visit.new or visit.revised)


def _remember(store: SharedStore, histories: Iterable[tuple[str, HostHistory]]) -> None:
    """Write down when hosts were really asked, for who is on this beat next."""
    with store.transaction():
        for host, history in histories:
            store.hosts.note(host, history)


async def _keep_agreeing(crew: Crew, service: Service, store: SharedStore) -> None:
    while not crew.stop.is_set():
        await crew.pause(REFRESH.total_seconds())
        try:
            await crew.clock.agree(service.keeper, store)
        except StoreError as error:
            log.warning("failed", part="clock", reason=str(error))
    service.poller.begin_no_more()
