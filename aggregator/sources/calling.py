"""What does a callback answer?

Callbacks are named by anybody, so they are called like publishers: behind the guard, within all
limits. No redirect is followed (WebSub section 7 makes it a failure).
"""

from collections.abc import Mapping

import httpx
from msgspec import Struct

from aggregator.model.visits import Failed, Refused
from aggregator.sources.answers import hints_of
from aggregator.sources.body import read_body
from aggregator.sources.door import Door
from aggregator.sources.inflate import ACCEPTED
from aggregator.sources.policy import Clock, FetchPolicy, bounded, weigh
from aggregator.sources.redirects import address_of
from aggregator.sources.room import Seat
from aggregator.sources.troubles import status_text


class Called(Struct, frozen=True, kw_only=True):
    """A callback answered with 2xx; ``text`` is the body where it was wanted."""

    status: int
    text: bytes = b""


async def call(
    url: str,
    *,
    door: Door,
    policy: FetchPolicy,
    clock: Clock | None,
    brings: tuple[Mapping[str, str], bytes] | None = None,
) -> Called | Refused | Failed:
    """Ask ``url`` and read what it says, or take there what it ``brings`` (fields and body).

    `Failed` also stands for every status but 2xx.
    """
    seat = Seat()
    calling = _Caller(door=door, policy=policy, clock=clock, seat=seat).call(url, brings)
    return await bounded(calling, seat, seconds=policy.total_seconds)


class _Caller(Struct, frozen=True, kw_only=True):
    door: Door
    policy: FetchPolicy
    clock: Clock | None
    seat: Seat

    async def call(
        self, url: str, brings: tuple[Mapping[str, str], bytes] | None
    ) -> Called | Failed:
        fields, body = brings or ({}, b"")
        headers = {
            "User-Agent": self.policy.user_agent,
            "Accept-Encoding": ACCEPTED.decode(),
            "Connection": "close",
            **fields,
        }
        method = "GET" if brings is None else "POST"
        request = httpx.Request(method, address_of(url), headers=headers, content=body)
        response = await self.door.handle_async_request(request)
        try:
            return await self._judge(response, wanted=brings is None)
        finally:
            await response.aclose()

    async def _judge(self, response: httpx.Response, *, wanted: bool) -> Called | Failed:
        head, status = response.headers.raw, response.status_code
        weigh(head, self.policy)
        if not 200 <= status < 300:
            hints = hints_of(head, received=self.clock() if self.clock else None)
            return Failed(reason=status_text(status), status=status, hints=hints)
        if not wanted:
            return Called(status=status)  # what it says to what was brought is of no matter
        said = await read_body(response, self.policy.limits, self.seat, lambda _: None)
        return Called(status=status, text=said)
