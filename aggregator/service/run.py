"""What runs when?

APScheduler only ticks; the due list lives in the store. A tick starts visits, a visit that
brought something wakes the desk, and the desk files it and brings out new editions.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from msgspec.structs import asdict
from starlette.routing import Route

from aggregator.model.errors import StoreError
from aggregator.model.feeds import Feed, FeedState
from aggregator.outputs import addresses
from aggregator.service.again import free_at
from aggregator.service.building import Tools
from aggregator.service.clock import Clock
from aggregator.service.desk import Desk
from aggregator.service.gauges import Gauges
from aggregator.service.housekeeping import keep_house
from aggregator.service.hub.parts import Hub
from aggregator.service.keeper import Keeper
from aggregator.service.poll import Poller, Visit
from aggregator.service.press import HaltedError
from aggregator.service.push.mailroom import Sorted
from aggregator.service.push.parts import Push
from aggregator.service.rounds import Rounds, give_time
from aggregator.service.visitlog import tell
from aggregator.service.vitals import PARTS, STALE, Vitals
from aggregator.service.waiting import either
from aggregator.service.window import Window
from aggregator.settings import Settings
from aggregator.settings.waivers import waivers
from aggregator.storage import Store
from aggregator.web.app import Counter, build
from aggregator.web.callback import routes as callbacks
from aggregator.web.front import Front, readiness
from aggregator.web.hub import hub_routes
from aggregator.web.private import routes as privately
from aggregator.web.search import routes as searches
from aggregator.web.serve import serve

TICK = timedelta(seconds=5)  # shorter would build a long list of missed runs after a suspension
REFRESH = timedelta(minutes=1)  # ranks decay even when nothing comes in
HOUSEKEEPING = timedelta(hours=6)
GRACE = 6.0  # seconds for visits under way when told to stop; the whole stop takes under 10
TICK_JOB = "tick"
PAUSED = "paused"  # name of the note
PAUSES = 0.2, 1.0  # seconds between two editions, at least and at most: a burst makes few of them
REST = 5  # times what an edition took
FIRST_ROUND = 8.0  # seconds that an empty desk waits for all its feeds: it groups better at once

log = structlog.get_logger()


@dataclass(kw_only=True)
class Service:
    """The long-running service: poll, organise, publish, serve, until told to stop."""

    settings: Settings
    keeper: Keeper
    poller: Poller
    desk: Desk
    window: Window
    vitals: Vitals
    push: Push
    tools: Tools
    hub: Hub | None = None
    clock: Clock
    gauges: Gauges = field(default_factory=Gauges)
    ops: Sequence[Route] = ()  # what ops may ask for at the public address
    rounds: Rounds = field(init=False)
    front: Front = field(init=False)
    _work: asyncio.Event = field(default_factory=asyncio.Event)
    _young: bool = False
    _unwritten: bool = False  # the store refused the last visit

    def __post_init__(self) -> None:
        self.rounds = Rounds(
            self.settings.feeds,
            keeper=self.keeper,
            poller=self.poller,
            heard=self.heard,
            failed=self._not_stored,
        )
        self.count_by(self.gauges)
        self.front = Front(self.application())

    def count_by(self, gauges: Gauges) -> None:
        """Count what happens by ``gauges`` from now on."""
        self.gauges = gauges
        self.window.ledger.heard = gauges.delayed

    async def run(
        self, stop: asyncio.Event, *, host: str, port: int, ready: Callable[[str], None]
    ) -> None:
        """Run until ``stop`` is set; then finish what is under way and return.

        ``ready`` is called with the address once pages are served. Raises `AggregatorError` when
        the address cannot be bound.
        """
        await self.prepare()
        tasks: list[asyncio.Task[None]] = []

        def begin(url: str) -> None:  # once we listen; else nobody should be asked
            ready(url)
            scheduler = self._scheduler()
            scheduler.start()
            tasks.append(asyncio.create_task(self._keep_desk(stop)))
            tasks.append(asyncio.create_task(self.push.mailroom.keep_sorting(stop, self.brought)))
            tasks.append(asyncio.create_task(self._keep_ticking(scheduler, stop)))
            tasks.append(asyncio.create_task(self._drain(scheduler, stop)))

        await self._tell_start()
        try:
            proxies = self.settings.service.listen.proxies
            await serve(self.front, host, port, stop, ready=begin, proxies=proxies)
        finally:
            stop.set()
            self._work.set()
            self.push.mailroom.wake()
            await asyncio.gather(*tasks)

    def application(self) -> Counter:
        """Return what is served: the documents on the shelf, callbacks for hubs, our own hub."""
        site, service = self.settings.site, self.settings.service
        hub = hub_routes(self.hub.reception) if self.hub and self.hub.reception else []
        locks = addresses.keys(self.settings.outputs)
        max_age = int(service.publish.max_age.total_seconds())
        return build(
            self.window.shelf,
            health=self.vitals.health,
            site=site,
            max_age=max_age,
            story=self.window.story,
            archive=self.window.archived,
            more=[
                *callbacks(self.push.door, most=service.limits.body_bytes),
                *searches(self.window.search.answer, site, max_age=max_age),
                *privately(self.window.private, locks, max_age=max_age),
                *hub,
                readiness(self.is_ready),
                *self.ops,
            ],
        )

    def is_ready(self) -> bool:
        """Tell whether there is something to serve."""
        return len(self.window.shelf) > 0

    def take_hub(self, hub: Hub | None) -> None:
        """Tell through ``hub`` from now on; what another one has begun to tell is told."""
        before, self.hub = self.hub, hub
        if before is not None:
            before.courier.begin_no_more()
        self.window.shown = hub.courier.wake if hub is not None else _nobody
        self.front.app = self.application()

    def adopt(self, settings: Settings, desk: Desk) -> None:
        """Run by ``settings``, with ``desk``, from now on."""
        self.settings, self.desk = settings, desk
        self.vitals.feeds = len(settings.feeds)
        self.rounds.adopt(settings.feeds)
        self.front.app = self.application()
        self._work.set()

    async def pause(self, feed: str, *, on: bool) -> None:
        """Ask ``feed`` no more until it is resumed, also after a restart."""
        store = self.keeper.store

        def write() -> frozenset[str]:
            with store.transaction():
                store.take_turn()  # another process may pause another feed
                paused = paused_in(store)
                paused = paused | {feed} if on else paused - {feed}
                store.notes.put(PAUSED, json.dumps(sorted(paused)))
                return paused

        self.rounds.paused = await self.keeper.run(write)

    async def prepare(self) -> None:
        """Make the configured feeds the store's, and put what was served last on the shelf."""
        store = self.keeper.store
        await self.keeper.run(store.feeds.configure, self.settings.feeds, now=self.clock())
        self.rounds.paused = await self.keeper.run(paused_in, store)
        await self.window.furnish()
        await self.push.load()
        self._young = await self.keeper.run(store.items.count) == 0
        self.vitals.ticked()
        self._work.set()

    async def _tell_start(self) -> None:
        if self.desk.healed:
            log.info("unfolded", items=self.desk.healed, because="config/copies.yaml")
        states = await self.keeper.run(self.keeper.store.feeds.states)
        first = min((state.next_due for state in states), default=None)
        failing = sum(state.last_error is not None for state in states)
        log.info(
            "started",
            feeds=len(states),
            failing=failing,
            next=f"{first:%Y-%m-%d %H:%M:%S}Z" if first else "never",
            **self.keeper.store.about(),
        )
        for waiver in waivers(self.settings):
            log.warning("guard let down", what=waiver)
        for note in PARTS:
            log.warning("old part", what=note)

    def _scheduler(self) -> AsyncIOScheduler:
        scheduler = AsyncIOScheduler(
            timezone="UTC",
            # The default grace of one second would drop late runs for ever.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        now = self.clock()
        scheduler.add_job(
            self._tick, "interval", seconds=TICK.seconds, next_run_time=now, id=TICK_JOB
        )
        scheduler.add_job(self._refresh, "interval", seconds=REFRESH.seconds)
        scheduler.add_job(self.keep_house, "interval", seconds=HOUSEKEEPING.seconds)
        return scheduler

    async def _refresh(self) -> None:
        self._work.set()
        if self.vitals.fails("housekeeping"):
            await self.keep_house()

    async def _keep_ticking(self, scheduler: AsyncIOScheduler, stop: asyncio.Event) -> None:
        """Mend the ticking when the wall clock was set back: it would wait until it catches up."""
        while not stop.is_set():
            await either(stop, STALE.total_seconds())
            if not stop.is_set():
                self._mend_ticking(scheduler)

    def _mend_ticking(self, scheduler: AsyncIOScheduler) -> None:
        if self.vitals.is_late():
            log.warning("late", because="no tick for a while; was the clock set back?")
            scheduler.modify_job(TICK_JOB, next_run_time=self.clock())

    async def _tick(self) -> None:
        try:
            await self.rounds.start_due(self.clock)
        except Exception as error:  # noqa: BLE001 - a tick that fails must not be the last one
            self.vitals.note("tick", error)
            return
        self.vitals.mended("tick")
        self.vitals.ticked()
        if self._unwritten:
            await self._rehearse()
        await self._look_at_hubs()
        self.tell_followers()

    async def _look_at_hubs(self) -> None:
        try:
            await self.push.subscriber.tick()
        except Exception as error:  # noqa: BLE001 - polling goes on without hubs
            self.vitals.note("push", error)
            return
        self.vitals.mended("push")
        self.push.mailroom.wake()

    def tell_followers(self) -> None:
        """Look for what is to be said to those who follow us."""
        if self.hub is not None:
            self.hub.courier.wake()

    async def _rehearse(self) -> None:
        """Ask whether the store takes a visit again: the next real one may be an hour away."""
        try:
            await self.keeper.run(self.keeper.store.rehearse)
        except StoreError:
            return
        self._stored()

    def _stored(self) -> None:
        self._unwritten = False
        self.vitals.mended("visit")

    def _not_stored(self, feed: str, error: Exception) -> None:
        if not isinstance(error, StoreError):  # of this feed alone: the service is well
            self.vitals.tripped(feed, error)
            return
        self.vitals.note("visit", error, feed=feed)
        self._unwritten = True

    def heard(self, visit: Visit) -> None:
        """Tell ops of a visit, and wake the desk if it brought something."""
        self.vitals.heard(visit)
        self.gauges.heard(visit)
        self._stored()
        tell(log, visit)
        self.push.subscriber.heard(visit)
        if visit.new or visit.revised:
            self._work.set()

    def brought(self, delivery: Sorted) -> None:
        """Wake the desk if a delivery brought something."""
        if delivery.new or delivery.revised:
            self._work.set()

    async def _keep_desk(self, stop: asyncio.Event) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            began = asyncio.get_running_loop().time()
            try:
                await self._first_round()
                await self.bring_out(stop)
            except HaltedError:
                return
            except Exception as error:  # noqa: BLE001 - the last good editions are still served
                self.vitals.note("desk", error)
            if stop.is_set():
                return
            await either(stop, rest_after(asyncio.get_running_loop().time() - began))

    async def _first_round(self) -> None:
        flying = self.rounds.flying()
        if not self._young or not flying:
            return
        self._young = False
        await asyncio.wait(flying, timeout=FIRST_ROUND)

    async def due_now(self, *, again: bool = False) -> tuple[tuple[Feed, FeedState], ...]:
        """Return every feed that is due, the longest overdue first.

        With ``again`` also those that failed at their last visit, unless that was just now or
        the publisher said when to come back.
        """
        store, now = self.keeper.store, self.clock()
        due = list(await self.keeper.run(store.feeds.due, now, len(self.settings.feeds)))
        if again:
            known = {state.feed for state in due}
            free = await self.keeper.run(self._free_again)
            due += [s for s, at in free if s.feed not in known and at <= now]
        feeds = {feed.id: feed for feed in self.settings.feeds}
        return tuple((feeds[state.feed], state) for state in due if state.feed in feeds)

    async def held_back(self) -> tuple[datetime, ...]:
        """Return from when each feed may be asked that failed and may not be `again` now."""
        now = self.clock()
        return tuple(sorted(at for _, at in await self.keeper.run(self._free_again) if at > now))

    def _free_again(self) -> list[tuple[FeedState, datetime]]:
        store = self.keeper.store
        on = {feed.id for feed in self.settings.feeds if feed.enabled}
        visits = store.visits.all()
        found = []
        for state in store.feeds.states():
            at = free_at(state, visits[state.feed][-1] if visits.get(state.feed) else None)
            if at is not None and state.feed in on:
                found.append((state, at))
        return found

    async def bring_out(self, stop: asyncio.Event | None = None) -> None:
        """File what came in and bring out new editions; leave the rest for later on ``stop``."""
        while await self.keeper.run(self.desk.file_some, self.clock()):
            if stop is not None and stop.is_set():
                return
        for item, reason in self.desk.told_set_aside():
            log.error("set aside", item=item, reason=reason, hint="please report this")
        await self.window.dress()

    async def keep_house(self) -> None:
        """Let old items go, and the store keep its house."""
        try:
            pruned = await keep_house(self.keeper, self.settings, self.clock())
        except Exception as error:  # noqa: BLE001 - tried again at the next turn
            self.vitals.note("housekeeping", error)
            return
        self.vitals.mended("housekeeping")
        log.info("tidied", **asdict(pruned))

    async def _drain(self, scheduler: AsyncIOScheduler, stop: asyncio.Event) -> None:
        """On ``stop``: begin nothing more, let what has begun end, give up what takes too long."""
        await stop.wait()
        scheduler.shutdown(wait=False)
        self.poller.begin_no_more()
        self.desk.publisher.halted.set()
        flying = [*self.rounds.flying(), *self.push.subscriber.flying()]
        if self.hub is not None:
            self.hub.courier.begin_no_more()
            flying += self.hub.courier.flying()
        await give_time(flying, GRACE)


def paused_in(store: Store) -> frozenset[str]:
    """Return the feeds that ops paused."""
    return frozenset(json.loads(store.notes.get(PAUSED) or "[]"))


def rest_after(took: float) -> float:
    """Return how long to wait after an edition that ``took`` so long (seconds, both).

    A reader should have an item within a second of our storing it, and a burst of visits must not
    keep a small machine at making editions.
    """
    least, most = PAUSES
    return min(max(took * REST, least), most)


def _nobody() -> None:
    """Tell nobody that there is a new edition."""
