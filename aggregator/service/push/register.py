"""What was agreed with hubs?

The store alone knows, as another process may have agreed on it. Anybody can call at a callback:
whether its address was ever given out costs one look by its key.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from aggregator.model.push import Delivery, Pushed, Standing, Subscription
from aggregator.service.keeper import Keeper
from aggregator.sources.websub.believing import (
    Confirmed,
    Denied,
    DeniedBefore,
    Ended,
    Unknown,
    Verdict,
    verdict_on,
)
from aggregator.sources.websub.quota import has_room
from aggregator.sources.websub.trust import delivered, is_proven
from aggregator.storage import Store

Change = Callable[[Subscription], Subscription | None]
"""Returns a subscription as it is to be, None to leave it as it is."""

_WAITING = frozenset({Standing.ASKED, Standing.DENIED})


class Register:
    """All subscriptions, changed one at a time."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def get(self, token: str) -> Subscription | None:
        """Return the subscription behind a callback."""
        return await self._keeper.run(self._keeper.store.pushes.get, token)

    async def live(self, feed: str) -> tuple[Subscription, ...]:
        """Return the subscriptions of ``feed`` that a hub confirmed."""
        found = await self._keeper.run(self._keeper.store.pushes.of, feed)
        return tuple(one for one in found if one.standing is Standing.LIVE)

    async def forget(self, one: Subscription, *, recall: bool, now: datetime) -> None:
        """Forget ``one`` if it stands as it did; ``recall`` its feed to its usual pace."""
        store = self._keeper.store

        def work() -> None:
            with store.transaction():
                store.take_turn()
                held = store.pushes.get(one.token)
                if held is None or held.standing is not one.standing:
                    return
                store.pushes.drop(one.token)
                if recall:
                    store.feeds.recall(one.feed, now=now)

        await self._keeper.run(work)

    async def begin(self, one: Subscription, *, instead: Iterable[Subscription]) -> bool:
        """Write the wish ``one`` in place of the wishes ``instead``.

        False, and nothing is written, where these are not as they were, or there is another wish:
        somebody else does the same, or a hub called back meanwhile.
        """
        store, before = self._keeper.store, {each.token: each.standing for each in instead}

        def work() -> bool:
            with store.transaction():
                store.take_turn()
                held = [each for each in store.pushes.of(one.feed) if each.standing in _WAITING]
                if {each.token: each.standing for each in held} != before:
                    return False
                for token in before:
                    store.pushes.drop(token)
                store.pushes.put(one)
                return True

        return await self._keeper.run(work)

    async def change(
        self,
        token: str,
        change: Change,
        *,
        recall: bool = False,
        now: datetime,
    ) -> bool:
        """Apply ``change`` to what stands behind ``token`` by now; False when it changes nothing.

        With ``recall``, its feed is asked at its usual pace again.
        """
        store = self._keeper.store

        def work() -> bool:
            with store.transaction():
                after = _changed(store, token, change)
                if after is None:
                    return False
                store.pushes.put(after)
                if recall:
                    store.feeds.recall(after.feed, now=now)
                return True

        return await self._keeper.run(work)

    async def judge(self, token: str, query: Mapping[str, str], *, now: datetime) -> Verdict:
        """Judge a call to a callback, and write down what it changes.

        Of many calls at once, one changes anything. One that changes nothing waits for nobody.
        """
        store = self._keeper.store

        def work() -> Verdict:
            verdict = verdict_on(store.pushes.get(token), query, now=now)
            if isinstance(verdict, Unknown | DeniedBefore):
                return verdict
            with store.transaction():
                store.take_turn()
                verdict = verdict_on(store.pushes.get(token), query, now=now)
                _follow(store, verdict, now)
            return verdict

        return await self._keeper.run(work)

    async def bring(self, token: str, brought: Delivery) -> bool | None:
        """Count and keep what came for ``token``, so that it is read; True if it is kept.

        False where too much of its feed waits already, None where nothing is to be brought.
        """
        store = self._keeper.store

        def work() -> bool | None:
            with store.transaction():
                after = _changed(store, token, delivered)
                if after is None:
                    return None
                if not has_room_in(store, after.feed):
                    return False
                store.pushes.put(after)
                store.pushes.deliver(brought)
                return True

        return await self._keeper.run(work)


def has_room_in(store: Store, feed: str) -> bool:
    """Tell whether one more delivery of ``feed`` may wait."""
    waiting = store.pushes.waiting()
    count, size = waiting.get(feed, (0, 0))
    return has_room(count, size, sum(each for _, each in waiting.values()))


def _changed(store: Store, token: str, change: Change) -> Subscription | None:
    """Return what stands behind ``token`` as it is to be; nobody else changes it meanwhile."""
    store.take_turn()
    held = store.pushes.get(token)
    return change(held) if held else None


def _follow(store: Store, verdict: Verdict, now: datetime) -> None:
    """Write what a call changes; what a new agreement stands in for is to be ended."""
    match verdict:
        case Denied(after=after):
            store.pushes.put(after)
            store.feeds.recall(after.feed, now=now)
        case Ended(one=one):
            store.pushes.drop(one.token)
        case Confirmed(after=after):
            for one in store.pushes.of(after.feed):
                if one.standing is Standing.LIVE and one.token != after.token:
                    store.pushes.put(replace(one, standing=Standing.LEAVING, due=now, tries=0))
            store.pushes.put(after)
        case DeniedBefore() | Unknown():
            return


def pushed(store: Store, feed: str, now: datetime) -> Pushed | None:
    """Return since when the hub of ``feed`` has told its news, None when it does not."""
    for one in store.pushes.of(feed):
        if one.since is not None and is_proven(one, now):
            return Pushed(since=one.since)
    return None
