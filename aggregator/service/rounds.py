"""Which visits are under way?"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from aggregator.model.feeds import Feed, FeedState
from aggregator.service.clock import Clock
from aggregator.service.keeper import Keeper
from aggregator.service.poll import Poller, Visit
from aggregator.text.urls import registrable_domain

DUE_AT_ONCE = 2_000  # visits that may wait for their turn, and feeds looked at in one go
WAITING_AT_A_HOST = 4  # visits that may wait for their turn at one host


class Rounds:
    """Starts visits of ``feeds`` when they are due, and knows which have not ended.

    ``heard`` is told of each visit, ``failed`` of a feed whose visit the store would not take.
    """

    def __init__(
        self,
        feeds: Iterable[Feed],
        *,
        keeper: Keeper,
        poller: Poller,
        heard: Callable[[Visit], None],
        failed: Callable[[str, Exception], None],
    ) -> None:
        self.at_once = DUE_AT_ONCE
        self._keeper = keeper
        self._poller = poller
        self._heard = heard
        self._failed = failed
        self._flying: dict[str, asyncio.Task[None]] = {}
        self._held: frozenset[str] = frozenset()
        self.paused: frozenset[str] = frozenset()  # by ops
        self.adopt(feeds)

    def adopt(self, feeds: Iterable[Feed]) -> None:
        """Visit ``feeds`` from now on, and let those go that were held."""
        self._feeds = {feed.id: feed for feed in feeds if feed.enabled}
        self.release()

    def release(self) -> None:
        """Let the feeds go that were held."""
        self._held = frozenset()

    def flying(self) -> tuple[asyncio.Task[None], ...]:
        """Return what is under way."""
        return tuple(self._flying.values())

    async def start_due(self, clock: Clock) -> None:
        """Start as many visits as may wait; look further where one host has most of what is due."""
        shelf, seen = self._keeper.store.feeds, 0

        def read(skip: int) -> Sequence[FeedState]:
            # The time is asked for when the store is: what was visited while we waited for it
            # would else have been visited in the future, as if the clock had been set back.
            return shelf.due(clock(), self.at_once, skip)

        while True:
            due = await self._keeper.run(read, seen)
            self._start(due)
            seen += len(due)
            if len(due) < self.at_once or len(self._flying) >= self.at_once:
                return

    async def hold(self, names: Collection[str], seconds: float) -> None:
        """Begin no visit of the feeds ``names``, and wait until those under way have ended.

        What takes longer than ``seconds`` is given up.
        """
        self._held = frozenset(names)
        await give_time([self._flying[name] for name in names if name in self._flying], seconds)

    def _start(self, due: Sequence[FeedState]) -> None:
        waiting = Counter(map(self._domain, self._flying))
        for state in due:
            feed = self._feeds.get(state.feed)
            if feed is None or feed.id in self._flying:
                continue
            if feed.id in self._held or feed.id in self.paused:
                continue
            if state.url != feed.url:
                continue  # it was edited while we looked: it is due as it is at the next tick
            domain = registrable_domain(feed.url)
            if waiting[domain] >= WAITING_AT_A_HOST:
                continue  # the places are for others; this one is still due at the next tick
            waiting[domain] += 1
            self._flying[feed.id] = asyncio.create_task(self._visit(feed, state))

    def _domain(self, name: str) -> str:
        feed = self._feeds.get(name)
        return registrable_domain(feed.url) if feed else ""

    async def _visit(self, feed: Feed, state: FeedState) -> None:
        try:
            self._heard(await self._poller.visit(feed, state))
        except Exception as error:  # noqa: BLE001 - one feed never harms another
            self._failed(feed.id, error)
        finally:
            self._flying.pop(feed.id, None)


async def give_time(tasks: Collection[asyncio.Task[None]], seconds: float) -> None:
    """Wait until ``tasks`` have ended; give up those that take longer than ``seconds``."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
