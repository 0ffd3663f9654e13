"""How is a feed visited?

Ask, read, decide, store: the answer and everything it changes are written in one transaction,
validators and next due time together with the entries, or not at all.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from aggregator.items.identity import placed_by
from aggregator.items.intake import Intake
from aggregator.model.errors import OvertakenError
from aggregator.model.feeds import Feed, FeedState
from aggregator.model.visits import (
    Answer,
    Document,
    Fetched,
    Logged,
    ParsedFeed,
)
from aggregator.service.clock import Clock
from aggregator.service.keeper import Keeper
from aggregator.service.missing import leave_page, take_in_page
from aggregator.service.push.register import pushed
from aggregator.service.settling import outcome_of, remark, settle
from aggregator.service.workers import ParseWorkers
from aggregator.settings.waivers import waived
from aggregator.sources.aftermath import digest_of
from aggregator.sources.fetch import Ask, Exchange, Fetcher, ask_at, ask_for
from aggregator.sources.manners import Manners
from aggregator.sources.moves import twin_of
from aggregator.sources.politeness import ended, place_of
from aggregator.sources.room import Room, Seat
from aggregator.sources.schedule import Cadence, Due, outside, provisional_due
from aggregator.sources.splitting import Reading
from aggregator.text.sites import USUAL_ADDRESSES, AddressRules

_LARGE = 1_000_000  # bytes of a body, whose fingerprint takes 2 ms


class Visit(Struct, frozen=True, kw_only=True):
    """What one visit brought, for the log line and the progress bar.

    ``outcome`` is fetched, unchanged, not-modified, put-off, same-feed, gone, refused, unreadable,
    emptied, failed, overtaken (by another process) or not-begun; ``reason`` says why it brought
    nothing, ``remark`` what else ops should know, ``waived`` which guard ops let down for this
    feed. ``took`` is in seconds. ``missed`` counts new entries that a hub had not told.
    """

    feed: str
    outcome: str
    new: int
    revised: int
    state: FeedState
    took: float
    reason: str | None = None
    remark: str | None = None
    waived: str | None = None
    missed: int = 0


class Poller:
    """Visits feeds: the hands of the `poll` pipeline."""

    def __init__(
        self,
        *,
        keeper: Keeper,
        fetcher: Fetcher,
        workers: ParseWorkers,
        manners: Manners,
        cadence: Cadence,
        most: int,
        clock: Clock,
        addresses: AddressRules = USUAL_ADDRESSES,
    ) -> None:
        self._keeper = keeper
        self._fetcher = fetcher
        self._workers = workers
        self.manners = manners
        self._cadence = cadence
        self._most = most
        self._addresses = addresses
        self._room = Room()
        self._closing = False
        self._clock = clock

    def adopt(self, *, cadence: Cadence, most: int, addresses: AddressRules) -> None:
        """Visit by these rules from now on."""
        self._cadence = cadence
        self._most = most
        self._addresses = addresses

    def begin_no_more(self) -> None:
        """Let visits that have begun end, and begin no other: they come when they are due."""
        self._closing = True

    async def visit(self, feed: Feed, state: FeedState) -> Visit:
        """Visit ``feed`` once, whatever comes of it. Raises only when the store fails."""
        try:
            return await self._visit(feed, state)
        except OvertakenError:
            return _not_made(state, "overtaken")

    async def _visit(self, feed: Feed, state: FeedState) -> Visit:
        started = time.monotonic()
        if state.moved_to is not None and (twin := await self._keeper.run(self._twin, state)):
            return await self._leave_to(twin, state)
        ask, log = ask_for(feed, state), list[Exchange]()
        with self._room.seat() as seat:
            async with self.manners.place(ask.url) as turn:
                await seat.take()
                if self._closing:
                    return _not_made(state, "not-begun")
                if (put_off := turn.put_off or self._quiet_at_its_end(ask)) is not None:
                    return await self._put_off(state, put_off)
                begun = await self._begin(feed, state, ask)
                state = replace(state, turn=state.turn + 1)
                await self.manners.go(ask.url)
                answer = await self._ask(ask, log, seat)
            reading = await self._read(feed, state, answer)
            note = partial(ended, begun, log, answer)
            intake = await self._keeper.write(self._settle, feed, state, answer, reading, note)
        after = intake.state
        if not after.failures:
            after = await self._catch_up(feed, after)
        return Visit(
            feed=feed.id,
            outcome=outcome_of(answer, reading, after),
            new=len(intake.new) + after.recovered - state.recovered,
            revised=len(intake.revised),
            state=after,
            took=time.monotonic() - started,
            reason=after.last_error,
            remark=remark(state, after),
            waived=waived(feed.tls),
            missed=intake.state.missed - state.missed,
        )

    def _quiet_at_its_end(self, ask: Ask) -> datetime | None:
        """Return until when the host that its redirects led to last time wants its peace."""
        end = ask.validators.url if ask.validators else ask.url
        return None if end == ask.url else self.manners.quiet_until(end)

    async def _ask(self, ask: Ask, log: list[Exchange], seat: Seat) -> Answer:
        answer = await self._fetcher.fetch(ask, log, seat=seat)
        said = log[-1].url if log else ask.url  # by whom: it may have been redirected
        if self.manners.note(said, answer):  # stored at once: no crash makes us forget it
            note = self._keeper.store.hosts.note
            await self._keeper.run(note, *self.manners.history(said))
        return answer

    async def _catch_up(self, feed: Feed, state: FeedState) -> FeedState:
        """Read what was missed from older pages, as far as there are any.

        Where it breaks off, whether it was stopped or the host was, the next visit goes on.
        """
        store = self._keeper.store
        while (search := state.older) is not None:
            found = await self._page(feed, search.page)
            if found is None:
                return state
            answer, page = found
            if not isinstance(page, ParsedFeed):
                return await self._keeper.run(leave_page, store, feed.id, search, answer)
            take = partial(take_in_page, now=self._clock(), most=self._most)
            state = await self._keeper.run(take, store, feed.id, search, page)
        return state

    async def _page(self, feed: Feed, url: str) -> tuple[Answer, Document | None] | None:
        """Ask for an older page; None when it is not the time to."""
        with self._room.seat() as seat:
            async with self.manners.place(url) as turn:
                await seat.take()
                if self._closing or turn.put_off is not None:
                    return None
                await self.manners.go(url)
                answer = await self._ask(ask_at(feed, url), [], seat)
            if not isinstance(answer, Fetched):
                return answer, None
            page = await self._workers.parse(answer.body, answer.content_type, url)
            return answer, placed_by(self._addresses, page)

    def _twin(self, state: FeedState) -> str | None:
        if state.moved_to is None:
            return None
        return twin_of(state, self._keeper.store.feeds.asking(state.moved_to))

    async def _leave_to(self, twin: str, state: FeedState) -> Visit:
        """Leave the visit to another feed that asks the same address, and look again in a day."""
        at = self._clock().replace(microsecond=0) + self._cadence.ceiling
        after = await self._defer(state, Due(at=at, because="same-feed"))
        return replace(_not_made(after, "same-feed"), remark=f"it moved to the address of {twin}")

    async def _begin(self, feed: Feed, state: FeedState, ask: Ask) -> Logged:
        """Write down that we ask, before the request goes out."""
        begun = Logged(
            at=self._clock(),
            due=state.next_due,
            because=state.because,
            place=place_of(ask.url),
            conditional=ask.validators is not None,
        )
        due = provisional_due(feed, state, now=begun.at, cadence=self._cadence)
        await self._keeper.write(self._attempt, state, due, ask.url, begun)
        return begun

    def _attempt(self, state: FeedState, due: Due, url: str, begun: Logged) -> None:
        store, feed = self._keeper.store, state.feed
        with store.transaction():
            store.feeds.begin(
                feed, now=begun.at, next_due=due.at, because=due.because, turn=state.turn
            )
            store.hosts.note(*self.manners.history(url))
            store.visits.begin(feed, begun)

    async def _put_off(self, state: FeedState, until: datetime) -> Visit:
        # Rounded up: a moment too early, and the host would put us off again.
        whole = until.replace(microsecond=0) + timedelta(seconds=1)
        due = outside(Due(at=whole, because="host-quiet"), state.skips, state.feed)
        return _not_made(await self._defer(state, due), "put-off")

    async def _defer(self, state: FeedState, due: Due) -> FeedState:
        # A last attempt in the future, after the clock was set back, would make it due again.
        attempted = min(state.attempted_at, self._clock()) if state.attempted_at else None
        after = replace(
            state, next_due=due.at, because=due.because, usual_due=None, attempted_at=attempted
        )
        await self._keeper.run(self._keeper.store.feeds.save, after)
        return after

    async def _read(self, feed: Feed, state: FeedState, answer: Answer) -> Reading | None:
        if not isinstance(answer, Fetched):
            return None
        digest = await _digest_of(answer.body)
        if digest == state.digest:
            return None
        memory = await self._keeper.run(self._keeper.store.feeds.memory, feed.id)
        job = (answer.body, answer.content_type, feed.url, memory)
        reading = await self._workers.read(job)
        return replace(reading, document=placed_by(self._addresses, reading.document))

    def _settle(
        self,
        feed: Feed,
        state: FeedState,
        answer: Answer,
        reading: Reading | None,
        note: Callable[..., Logged],
    ) -> Intake:
        store, now = self._keeper.store, self._clock()
        with store.transaction():
            intake = settle(
                store,
                feed,
                state,
                answer,
                reading,
                pushed=pushed(store, feed.id, now) if state.links.hubs else None,
                now=now,
                cadence=self._cadence,
                most=self._most,
            )
            outcome = outcome_of(answer, reading, intake.state)
            store.visits.end(feed.id, note(outcome=outcome, new=len(intake.new)))
        return intake


async def _digest_of(body: bytes) -> str:
    """Return the fingerprint of ``body``; in a thread if it is large: 15 MB take 30 ms."""
    return await asyncio.to_thread(digest_of, body) if len(body) > _LARGE else digest_of(body)


def _not_made(state: FeedState, outcome: str) -> Visit:
    return Visit(feed=state.feed, outcome=outcome, new=0, revised=0, state=state, took=0.0)


async def visit_all(
    poller: Poller, feeds: Iterable[tuple[Feed, FeedState]], *, stop: asyncio.Event
) -> AsyncIterator[Visit]:
    """Visit ``feeds``, as many at once as manners allow; yield each visit as it ends.

    When ``stop`` is set, visits under way are given up; their feeds come again when due. A visit
    that raises ends no other: the first such error is raised when all have ended.
    """
    flying = {asyncio.create_task(poller.visit(feed, state)) for feed, state in feeds}
    raised: BaseException | None = None
    stopping = asyncio.create_task(stop.wait())
    # Each tells when it ends: to wait for any of all again and again takes the square of them.
    ended: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
    for task in (*flying, stopping):
        task.add_done_callback(ended.put_nowait)
    try:
        while flying and not stop.is_set():
            visit = await ended.get()
            if visit in flying:
                flying.remove(visit)
                if (error := visit.exception()) is None:
                    yield visit.result()
                raised = raised or error
        if raised is not None:
            raise raised
    finally:
        for task in (*flying, stopping):
            task.cancel()
        await asyncio.gather(*flying, stopping, return_exceptions=True)
