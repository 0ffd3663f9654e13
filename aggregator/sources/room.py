"""How much may be held in memory at once?

A body is held from its first byte until it was read, and reading can be slower than fetching: a
hundred feeds of 5 MB that come in at a restart would otherwise all wait in memory for the parsers.
"""

import asyncio
from typing import Self

LIGHT = 1_000_000  # bytes that every visit may hold; nearly all real feeds are smaller
VISITS = 64  # visits at once that hold anything
HEAVY = 4  # of them that hold more than `LIGHT`


class Seat:
    """What one visit may hold, until the end of its block; any amount without ``heavy``."""

    def __init__(
        self, heavy: asyncio.Semaphore | None = None, visits: asyncio.Semaphore | None = None
    ) -> None:
        self._visits = visits
        self._heavy = heavy
        self._held: list[asyncio.Semaphore] = []
        self._clocks: list[asyncio.Timeout] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    async def take(self) -> None:
        """Wait until there is room for a visit."""
        if self._visits is not None:
            await self._visits.acquire()
            self._held.append(self._visits)

    def stops(self, clock: asyncio.Timeout) -> None:
        """Let this clock stand still while the visit waits for room: the publisher is not slow."""
        self._clocks.append(clock)

    def holds(self, size: int) -> bool:
        """Tell whether ``size`` bytes may be held now; otherwise `grow` first."""
        return size <= LIGHT or self._heavy is None or self._heavy in self._held

    async def grow(self) -> None:
        """Wait until there is room for a large body."""
        if self._heavy is None or self._heavy in self._held:
            return
        loop = asyncio.get_running_loop()
        began, ends = loop.time(), [clock.when() for clock in self._clocks]
        for clock in self._clocks:
            clock.reschedule(None)
        await self._heavy.acquire()
        self._held.append(self._heavy)
        for clock, end in zip(self._clocks, ends, strict=True):
            clock.reschedule(end and end + loop.time() - began)

    def leave(self) -> None:
        """Make room for others."""
        while self._held:
            self._held.pop().release()


class Room:
    """Gives visits their seats. Who has a heavy seat waits for no other, so all come to one."""

    def __init__(self, *, visits: int = VISITS, heavy: int = HEAVY) -> None:
        self._visits = asyncio.Semaphore(visits)
        self._heavy = asyncio.Semaphore(heavy)

    def seat(self) -> Seat:
        """Return a seat, which is still to be taken."""
        return Seat(self._heavy, self._visits)
