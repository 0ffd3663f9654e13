"""How many may be under way at once, where that number can change?"""

import asyncio


class Gate(asyncio.Semaphore):
    """A semaphore that can be made wider or narrower while it is in use."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._most = most
        self._owed = 0  # places that are to go when those who have them leave

    def resize(self, most: int) -> None:
        """Let ``most`` in at once; nobody who is in has to leave."""
        wider, self._most = most - self._most, most
        for _ in range(wider):
            self.release()
        for _ in range(-wider):
            if self._value > 0:  # of asyncio.Semaphore, as in every Python so far
                self._value -= 1
            else:
                self._owed += 1

    def release(self) -> None:
        """Give a place back, or let it go where there are to be fewer."""
        if self._owed:
            self._owed -= 1
            return
        super().release()
