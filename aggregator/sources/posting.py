"""What does a hub answer to a form?"""

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlencode

import httpx
from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.visits import Failed, Posted, Refused
from aggregator.sources.answers import hints_of
from aggregator.sources.body import read_body
from aggregator.sources.door import Door
from aggregator.sources.inflate import ACCEPTED
from aggregator.sources.policy import Clock, FetchPolicy, bounded, weigh
from aggregator.sources.redirects import Moved, Trail, address_of, moved_by, origin_of
from aggregator.sources.room import Seat
from aggregator.sources.troubles import status_text
from aggregator.text.xml import clip, one_line

_WORDS = 100_000  # bytes of an answer that are read


async def post(
    url: str,
    form: Sequence[tuple[str, str]],
    *,
    door: Door,
    policy: FetchPolicy,
    clock: Clock | None,
) -> Posted | Refused | Failed:
    """Send ``form`` to ``url``, and again to where a 307 or 308 leads, within all limits.

    RFC 9110 sections 15.4.8 and 15.4.9; other redirects would make it a GET, and are failures.
    `Failed` also stands for every status but 2xx; its reason holds what the answer says.
    """
    sender = _Sender(door=door, policy=policy, clock=clock, body=urlencode(form).encode())
    seat = Seat()
    return await bounded(sender.send(url, seat), seat, seconds=policy.total_seconds)


class _Sender(Struct, frozen=True, kw_only=True):
    door: Door
    policy: FetchPolicy
    clock: Clock | None
    body: bytes

    async def send(self, url: str, seat: Seat) -> Posted | Failed:
        here = address_of(url)
        trail = Trail(origin=origin_of(here), here=here, seat=seat)
        while True:
            found = await self._step(trail)
            if not isinstance(found, Moved):
                return found
            trail.follow(found, most=self.policy.max_redirects)

    async def _step(self, trail: Trail) -> Posted | Failed | Moved:
        headers = {
            "User-Agent": self.policy.user_agent,
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept-Encoding": ACCEPTED.decode(),
            "Connection": "close",
        }
        request = httpx.Request("POST", trail.here, headers=headers, content=self.body)
        response = await self.door.handle_async_request(request)
        try:
            return await self._judge(response, trail)
        finally:
            await response.aclose()

    async def _judge(self, response: httpx.Response, trail: Trail) -> Posted | Failed | Moved:
        head, status = response.headers.raw, response.status_code
        weigh(head, self.policy)
        if status in {307, 308}:
            return moved_by(head, status, trail)
        if 200 <= status < 300:
            return Posted(status=status)  # what it says to it, and whether it can, is of no matter
        text = await self._words(response, trail)
        told = f"{status_text(status)}: {text}" if text else status_text(status)
        hints = hints_of(head, received=self.clock() if self.clock else None)
        return Failed(reason=told, status=status, hints=hints)

    async def _words(self, response: httpx.Response, trail: Trail) -> str:
        """Return what a server says to a form that it did not take; nothing if it cannot."""
        # All of it within the time of one pace: the status is what counts.
        limits = replace(self.policy.limits, raw_bytes=_WORDS, body_bytes=_WORDS, pace_bytes=_WORDS)
        with suppress(Exception):
            said = await read_body(response, limits, trail.seat, lambda _: None)
            return clip(one_line(said.decode(errors="replace")), 200)
        return ""
