"""What runs when?

APScheduler only ticks; the due list lives in the store. A tick starts visits, a visit that
brought something wakes the desk, and the desk files it and brings out new editions.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from aggregator import __version__
from aggregator.model.editions import Rendered
from aggregator.model.feeds import Feed, FeedState
from aggregator.service.clock import Clock
from aggregator.service.desk import Desk
from aggregator.service.keeper import Keeper
from aggregator.service.poll import Poller, Visit
from aggregator.service.publish import Published
from aggregator.service.visitlog import tell
from aggregator.settings import Settings
from aggregator.web.app import Health, build
from aggregator.web.serve import serve
from aggregator.web.served import MemoryShelf, Served

TICK = timedelta(seconds=5)  # shorter would build a long list of missed runs after a suspension
REFRESH = timedelta(minutes=1)  # ranks decay even when nothing comes in
HOUSEKEEPING = timedelta(hours=6)
STALE = 3 * TICK  # no tick for this long: the service is not well
GRACE = 7.0  # seconds for visits under way when told to stop; the whole stop takes under 10
PAUSE = 1.0  # seconds between two editions, so that a burst of visits makes one of them
PRUNED_AT_ONCE = 500
FIRST_ROUND = 8.0  # seconds that an empty desk waits for all its feeds: it groups better at once

log = structlog.get_logger()


@dataclass(kw_only=True)
class Service:
    """The long-running service: poll, organise, publish, serve, until told to stop."""

    settings: Settings
    keeper: Keeper
    poller: Poller
    desk: Desk
    clock: Clock
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    _flying: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _work: asyncio.Event = field(default_factory=asyncio.Event)
    _ticked: float = 0.0
    _fault: str | None = None
    _young: bool = False

    async def run(
        self, stop: asyncio.Event, *, host: str, port: int, ready: Callable[[str], None]
    ) -> None:
        """Run until ``stop`` is set; then finish what is under way and return.

        ``ready`` is called with the address once pages are served. Raises `AggregatorError` when
        the address cannot be bound.
        """
        await self.prepare()
        app = build(
            self.shelf,
            health=self.health,
            site=self.settings.site,
            max_age=int(self.settings.service.publish.max_age.total_seconds()),
        )
        scheduler = self._scheduler()
        scheduler.start()
        desk = asyncio.create_task(self._keep_desk(stop))
        try:
            await serve(app, host, port, stop, ready=ready)
        finally:
            stop.set()
            scheduler.shutdown(wait=False)
            await self._drain()
            self._work.set()
            await desk

    async def prepare(self) -> None:
        """Make the configured feeds the store's, and put what was served last on the shelf."""
        store = self.keeper.store
        await self.keeper.run(store.feeds.configure, self.settings.feeds, now=self.clock())
        self._stack(await self.keeper.run(lambda: _ready(store.outputs.all())))
        self._young = await self.keeper.run(store.items.count) == 0
        self._ticked = asyncio.get_running_loop().time()
        self._work.set()

    def _scheduler(self) -> AsyncIOScheduler:
        scheduler = AsyncIOScheduler(
            timezone="UTC",
            # The default grace of one second would drop late runs for ever.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        now = self.clock()
        scheduler.add_job(self._tick, "interval", seconds=TICK.seconds, next_run_time=now)
        scheduler.add_job(self._work.set, "interval", seconds=REFRESH.seconds)
        scheduler.add_job(self._keep_house, "interval", seconds=HOUSEKEEPING.seconds)
        return scheduler

    async def _tick(self) -> None:
        room = self.settings.service.politeness.concurrency * 2 - len(self._flying)
        try:
            limit = len(self._flying) + max(room, 0)
            due = await self.keeper.run(self.keeper.store.feeds.due, self.clock(), limit)
        except Exception as error:  # noqa: BLE001 - a tick that fails must not be the last one
            self._note(error)
            return
        self._ticked = asyncio.get_running_loop().time()
        feeds = {feed.id: feed for feed in self.settings.feeds}
        for state in due:
            if state.feed not in self._flying and state.feed in feeds:
                task = asyncio.create_task(self._visit(feeds[state.feed], state))
                self._flying[state.feed] = task

    async def _visit(self, feed: Feed, state: FeedState) -> None:
        try:
            visit = await self.poller.visit(feed, state)
            self.heard(visit)
        except Exception as error:  # noqa: BLE001 - one feed never harms another
            self._note(error, feed=feed.id)
        finally:
            self._flying.pop(feed.id, None)

    def heard(self, visit: Visit) -> None:
        """Tell ops of a visit, and wake the desk if it brought something."""
        tell(log, visit)
        if visit.new or visit.revised:
            self._work.set()

    async def _keep_desk(self, stop: asyncio.Event) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._first_round()
                await self.bring_out()
            except Exception as error:  # noqa: BLE001 - the last good editions are still served
                self._note(error)
            if stop.is_set():
                return
            await _either(stop, PAUSE)

    async def _first_round(self) -> None:
        if not self._young or not self._flying:
            return
        self._young = False
        await asyncio.wait(list(self._flying.values()), timeout=FIRST_ROUND)

    async def due_now(self) -> tuple[tuple[Feed, FeedState], ...]:
        """Return every feed that is due, the longest overdue first."""
        store = self.keeper.store
        due = await self.keeper.run(store.feeds.due, self.clock(), len(self.settings.feeds))
        feeds = {feed.id: feed for feed in self.settings.feeds}
        return tuple((feeds[state.feed], state) for state in due if state.feed in feeds)

    async def bring_out(self) -> None:
        """File what came in and bring out new editions."""
        while await self.keeper.run(self.desk.file_some, self.clock()):
            pass  # in batches, so that visits get their turn at the store in between
        published, served = await self.keeper.run(self._edit)
        self._stack(served)
        for path in published.dropped:
            self.shelf.drop(path)
        self._report(published)
        self._fault = None

    def _edit(self) -> tuple[Published, dict[str, Served]]:
        published = self.desk.bring_out(self.clock())
        return published, _ready(published.documents)

    def _stack(self, served: dict[str, Served]) -> None:
        for path, ready in served.items():
            self.shelf.put(path, ready)

    def _report(self, published: Published) -> None:
        for path, reason in published.refused:
            log.warning("kept", path=path, because=reason)
        if published.editions:
            names = [edition.spec.name for edition in published.editions]
            log.info("published", outputs=len(names), names=" ".join(names))

    async def _keep_house(self) -> None:
        store, before = self.keeper.store, self.clock() - self.settings.service.retention.items
        try:
            pruned = 0
            while some := await self.keeper.run(store.items.prune, before, PRUNED_AT_ONCE):
                pruned += some
            await self.keeper.run(store.tidy)
            log.info("tidied", pruned=pruned)
        except Exception as error:  # noqa: BLE001 - tried again at the next turn
            self._note(error)

    async def _drain(self) -> None:
        flying = list(self._flying.values())
        if not flying:
            return
        _, late = await asyncio.wait(flying, timeout=GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _note(self, error: Exception, **where: str) -> None:
        self._fault = str(error)
        log.error("failed", reason=str(error), kind=type(error).__name__, **where)

    def health(self) -> Health:
        """Tell whether ticks come and the store works."""
        because = [self._fault] if self._fault else []
        if asyncio.get_running_loop().time() - self._ticked > STALE.total_seconds():
            because.append("the scheduler has not ticked for a while; feeds are not polled")
        return Health(ok=not because, version=__version__, because=tuple(because))


def _ready(documents: Iterable[Rendered]) -> dict[str, Served]:
    """Compress ``documents``, off the event loop."""
    return {rendered.path: Served.of(rendered) for rendered in documents}


async def _either(stop: asyncio.Event, seconds: float) -> None:
    """Wait for ``stop``, but no longer than ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
