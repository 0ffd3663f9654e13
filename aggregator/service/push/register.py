"""What was agreed with hubs, in memory as in the store?

Anybody can call at a callback: whether an address was ever given out must not cost a query.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from aggregator.model.push import Delivery, Pushed, Standing, Subscription
from aggregator.service.keeper import Keeper
from aggregator.sources.websub.trust import is_proven

Change = Callable[[Subscription], Subscription | None]
"""Returns a subscription as it is to be, None to leave it as it is."""


class Register:
    """All subscriptions. Written in the store first, one change at a time."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._by_token: dict[str, Subscription] = {}
        # Replaced as a whole, never changed: the store's thread looks at it, too.
        self._by_feed: dict[str, tuple[Subscription, ...]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def load(self) -> None:
        """Read what the store holds."""
        for one in await self._keeper.run(self._keeper.store.pushes.all):
            self._keep(one)

    def get(self, token: str) -> Subscription | None:
        """Return the subscription behind a callback."""
        return self._by_token.get(token)

    def of(self, feed: str) -> tuple[Subscription, ...]:
        """Return all subscriptions of a feed."""
        return self._by_feed.get(feed, ())

    def feeds(self) -> frozenset[str]:
        """Return the feeds that have any."""
        return frozenset(feed for feed, rows in self._by_feed.items() if rows)

    def pushed(self, feed: str, now: datetime) -> Pushed | None:
        """Return since when the hub of ``feed`` has told its news, None when it does not."""
        for one in self.of(feed):
            if one.since is not None and is_proven(one, now):
                return Pushed(since=one.since)
        return None

    async def write(
        self,
        *put: Subscription,
        drop: Iterable[Subscription] = (),
        recall: str | None = None,
        now: datetime,
    ) -> None:
        """Write ``put`` and forget ``drop``; ask the feed ``recall`` at its usual pace again."""
        gone = tuple(drop)
        async with self._one_at_a_time:
            await self._write(put, gone, recall, now)

    async def change(
        self,
        token: str,
        change: Change,
        *,
        bringing: Delivery | None = None,
        recall: bool = False,
        now: datetime,
    ) -> bool:
        """Apply ``change`` to what stands behind ``token`` by now; False when it changes nothing.

        ``bringing`` is kept with it, in one transaction; with ``recall``, its feed is asked at
        its usual pace again.
        """
        async with self._one_at_a_time:
            held = self.get(token)
            after = change(held) if held else None
            if after is None:
                return False
            await self._write((after,), (), after.feed if recall else None, now, bringing)
            return True

    async def _write(
        self,
        put: tuple[Subscription, ...],
        drop: tuple[Subscription, ...],
        recall: str | None,
        now: datetime,
        bringing: Delivery | None = None,
    ) -> None:
        store = self._keeper.store

        def work() -> None:
            with store.transaction():
                for one in put:
                    store.pushes.put(one)
                for one in drop:
                    store.pushes.drop(one.token)
                if recall is not None:
                    store.feeds.recall(recall, now=now)
                if bringing is not None:
                    store.pushes.deliver(bringing)

        await self._keeper.run(work)
        for one in drop:
            self._forget(one)
        for one in put:
            self._keep(one)

    def _keep(self, one: Subscription) -> None:
        others = (held for held in self.of(one.feed) if held.token != one.token)
        self._by_feed[one.feed] = (*others, one)
        self._by_token[one.token] = one

    def _forget(self, one: Subscription) -> None:
        self._by_token.pop(one.token, None)
        self._by_feed[one.feed] = tuple(h for h in self.of(one.feed) if h.token != one.token)

    def live(self, feed: str) -> tuple[Subscription, ...]:
        """Return the subscriptions of ``feed`` that a hub confirmed."""
        return tuple(one for one in self.of(feed) if one.standing is Standing.LIVE)
