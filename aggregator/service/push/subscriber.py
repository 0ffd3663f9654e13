"""Which hub is asked, and when?

The due list lives in the store, as that of feeds does; a tick looks at what is due. What is done
about a feed is decided in `aggregator.sources.websub.leases`.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog
from msgspec.structs import replace

from aggregator.model.feeds import FeedState
from aggregator.model.push import Standing, Subscription
from aggregator.model.visits import Failed, Posted, Refused
from aggregator.service.clock import Clock
from aggregator.service.keeper import Keeper
from aggregator.service.poll import Visit
from aggregator.service.push.register import Register
from aggregator.sources.fetch import Fetcher
from aggregator.sources.manners import Manners
from aggregator.sources.websub.asking import Chance, Form, Terms, farewell, subscription, wish
from aggregator.sources.websub.discovery import safer
from aggregator.sources.websub.leases import (
    LOOK_AGAIN,
    PATIENCE,
    Forget,
    Leave,
    Revisit,
    Step,
    Subscribe,
    after_failure,
    patience,
    steps,
)
from aggregator.sources.websub.trust import missed

AT_ONCE = 32  # feeds whose hubs are asked at a time; manners space the requests besides
DUE_AT_ONCE = 200

_A_PLAIN_NO = frozenset(range(400, 500)) - {408, 425, 429}

log = structlog.get_logger()


class Subscriber:
    """Keeps up the subscriptions of the configured feeds; ends all when ``terms`` is None.

    The store tells which are configured: not all processes know of an edit at once.
    """

    def __init__(
        self,
        *,
        keeper: Keeper,
        register: Register,
        fetcher: Fetcher,
        manners: Manners,
        terms: Terms | None,
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._keeper = keeper
        self._register = register
        self._fetcher = fetcher
        self._manners = manners
        self.adopt(terms)
        self._clock = clock
        self._chance = chance
        self._wanted: dict[str, None] = {}
        self._heard: dict[str, FeedState] = {}
        self._missing: set[str] = set()
        self._flying: dict[str, asyncio.Task[None]] = {}
        self.is_alone = False  # in no other process is anything done about hubs

    def adopt(self, terms: Terms | None) -> None:
        """Subscribe on these ``terms`` from now on; `load` finds what that changes."""
        self._terms = terms

    async def load(self) -> None:
        """Find what is to be done at a start: new hubs, and feeds that are no longer configured.

        From now on it is our own process that hears of visits and has to `tick`.
        """
        self.is_alone = True
        store = self._keeper.store
        told, held = await self._keeper.run(lambda: (store.feeds.states(), store.pushes.all()))
        by_feed: dict[str, list[Subscription]] = {}
        for one in held:
            by_feed.setdefault(one.feed, []).append(one)
        offered = [state.feed for state in told if self._steps(state, by_feed.get(state.feed, ()))]
        gone = by_feed.keys() - {state.feed for state in told}
        self._wanted = dict.fromkeys((*offered, *sorted(gone)))

    def heard(self, visit: Visit) -> None:
        """Take note of what a visit says of hubs, and of what the hub had not told."""
        if visit.missed:
            self._missing.add(visit.feed)
        if visit.state.links.hubs:
            self._heard[visit.feed] = visit.state

    async def tick(self) -> None:
        """Begin what is due, as much as may be under way at once."""
        while self._missing:
            await self.miss(self._missing.pop())
        await self._sift()
        due = await self._keeper.run(self._keeper.store.pushes.due, self._clock(), DUE_AT_ONCE)
        self._wanted |= dict.fromkeys(one.feed for one in due)
        for feed in list(self._wanted):
            if len(self._flying) >= AT_ONCE:
                return
            if feed not in self._flying:
                del self._wanted[feed]
                self._flying[feed] = asyncio.create_task(self._fly(feed))

    async def _sift(self) -> None:
        """Choose, of all that was heard, what calls for anything: mostly nothing does."""
        heard, of = dict(self._heard), self._keeper.store.pushes.of
        if not heard:
            return
        calling = await self._keeper.run(
            lambda: [name for name, state in heard.items() if self._steps(state, of(name))]
        )
        self._wanted |= dict.fromkeys(calling)
        for name, state in heard.items():
            if self._heard.get(name) is state:
                del self._heard[name]

    def flying(self) -> tuple[asyncio.Task[None], ...]:
        """Return what is under way."""
        return tuple(self._flying.values())

    async def _fly(self, name: str) -> None:
        try:
            await self.look(name)
        finally:
            self._flying.pop(name, None)

    async def miss(self, feed: str) -> None:
        """Write down that a visit of ``feed`` found what its hub had not told."""
        for one in await self._register.live(feed):
            await self._register.change(one.token, missed, now=self._clock())

    async def look(self, feed: str) -> None:
        """Do what is to be done about the hubs of ``feed`` now."""
        try:
            state, rows, wanted = await self._told_of(feed)
            for step in self._steps(state, rows, wanted=wanted):
                await self._do(feed, step)
        except Exception as error:  # noqa: BLE001 - one feed never harms another
            _tell_fault(feed, error)

    async def hubs(self, feed: str) -> tuple[str, ...]:
        """Return the hubs with which there is something to be done about ``feed``; none mostly."""
        state, rows, wanted = await self._told_of(feed)
        if not self._steps(state, rows, wanted=wanted):
            return ()
        return tuple(dict.fromkeys((*(one.hub for one in rows), *state.links.hubs)))

    async def _told_of(self, feed: str) -> tuple[FeedState, tuple[Subscription, ...], bool]:
        feeds, pushes = self._keeper.store.feeds, self._keeper.store.pushes
        return await self._keeper.run(
            lambda: (feeds.state(feed), pushes.of(feed), feeds.is_configured(feed))
        )

    def _steps(
        self, state: FeedState, rows: Sequence[Subscription], *, wanted: bool = True
    ) -> tuple[Step, ...]:
        if not rows and not state.links.hubs:
            return ()  # most feeds have no hub
        found = steps(
            state.links if wanted and self._terms is not None and not state.gone else None,
            rows,
            callbacks=self._terms.callbacks if self._terms else "",
            visited=state.attempted_at,
            now=self._clock(),
        )
        return tuple(found)

    async def _do(self, feed: str, step: Step) -> None:
        now = self._clock()
        match step:
            case Subscribe():
                if self._terms is not None:
                    await self._subscribe(feed, step, self._terms)
            case Leave(one=one):
                await self._leave(one)
            case Forget(one=one, lapsed=lapsed):
                await self._register.forget(one, recall=lapsed, now=now)
                if lapsed:
                    log.warning("push lapsed", feed=feed, hub=one.hub)
            case Revisit(one=one):
                later = partial(_put_off, until=now + LOOK_AGAIN)
                await self._register.change(one.token, later, recall=True, now=now)

    async def _subscribe(self, feed: str, step: Subscribe, terms: Terms) -> None:
        """Ask hub after hub until one accepts. A wish is stored first: the hub may call at once."""
        if step.heir_of is not None and (end := step.heir_of.expires) is not None:
            # Of the one that is being renewed, there is only its end to come.
            rest = partial(_put_off, until=end)
            await self._register.change(step.heir_of.token, rest, now=self._clock())
        replaced = step.instead
        refused = False
        secure = set[str | None]()  # those that listen under https, whatever they say there
        for hub in step.hubs:
            if safer(hub) in secure:
                continue  # what is neither signed nor hidden would be ours for a whole lease
            now = self._clock()
            one = subscription(
                feed,
                hub,
                step.topic,
                terms=terms,
                now=now,
                due=now + patience(step.tries),
                chance=self._chance,
            )
            one = replace(_heir(one, step.heir_of), tries=step.tries + 1)
            if not await self._register.begin(one, instead=replaced):
                return  # another process asks, or its hub called back
            answer = await self._ask(one, wish(one, terms.lease))
            if isinstance(answer, Posted):
                log.info("push asked", feed=feed, hub=hub, topic=one.topic)
                return
            log.warning("push refused", feed=feed, hub=hub, reason=answer.reason)
            held = await self._register.get(one.token)
            if held is None or held.standing is not Standing.ASKED:
                return  # it called back, whatever it answered then
            refused = isinstance(answer, Failed) and (answer.status or 0) in _A_PLAIN_NO
            if not isinstance(answer, Failed) or not answer.closed:
                secure.add(hub)
            replaced = (one,)
        failed = partial(_failed, refused=refused, now=self._clock())
        await self._register.change(replaced[-1].token, failed, now=self._clock())

    async def _leave(self, one: Subscription) -> None:
        now = self._clock()
        leaving = partial(_leaving, now=now)
        if not await self._register.change(one.token, leaving, recall=True, now=now):
            return  # it is over, or somebody else is telling the hub
        answer = await self._ask(one, farewell(one))
        told = {} if isinstance(answer, Posted) else {"reason": answer.reason}
        log.info("push ended", feed=one.feed, hub=one.hub, **told)

    async def _ask(self, one: Subscription, form: Form) -> Posted | Refused | Failed:
        async with self._manners.turn(one.hub) as turn:
            if turn.put_off is not None:
                return Failed(reason=f"it wants no requests before {turn.put_off:%H:%M:%S}Z")
            answer = await self._fetcher.post(one.hub, form)
        if isinstance(answer, Posted):
            return answer
        if self._manners.note(one.hub, answer):
            hosts = self._keeper.store.hosts
            await self._keeper.run(hosts.note, *self._manners.history(one.hub))
        return replace(answer, reason=_without_secrets(answer.reason, one))


def _tell_fault(feed: str, error: Exception) -> None:
    log.error("failed", part="push", feed=feed, reason=str(error), kind=type(error).__name__)


def _heir(one: Subscription, before: Subscription | None) -> Subscription:
    """Return ``one`` with what its hub has earned under the subscription ``before``."""
    if before is None or (before.hub, before.topic) != (one.hub, one.topic):
        return one
    return replace(one, since=before.since, deliveries=before.deliveries, misses=before.misses)


def _put_off(held: Subscription, *, until: datetime) -> Subscription | None:
    return replace(held, due=until) if held.standing is Standing.LIVE else None


def _leaving(held: Subscription, *, now: datetime) -> Subscription | None:
    if held.standing is Standing.LEAVING and held.due > now:
        return None
    tries = held.tries + 1 if held.standing is Standing.LEAVING else 1
    return replace(held, standing=Standing.LEAVING, asked_at=now, due=now + PATIENCE, tries=tries)


def _failed(held: Subscription, *, refused: bool, now: datetime) -> Subscription | None:
    if held.standing is not Standing.ASKED:
        return None  # the hub called back after all
    return after_failure(held, refused=refused, now=now)


def _without_secrets(text: str, one: Subscription) -> str:
    for secret in filter(None, (one.token, one.secret)):
        text = text.replace(secret, "…")
    return text
