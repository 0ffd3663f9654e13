"""How does a process visit feeds among others that do?"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import structlog
from msgspec.structs import replace

from aggregator.model.errors import StoreError
from aggregator.model.feeds import Feed, FeedState
from aggregator.service.building import cadence
from aggregator.service.fleet.crew import Crew
from aggregator.service.fleet.engine import TABLE, VISITS, Doing, Engine, tables
from aggregator.service.fleet.health import BETWEEN
from aggregator.service.poll import Visit
from aggregator.service.run import Service
from aggregator.service.visitlog import tell
from aggregator.sources.manners import HostHistory
from aggregator.sources.websub.quota import MOST_WAITING
from aggregator.storage import SharedStore
from aggregator.storage.shelves.feeds import beat_of

BATCH = 50  # feeds of one beat that are visited in one job
AT_A_HOST = 4  # of them, so that a slow host does not hold up the others on its beat for long
LOOKED_AT = 200  # feeds of the beat that are due, to choose them from
CONNECTIONS = 4  # a visit waits a dozen times for the database; what waits together costs one wait
# From the beginning of a visit until another poller makes it again, if it never ended: longer than
# it takes to know that the first one is dead, and the answer is there within a minute.
AGAIN = timedelta(seconds=45)
JOBS_AT_ONCE = 64  # beats that a poller is on at a time

_Due = TypeVar("_Due")

log = structlog.get_logger()


async def poll(crew: Crew) -> None:
    """Visit the beats that jobs name, until the stop.

    Raises `StoreError` when the database cannot be used at the start.
    """
    store = await crew.store(many=True)
    async with crew.service(store, threads=CONNECTIONS) as service:
        await service.keeper.run(store.make_once, TABLE, tables())
        rounds = _Rounds(crew, service, store)
        rounds.adopt()
        await crew.agree_on_all(service, store)
        engine = Engine(
            crew.url,
            visit=lambda beat: rounds.visit(beat, engine),
            hub=rounds.call,
            mail=lambda feed: rounds.read(feed, engine.wake_desk),
        )
        log.info("polls", feeds=len(crew.latest.settings.feeds))
        async with engine.open(), crew.following(service, rounds.adopt):
            agreeing = asyncio.create_task(_keep_agreeing(crew, service, store))
            await engine.work(VISITS, at_once=JOBS_AT_ONCE, stop=crew.stop)
            await agreeing


class _Rounds:
    def __init__(self, crew: Crew, service: Service, store: SharedStore) -> None:
        self._crew = crew
        self._service = service
        self._store = store
        self._feeds: Mapping[str, Feed] = {}

    def adopt(self) -> None:
        """Visit as the settings ask from now on, and again soon what was cut off.

        Here another poller is at hand, and knows which visits never end: nobody is on a beat but
        who has its job.
        """
        settings = self._service.settings
        self._feeds = {feed.id: feed for feed in settings.feeds}
        self._service.poller.adopt(
            cadence=replace(cadence(settings), again=AGAIN),
            most=settings.service.limits.new_items,
            addresses=settings.addresses,
        )

    async def visit(self, beat: int, engine: Engine) -> None:
        """Visit what is due on a beat now; tell ``engine`` what each visit makes others do.

        What is due is read here, not where the job was given out: one that runs twice, or late,
        finds what was visited meanwhile not due any more. What is left out is due still, and has
        the next job.
        """
        run, manners = self._service.keeper.run, self._service.poller.manners
        now, paused = self._crew.clock.now(), self._service.rounds.paused
        due = await run(self._store.feeds.due, now, LOOKED_AT, beat=beat, but=paused)
        ours = [(feed, state) for state in due if (feed := self._wanted(state)) is not None]
        chosen = share(ours, lambda visit: manners.history(_address(*visit))[0])
        async with self._knowing({_address(feed, state) for feed, state in chosen}):
            await asyncio.gather(*(self._one(feed, state, engine) for feed, state in chosen))

    async def call(self, feed: str) -> None:
        """Do what is to be done about the hubs of ``feed``, which is read here and now as well."""
        subscriber = self._service.push.subscriber
        if hubs := await subscriber.hubs(feed):
            async with self._knowing(hubs):
                await subscriber.look(feed)

    async def read(self, feed: str, brought: Doing) -> None:
        """Read what hubs brought of ``feed``; call ``brought`` if there was anything in it.

        As much as may wait, though more came meanwhile: others on the beat have their turn.
        """
        for _ in range(MOST_WAITING):
            one = await self._service.push.mailroom.sort_of(feed)
            if one is None:
                return
            if one.new or one.revised:
                await brought()

    @asynccontextmanager
    async def _knowing(self, urls: Collection[str]) -> AsyncIterator[None]:
        """Know when the hosts of ``urls`` were asked before, inside; and let others know after."""
        run, manners = self._service.keeper.run, self._service.poller.manners
        hosts = [manners.history(url)[0] for url in urls]
        manners.recall(await run(self._store.hosts.of, hosts))  # another may have been there
        try:
            yield
        finally:
            await run(_remember, self._store, [manners.history(url) for url in urls])

    def _wanted(self, state: FeedState) -> Feed | None:
        """Return the feed to visit; None if an edit is not known to all yet."""
        feed = self._feeds.get(state.feed)
        return feed if feed is not None and state.url == feed.url else None

    async def _one(self, feed: Feed, state: FeedState, engine: Engine) -> None:
        try:
            visit = await self._service.poller.visit(feed, state)
            tell(log, visit)
            self._service.gauges.heard(visit)
            if visit.new or visit.revised:
                await engine.wake_desk()
            await self._heard(visit, engine)
        except Exception as error:  # noqa: BLE001 - one feed never harms another
            log.warning("failed", part="visit", feed=feed.id, reason=str(error))

    async def _heard(self, visit: Visit, engine: Engine) -> None:
        """Let what a visit says of hubs be acted on, as the single process does."""
        subscriber = self._service.push.subscriber
        if visit.missed:
            await subscriber.miss(visit.feed)
        if visit.state.links.hubs and (hubs := await subscriber.hubs(visit.feed)):
            await engine.send_to((), hubs={visit.feed: beat_of(hubs[0])})


def share(due: Iterable[_Due], host: Callable[[_Due], str]) -> list[_Due]:
    """Choose `BATCH` of what is ``due``, in order, but only `AT_A_HOST` at the same ``host``."""
    at: Counter[str] = Counter()
    chosen = []
    for visit in due:
        at[name := host(visit)] += 1
        if at[name] <= AT_A_HOST:
            chosen.append(visit)
    return chosen[:BATCH]


def _address(feed: Feed, state: FeedState) -> str:
    return state.moved_to or feed.url


def _remember(store: SharedStore, histories: Iterable[tuple[str, HostHistory]]) -> None:
    """Write down when hosts were really asked, for who is on this beat next."""
    with store.transaction():
        for host, history in histories:
            store.hosts.note(host, history)


async def _keep_agreeing(crew: Crew, service: Service, store: SharedStore) -> None:
    while not crew.stop.is_set():
        await crew.pause(BETWEEN)
        try:
            await crew.agree_on_all(service, store)
        except StoreError as error:
            log.warning("failed", part="clock", reason=str(error))
    service.poller.begin_no_more()
