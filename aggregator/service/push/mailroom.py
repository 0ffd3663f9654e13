"""What is in a delivery? It is read like a document of its feed, and taken in as a part of it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime

import structlog
from msgspec import Struct
from msgspec.structs import replace

from aggregator.items.identity import placed_by
from aggregator.items.intake import Intake, Revision, take_in
from aggregator.model.errors import StoreError
from aggregator.model.feeds import Feed
from aggregator.model.push import Delivery
from aggregator.model.visits import Document, ParsedFeed, Unreadable
from aggregator.service.clock import Clock
from aggregator.service.keeper import Keeper
from aggregator.service.push.door import Door
from aggregator.service.recall import known_of
from aggregator.service.settling import arrivals_of
from aggregator.service.workers import ParseWorkers
from aggregator.sources.inflate import Inflater, Limits
from aggregator.sources.rhythm import learned
from aggregator.sources.troubles import FailedError, RefusedError
from aggregator.storage import Store
from aggregator.text.sites import USUAL_ADDRESSES, AddressRules

log = structlog.get_logger()


class Sorted(Struct, frozen=True, kw_only=True):
    """What one delivery brought: ``new`` and ``revised`` items, or the ``reason`` for none."""

    feed: str
    new: int = 0
    revised: int = 0
    reason: str | None = None


class Mailroom:
    """Reads deliveries, one at a time, in the order in which they came, feeds taking turns."""

    def __init__(
        self,
        *,
        keeper: Keeper,
        door: Door,
        workers: ParseWorkers,
        feeds: Iterable[Feed],
        limits: Limits,
        most: int,
        clock: Clock,
        addresses: AddressRules = USUAL_ADDRESSES,
    ) -> None:
        self._keeper = keeper
        self._workers = workers
        self._clock = clock
        self.adopt(feeds, limits=limits, most=most, addresses=addresses)
        self._mail = asyncio.Event()
        self._last = ""
        door.wake = self._mail.set

    def adopt(
        self, feeds: Iterable[Feed], *, limits: Limits, most: int, addresses: AddressRules
    ) -> None:
        """Read what comes for ``feeds``, by these rules, from now on."""
        self._feeds = {feed.id: feed for feed in feeds if feed.enabled}
        self._limits = limits
        self._most = most
        self._addresses = addresses

    def wake(self) -> None:
        """Look for deliveries, also those that were left by a fault or an earlier run."""
        self._mail.set()

    async def keep_sorting(self, stop: asyncio.Event, heard: Callable[[Sorted], None]) -> None:
        """Read what comes until ``stop``; ``heard`` is told of each delivery."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                sorting = asyncio.create_task(self._sort_all(heard))
                await asyncio.wait({sorting, stopping}, return_when=asyncio.FIRST_COMPLETED)
                # What is given up is still in the store, for the next start.
                sorting.cancel()
                await asyncio.gather(sorting, return_exceptions=True)
        finally:
            stopping.cancel()

    async def _sort_all(self, heard: Callable[[Sorted], None]) -> None:
        await self._mail.wait()
        self._mail.clear()
        try:
            while one := await self.sort_one():
                heard(one)
        except StoreError as error:  # it is still there; the next tick looks again
            _tell_fault(error)

    async def sort_one(self) -> Sorted | None:
        """Read the delivery that has waited longest, not twice of one feed while others wait.

        None when there is none.
        """
        found = await self._keeper.run(self._keeper.store.pushes.oldest, after=self._last)
        if found is None:
            return None
        self._last = found[1].feed
        return await self._sort(*found)

    async def sort_of(self, feed: str) -> Sorted | None:
        """Read the delivery of ``feed`` that has waited longest; None when there is none for us.

        What is of a feed that is not in our settings yet, though in those of others, is left there.
        """
        store = self._keeper.store
        if feed not in self._feeds and await self._keeper.run(store.feeds.is_configured, feed):
            return None
        found = await self._keeper.run(store.pushes.oldest_of, feed)
        return await self._sort(*found) if found else None

    async def _sort(self, number: int, brought: Delivery) -> Sorted:
        started = time.monotonic()
        feed = self._feeds.get(brought.feed)
        document = await self._read(brought, feed) if feed else None
        try:
            outcome = await self._keeper.run(self._take, number, brought, feed, document)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is in it, others wait behind it
            await self._keeper.run(self._keeper.store.pushes.settle, number)
            reason = f"it cannot be taken in: {type(error).__name__}; please report this"
            outcome = Sorted(feed=brought.feed, reason=reason)
        _tell(outcome, time.monotonic() - started)
        return outcome

    async def _read(self, brought: Delivery, feed: Feed) -> Document:
        try:
            body = await asyncio.to_thread(self._unfold, brought)
        except (RefusedError, FailedError) as error:
            return Unreadable(reason=str(error))
        document = await self._workers.parse(body, brought.content_type, feed.url)
        return placed_by(self._addresses, document)

    def _unfold(self, brought: Delivery) -> bytes:
        inflater = Inflater(brought.coding.encode("latin-1", "replace"), self._limits)
        inflater.feed(brought.body)
        return inflater.finish()

    def _take(
        self, number: int, brought: Delivery, feed: Feed | None, document: Document | None
    ) -> Sorted:
        store = self._keeper.store
        if feed is None or not isinstance(document, ParsedFeed):
            store.pushes.settle(number)
            reason = document.reason if isinstance(document, Unreadable) else "no longer configured"
            return Sorted(feed=brought.feed, reason=reason)
        with store.transaction():
            if not store.pushes.settle(number):  # another process read it meanwhile
                return Sorted(feed=brought.feed)
            intake = take_part(store, feed, document, now=self._clock(), most=self._most)
        return Sorted(feed=feed.id, new=len(intake.new), revised=len(intake.revised))


def take_part(
    store: Store, feed: Feed, document: ParsedFeed, *, now: datetime, most: int
) -> Intake:
    """Decide and store what a part of a feed's document brings. Returns what was written.

    WebSub section 7: a hub may leave out what it delivered before. So what is not there means
    nothing, and of what is remembered of the document at the feed's address nothing is touched:
    validators, due time, failures, gaps. But where it brought new words for an item, the next body
    from that address is read as a whole: else an entry that we have read in its old words would be
    left out of it, and the change not be put right when its publisher takes it back.
    """
    with store.transaction():
        state = store.feeds.state(feed.id)
        known = known_of(store, state, document.entries, partial=True)
        arrivals = arrivals_of(state, document.entries, known, 0)
        if not arrivals.first:
            rhythm = learned(state.rhythm, arrivals, last=state.succeeded_at, now=now)
            state = replace(state, rhythm=rhythm)
        intake = take_in(state, document.entries, known, now=now, most=most)
        state = replace(state, habits=intake.state.habits)
        revised = _newer(store, intake.revised)
        if revised:
            state = replace(state, digest=None)
            store.feeds.remember(feed.id, None)
        intake = replace(intake, state=state, revised=revised)
        store.items.apply(intake)
    return intake


def _newer(store: Store, revised: tuple[Revision, ...]) -> tuple[Revision, ...]:
    """Leave out words that are older than those we have: deliveries overtake each other."""
    held = store.items.by_id([revision.id for revision in revised])
    kept = []
    for revision in revised:
        stored = held[revision.id].item.entry.updated
        dated = revision.entry.updated
        if stored is None or dated is None or dated >= stored:
            kept.append(revision)
    return tuple(kept)


def _tell_fault(error: Exception) -> None:
    log.error("failed", part="push", reason=str(error), kind=type(error).__name__)


def _tell(one: Sorted, took: float) -> None:
    facts = {"feed": one.feed, "new": one.new, "revised": one.revised, "took": f"{took:.2f}s"}
    if one.reason:
        log.warning("pushed", **facts, reason=one.reason)
    else:
        log.info("pushed", **facts)
