"""Within which limits do we ask, and how do we present ourselves?"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from aggregator import __version__
from aggregator.model.visits import Failed, Refused
from aggregator.sources.answers import Headers
from aggregator.sources.inflate import Limits
from aggregator.sources.room import Seat
from aggregator.sources.troubles import RefusedError, in_words

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9,"
    " text/xml;q=0.8, */*;q=0.1"
)

Clock = Callable[[], datetime]

_Told = TypeVar("_Told")


def user_agent(contact: str) -> str:
    """Return how we present ourselves: name, version, and where to complain about us.

    RFC 9110 section 10.1.5; the same for every request, never a browser's.
    """
    return f"aggregator/{__version__} (+{contact})" if contact else f"aggregator/{__version__}"


class FetchPolicy(Struct, frozen=True, kw_only=True):
    """Limits and manners of every request.

    ``total_seconds`` covers a visit with all its redirects, ``connect_seconds`` the lookup and the
    connection of one hop. ``body_bytes`` counts decoded, ``raw_bytes`` on the wire; ``ratio`` is
    decoded per raw. A body brings ``pace_bytes`` on the wire in every ``pace_seconds``, or ends
    within. ``allow_private`` are networks such as ``127.0.0.0/8`` to be reached although
    they are not public, on any port; elsewhere only ``allow_ports``. ``extra_ca`` is a PEM file of
    authorities trusted besides the usual ones.
    """

    user_agent: str
    accept: str = ACCEPT
    total_seconds: float = 30.0
    connect_seconds: float = 10.0
    body_bytes: int = 15_000_000
    raw_bytes: int = 15_000_000
    ratio: int = 200
    pace_bytes: int = 1_000
    pace_seconds: float = 10.0
    header_bytes: int = 64 * 1024
    header_count: int = 200
    max_redirects: int = 5
    allow_private: tuple[str, ...] = ()
    allow_ports: tuple[int, ...] = (80, 443)
    extra_ca: str | None = None

    @property
    def limits(self) -> Limits:
        """Those of a body."""
        return Limits(
            raw_bytes=self.raw_bytes,
            body_bytes=self.body_bytes,
            ratio=self.ratio,
            pace_bytes=self.pace_bytes,
            pace_seconds=self.pace_seconds,
        )


async def bounded(
    work: Coroutine[Any, Any, _Told], seat: Seat, *, seconds: float
) -> _Told | Refused | Failed:
    """Return what ``work`` returns or, in an operator's words, why it came to nothing.

    The deadline of ``seconds`` stands still while ``seat`` waits for room. Raises nothing but
    `asyncio.CancelledError`.
    """
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            seat.stops(deadline)
            return await work
    except Exception as error:  # noqa: BLE001 - the last line: a visit always has an answer
        if deadline.expired():
            return Failed(reason=f"no whole answer within {seconds:g} s")
        return in_words(error)


def weigh(headers: Headers, policy: FetchPolicy) -> None:
    """Raise `RefusedError` when an answer has more headers than may be."""
    if len(headers) > policy.header_count:
        raise RefusedError(f"answer has more than {policy.header_count} headers")
    if sum(len(name) + len(value) for name, value in headers) > policy.header_bytes:
        raise RefusedError(f"answer has more than {policy.header_bytes:,} header bytes")
