"""How is the body of an answer read within its limits?"""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx

from aggregator.sources.answers import all_of, first_of
from aggregator.sources.connect import Wire
from aggregator.sources.inflate import Inflater, Limits
from aggregator.sources.room import Seat
from aggregator.sources.troubles import FailedError, RefusedError

# A hostile server may send a body in chunks of one byte, 20 µs of ours for 6 of theirs.
MAX_CHUNKS = 50_000
TURN = 0.001  # seconds of unpacking, then the event loop is let go; twenty may unpack at once


async def read_body(
    response: httpx.Response, limits: Limits, seat: Seat, count: Callable[[int], None]
) -> bytes:
    """Return the whole body, unpacked; a large one waits until ``seat`` has room for it.

    ``count`` is told the size (bytes) of whatever comes in, also of a body that is not taken.

    Raises `RefusedError` beyond ``limits``, `FailedError` for a body that is corrupt, ends early
    or comes too slowly, and whatever the connection does.
    """
    headers = response.headers.raw
    declared = first_of(headers, b"content-length")
    if declared.isdigit() and int(declared) > limits.raw_bytes:
        raise RefusedError(f"body is larger than {limits.raw_bytes:,} bytes on the wire")
    wire: Wire = response.extensions["wire"]
    wire.allow(2 * limits.raw_bytes)  # with what chunks take besides their content
    inflater = Inflater(b",".join(all_of(headers, b"content-encoding")), limits)
    pace = asyncio.timeout(limits.pace_seconds)
    try:
        async with pace:
            seat.stops(pace)
            await _take_in(_counted(response, count), inflater, limits, pace, seat)
    except TimeoutError:
        if not pace.expired():
            raise
        least, seconds = limits.pace_bytes, limits.pace_seconds
        told = f"body comes too slowly: less than {least:,} bytes in {seconds:g} s"
        raise FailedError(told) from None
    return inflater.finish()


async def _counted(response: httpx.Response, count: Callable[[int], None]) -> AsyncIterator[bytes]:
    chunks = 0
    async for chunk in response.aiter_raw():
        count(len(chunk))
        chunks += 1
        if chunks > MAX_CHUNKS:
            raise RefusedError("body comes in too many chunks")
        yield chunk


async def _take_in(
    body: AsyncIterator[bytes],
    inflater: Inflater,
    limits: Limits,
    pace: asyncio.Timeout,
    seat: Seat,
) -> None:
    clock = asyncio.get_running_loop().time
    turn = clock()
    came = 0
    async for chunk in body:
        came += len(chunk)
        if came >= limits.pace_bytes:
            came = 0
            pace.reschedule(clock() + limits.pace_seconds)
        for _ in inflater.unfold(chunk):
            if not seat.holds(inflater.size):
                await seat.grow()
            if clock() - turn > TURN:
                await asyncio.sleep(0)
                turn = clock()
