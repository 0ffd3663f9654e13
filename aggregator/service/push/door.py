"""Who calls at our callbacks, and what do we say?

Answers `aggregator.web.callback`. What is accepted is in the store before we say so; it is read
afterwards, in `aggregator.service.push.mailroom`.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from aggregator.model.push import Delivery, Standing, Subscription
from aggregator.service.clock import Clock
from aggregator.service.keeper import Keeper
from aggregator.service.push.register import Register, has_room_in
from aggregator.sources.websub.believing import (
    Confirmed,
    Denied,
    DeniedBefore,
    Ended,
    Unknown,
    is_signed,
)
from aggregator.sources.websub.quota import Allowance, spent
from aggregator.web.callback import Parcel

log = structlog.get_logger()


class Door:
    """Answers hubs. ``allow_sha1``: believe signatures made with it; ``wake`` when mail came."""

    def __init__(
        self, *, keeper: Keeper, register: Register, allow_sha1: bool, clock: Clock
    ) -> None:
        self._keeper = keeper
        self._register = register
        self._allow_sha1 = allow_sha1
        self._clock = clock
        self._allowances: dict[str, Allowance] = {}
        self._doubted: set[str] = set()
        self.wake: Callable[[], None] = lambda: None

    def adopt(self, *, allow_sha1: bool) -> None:
        """Believe as ops ask from now on."""
        self._allow_sha1 = allow_sha1

    async def confirm(self, token: str, query: Mapping[str, str]) -> str | None:
        """Answer "did you mean it?": the text to send back, None when we did not."""
        now = self._clock()
        match await self._register.judge(token, query, now=now):
            case Unknown():
                return None
            case DeniedBefore():
                return ""
            case Denied(after=after, reason=reason):
                log.warning("push denied", feed=after.feed, hub=after.hub, reason=reason)
                return ""
            case Ended(echo=echo):
                return echo
            case Confirmed(echo=echo, after=after):
                until = f"{after.expires:%Y-%m-%d %H:%M:%S}Z"
                log.info("push agreed", feed=after.feed, hub=after.hub, until=until)
                return echo

    async def admit(self, token: str) -> int | None:
        """Return the status to refuse a delivery with before it is read, None to read it."""
        one = await self._register.get(token)
        if one is None or one.standing not in {Standing.LIVE, Standing.LEAVING}:
            return 404
        left = spent(self._allowances.get(one.feed), self._clock())
        if left is None:
            return 429
        self._allowances[one.feed] = left
        has_room = await self._keeper.run(has_room_in, self._keeper.store, one.feed)
        return None if has_room else 503

    async def deliver(self, token: str, parcel: Parcel) -> int:
        """Keep what was brought; return the status to answer with.

        Only the callback tells what it is about: whatever links the delivery carries are not read.
        """
        one = await self._register.get(token)
        if one is None:
            return 404
        if not await self._believes(one, parcel):
            return 403
        brought = Delivery(
            feed=one.feed,
            received_at=self._clock(),
            content_type=parcel.content_type,
            coding=parcel.coding,
            body=parcel.body,
        )
        kept = await self._register.bring(token, brought)
        if not kept:  # it ended while this one was read, or others came
            return 404 if kept is None else 503
        self.wake()
        return 202

    async def _believes(self, one: Subscription, parcel: Parcel) -> bool:
        """Check the signature; tell ops of one that is not right, once for each feed."""
        if not one.secret:
            return True
        sha1 = self._allow_sha1
        # In a thread: nobody else should wait for the digests of a large body.
        if await asyncio.to_thread(
            is_signed, parcel.body, parcel.signatures, one.secret, allow_sha1=sha1
        ):
            return True
        if one.feed not in self._doubted:
            self._doubted.add(one.feed)
            sha1 = any(name.strip().lower().startswith("sha1=") for name in parcel.signatures)
            reason = "signed with SHA-1" if sha1 else "the signature is missing or wrong"
            hint = "set push: allow_sha1 if its hub knows no better" if sha1 else "it was ignored"
            log.warning("push not believed", feed=one.feed, hub=one.hub, reason=reason, hint=hint)
        return False
