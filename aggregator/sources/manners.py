"""How many requests may a publisher's host see at a time?

A host is a registrable domain: ``feeds.example.co.uk`` and ``www.example.co.uk`` share one
machine room, and their owner counts our requests together.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.visits import Answer, Failed
from aggregator.sources.gate import Gate
from aggregator.text.urls import registrable_domain

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]

_NOTHING = timedelta()


class Courtesy(Struct, frozen=True, kw_only=True):
    """How gently we ask.

    ``spacing`` is the time between an answer and the next start on one host, ``at_once`` the
    requests in flight there, ``all_at_once`` those in flight everywhere, ``starts_a_second`` the
    pace of all starts (0 for any). ``quiet`` is how long a host is left alone after 429 or 503
    without Retry-After, ``quiet_cap`` the longest it can ask for on behalf of all its feeds.
    """

    spacing: timedelta = timedelta(seconds=1)
    at_once: int = 1
    all_at_once: int = 32
    starts_a_second: float = 20.0
    quiet: timedelta = timedelta(minutes=10)
    quiet_cap: timedelta = timedelta(hours=24)


class HostHistory(Struct, frozen=True, kw_only=True):
    """What we did to a host, and until when it wants its peace."""

    started: datetime | None = None
    quiet_until: datetime | None = None


class Turn(Struct, frozen=True, kw_only=True):
    """Leave to ask. Not when ``put_off`` is set: the host wants no visits before that time."""

    put_off: datetime | None = None


def wait_for(history: HostHistory, now: datetime, courtesy: Courtesy) -> timedelta:
    """Return how long the next start on a host must wait, zero when it need not.

    A clock that was set back does not lock anybody out: no wait exceeds its rule.
    """
    waits = [_NOTHING]
    if history.started is not None:
        waits.append(min(history.started + courtesy.spacing - now, courtesy.spacing))
    if history.quiet_until is not None:
        waits.append(min(history.quiet_until - now, courtesy.quiet_cap))
    return max(waits)


def after(history: HostHistory, answer: Answer, now: datetime, courtesy: Courtesy) -> HostHistory:
    """Return the history after ``answer``: one 429 or 503 quiets the host for all its feeds."""
    if not isinstance(answer, Failed) or answer.status not in {429, 503}:
        return history
    asked = answer.hints.retry_after
    until = now + min(courtesy.quiet if asked is None else asked, courtesy.quiet_cap)
    return replace(history, quiet_until=max(until, history.quiet_until or until))


@dataclass(slots=True)
class _Host:
    gate: Gate
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    leaving: asyncio.Lock = field(default_factory=asyncio.Lock)
    left: datetime | None = None  # when the last request really did, or had its answer
    history: HostHistory = field(default_factory=HostHistory)


class Manners:
    """Lets requests through one by one. ``clock`` and ``sleep`` are injected; one event loop.

    ::

        async with manners.turn(url) as turn:
            if turn.put_off is None:
                answer = await fetcher.fetch(ask)
                manners.note(url, answer)

    Who has something to do between its turn and its request takes a `place` and then has to `go`.
    """

    def __init__(self, courtesy: Courtesy, *, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._courtesy = courtesy
        self._clock = clock
        self._sleep = sleep
        self._all = Gate(courtesy.all_at_once)
        self._hosts: dict[str, _Host] = {}
        self._next_start: datetime | None = None

    def adopt(self, courtesy: Courtesy) -> None:
        """Ask as gently as ``courtesy`` says from now on; what is under way goes on."""
        self._courtesy = courtesy
        self._all.resize(courtesy.all_at_once)
        for host in self._hosts.values():
            host.gate.resize(courtesy.at_once)

    @asynccontextmanager
    async def turn(self, url: str) -> AsyncIterator[Turn]:
        """Wait for a `place`, and until the request may leave at once."""
        async with self.place(url) as turn:
            if turn.put_off is None:
                await self.go(url)
            yield turn

    @asynccontextmanager
    async def place(self, url: str) -> AsyncIterator[Turn]:
        """Wait for the host of ``url`` (or a bare host), then for a place among all requests.

        In this order, so that a slow host holds no place that others could use. The space until
        the next request counts from the end of the place: a request that was long on its way may
        have reached its host only just before it was answered.
        """
        host = self._host(url)
        async with host.gate:
            turn = await self._start(host)
            try:
                yield turn
            finally:
                if turn.put_off is None:
                    self._left(host)
                    self._all.release()

    async def go(self, url: str) -> None:
        """Wait until a request may leave from its place, right before it does.

        What was done in between took time, and not for all requests the same: without this, those
        that were apart at their turns could leave together.
        """
        host = self._host(url)
        async with host.leaving:
            await self._space(HostHistory(started=host.left))
            await self._pace()
            self._left(host)

    def note(self, url: str, answer: Answer) -> bool:
        """Take note of what a host of ours said; return whether that is worth remembering."""
        host = self._host(url)
        before = host.history
        host.history = after(before, answer, self._clock(), self._courtesy)
        return host.history != before

    def recall(self, histories: Mapping[str, HostHistory]) -> None:
        """Take over what was remembered of hosts, by registrable domain; at a start."""
        for name, history in histories.items():
            self._named(name).history = history

    def history(self, url: str) -> tuple[str, HostHistory]:
        """Return the registrable domain of ``url``, and what to remember of it."""
        return registrable_domain(url), self._host(url).history

    def quiet_until(self, url: str) -> datetime | None:
        """Return when the host of ``url`` may be asked again, None when it may be now."""
        return self._quiet(self._host(url))

    def _left(self, host: _Host) -> None:
        host.left = self._clock()
        host.history = replace(host.history, started=host.left)

    async def _start(self, host: _Host) -> Turn:
        async with host.starting:
            if (put_off := self._quiet(host)) is not None:  # there is nothing to wait for
                return Turn(put_off=put_off)
            await self._space(host.history)
            await self._all.acquire()
            if (put_off := self._quiet(host)) is not None:  # another visit was told so meanwhile
                self._all.release()
                return Turn(put_off=put_off)
            host.history = replace(host.history, started=self._clock())
            return Turn()

    def _quiet(self, host: _Host) -> datetime | None:
        if host.history.quiet_until is None:
            return None
        now = self._clock()
        wait = wait_for(replace(host.history, started=None), now, self._courtesy)
        return now + wait if wait > _NOTHING else None

    async def _space(self, history: HostHistory) -> None:
        wait = wait_for(history, self._clock(), self._courtesy)
        if wait > _NOTHING:
            await self._sleep(wait.total_seconds())

    async def _pace(self) -> None:
        """Start no faster than the common pace: after an outage, everything is overdue at once."""
        if self._courtesy.starts_a_second <= 0:
            return
        now = self._clock()
        gap = timedelta(seconds=1 / self._courtesy.starts_a_second)
        latest = now + gap * self._courtesy.all_at_once  # no more can be ahead, whatever the clock
        mine = max(now, min(self._next_start or now, latest))
        self._next_start = mine + gap
        if mine > now:
            await self._sleep((mine - now).total_seconds())

    def _host(self, url: str) -> _Host:
        return self._named(registrable_domain(url))

    def _named(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(Gate(self._courtesy.at_once))
        return host
