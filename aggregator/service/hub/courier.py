"""Who is told what, and who could not be told?

Errands are in the store before anybody is told, and leave it when it is done; so one that a crash
cuts short is run again. A document is brought only when it is what stands on the shelf.
"""

import asyncio
import hmac
from base64 import urlsafe_b64encode
from collections import Counter
from datetime import timedelta

import structlog
from msgspec.structs import replace

from aggregator.model.editions import Site
from aggregator.model.errors import StoreError
from aggregator.model.following import Errand, Follower, Task
from aggregator.model.visits import Failed, Posted, Refused
from aggregator.outputs import hub
from aggregator.service.clock import Clock
from aggregator.service.hub.allowances import Allowances
from aggregator.service.keeper import Keeper
from aggregator.sources.calling import Called
from aggregator.sources.fetch import Fetcher
from aggregator.sources.manners import Manners
from aggregator.sources.websub.asking import Chance
from aggregator.sources.websub.quota import REFILL
from aggregator.web.served import Served, Shelf

AT_ONCE, AT_ONCE_EACH = 32, 4  # errands under way: in all, at one host
CHALLENGE_BYTES = 24

Key = tuple[Task, str, str]
Answer = Called | Posted | Refused | Failed

log = structlog.get_logger()


class Courier:
    """Runs errands, each in a task of its own, so that a slow callback holds up no other.

    ``caller`` reaches callbacks, ``fetcher`` and ``manners`` the hubs of others.
    """

    def __init__(
        self,
        *,
        keeper: Keeper,
        shelf: Shelf,
        site: Site,
        caller: Fetcher,
        fetcher: Fetcher,
        manners: Manners,
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._keeper = keeper
        self._shelf = shelf
        self._site = site
        self._caller = caller
        self._fetcher = fetcher
        self._manners = manners
        self._clock = clock
        self._chance = chance
        self._waiting: dict[Key, Errand] = {}
        self._flying: dict[Key, asyncio.Task[None]] = {}
        self._places: Counter[str] = Counter()
        self._allowances = Allowances()
        self._looking: asyncio.Task[None] | None = None
        self._overtaken: set[Key] = set()
        self._again = False
        self._open = True

    def wake(self) -> None:
        """Look for errands: something was published, asked for, or may be due."""
        self._again = True
        if self._looking is None and self._open:
            self._looking = asyncio.create_task(self._look())

    def begin_no_more(self) -> None:
        """Let what is under way end; the rest stays in the store."""
        self._open = False
        self._waiting.clear()

    async def close(self) -> None:
        """Give up what is under way; it is in the store still."""
        self.begin_no_more()
        flying = self.flying()
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)

    def flying(self) -> tuple[asyncio.Task[None], ...]:
        """Return what is under way."""
        looking = () if self._looking is None else (self._looking,)
        return (*looking, *self._flying.values())

    async def _look(self) -> None:
        try:
            while self._again and self._open:
                self._again = False
                due = await self._keeper.run(self._keeper.store.followers.due, self._clock())
                self._overtaken |= {one.key for one in due if one.key in self._flying}
                self._waiting |= {one.key: one for one in due if one.key not in self._flying}
                self._start()
        except StoreError as error:  # they are still there; the next tick looks again
            _tell_fault(error)
        finally:
            self._looking = None

    def _start(self) -> None:
        for key, errand in list(self._waiting.items()):
            if len(self._flying) >= AT_ONCE or not self._open:
                return
            host = hub.host_of(errand.address)
            if self._places[host] < AT_ONCE_EACH:
                del self._waiting[key]
                self._places[host] += 1
                self._flying[key] = asyncio.create_task(self._run(errand, host))

    async def _run(self, errand: Errand, host: str) -> None:
        try:
            await self._do(errand)
        except Exception as error:  # noqa: BLE001 - one subscriber never harms another
            _tell_fault(error)
        finally:
            del self._flying[errand.key]
            self._places -= Counter((host,))  # which keeps none at zero
            self._start()
            if errand.key in self._overtaken:  # perhaps there is more to be said there by now
                self._overtaken.discard(errand.key)
                self.wake()

    async def _do(self, errand: Errand) -> None:
        match errand.task:
            case Task.CONFIRM:
                await self._confirm(errand)
            case Task.BRING:
                await self._bring(errand)
            case Task.DENY:
                answer = await self._caller.call(hub.denial(errand, self._site))
                await self._settle(errand, answer)
            case Task.PING:
                await self._settle(errand, await self._ping(errand))

    async def _confirm(self, errand: Errand) -> None:
        challenge = urlsafe_b64encode(self._chance(CHALLENGE_BYTES))
        answer = await self._caller.call(hub.question(errand, challenge.decode(), self._site))
        if isinstance(answer, Called) and not hmac.compare_digest(answer.text, challenge):
            answer = Failed(reason="it did not send the challenge back")
        if not isinstance(answer, Called):
            await self._settle(errand, answer)
            return
        agreed = await self._keeper.run(self._agree, errand)
        until = f"{agreed.expires:%Y-%m-%d %H:%M:%S}Z" if agreed else "now"
        log.info("hub agreed", host=hub.host_of(errand.address), path=errand.path, until=until)

    def _agree(self, errand: Errand) -> Follower | None:
        """Write what was agreed (WebSub section 5.3: only now does anything change)."""
        followers = self._keeper.store.followers
        with self._keeper.store.transaction():
            before = followers.get(errand.path, errand.address)
            agreed = hub.confirmed(errand, before, self._clock())
            if agreed is None:
                followers.drop(errand.path, errand.address)
            else:
                followers.put(agreed)
            followers.settle(errand)
        return agreed

    async def _bring(self, errand: Errand) -> None:
        served = self._shelf.get(errand.path)
        if served is None or served.etag != errand.what:
            return  # it is brought once it is served; who puts it there wakes us
        follows = self._keeper.store.followers.get
        follower = await self._keeper.run(follows, errand.path, errand.address)
        if follower is None:
            return
        if not self._allowances.spend(errand.key, self._clock()):
            wait = replace(errand, due=self._clock() + REFILL)
            await self._keeper.run(self._keeper.store.followers.put_off, wait)
            return
        answer = await self._caller.call(errand.address, brings=self._parcel(served, follower))
        if isinstance(answer, Failed) and answer.status == 410:
            drop = self._keeper.store.followers.drop
            await self._keeper.run(drop, errand.path, errand.address)
            log.info("hub left", host=hub.host_of(errand.address), path=errand.path)
            return
        await self._settle(errand, answer)

    def _parcel(self, served: Served, follower: Follower) -> tuple[dict[str, str], bytes]:
        body = served.variants[-1].body
        path, media_type, secret = follower.path, served.media_type, follower.secret
        return hub.delivery(path, media_type, body, secret, self._site), body

    async def _ping(self, errand: Errand) -> Posted | Refused | Failed:
        async with self._manners.turn(errand.address) as turn:
            if turn.put_off is not None:
                return Failed(reason=f"it wants no requests before {turn.put_off:%H:%M:%S}Z")
            answer = await self._fetcher.post(errand.address, hub.ping(errand, self._site))
        if isinstance(answer, Failed) and self._manners.note(errand.address, answer):
            history = self._manners.history(errand.address)
            await self._keeper.run(self._keeper.store.hosts.note, *history)
        return answer

    async def _settle(self, errand: Errand, answer: Answer) -> None:
        """Be done with an errand, or put it off."""
        followers = self._keeper.store.followers
        if isinstance(answer, Called | Posted):
            await self._keeper.run(followers.settle, errand)
            return
        asked = answer.hints.retry_after if isinstance(answer, Failed) else None
        later = hub.later(errand, self._clock(), asked)
        if later is None:
            await self._keeper.run(followers.settle, errand)
        else:
            await self._keeper.run(followers.put_off, later)
        if later is None or not errand.tries:
            _tell_failed(errand, answer, timedelta() if later is None else later.due - errand.due)


def _tell_failed(errand: Errand, answer: Refused | Failed, pause: timedelta) -> None:
    """Tell of a first failure and of a last one. Only the host: a callback is a secret address."""
    reason = answer.reason.replace("reach: allow_private", "hub: allow_private")
    then = "again later" if pause else "given up"
    host = hub.host_of(errand.address)
    log.warning(
        "hub failed", task=errand.task.value, host=host, path=errand.path, reason=reason, then=then
    )


def _tell_fault(error: Exception) -> None:
    log.error("failed", part="hub", reason=str(error), kind=type(error).__name__)
