"""How much may one hub bring?"""

from datetime import datetime, timedelta

from msgspec import Struct

BURST = 30  # deliveries at once; hubs that were down bring what they owe
REFILL = timedelta(seconds=2)  # for one more: no feed has news so often for long
MOST_WAITING = 20  # deliveries of one feed that nobody has read yet
MOST_BYTES = 32_000_000  # of one feed's
MOST_IN_ALL = 256_000_000  # bytes of all feeds'; they wait in the store, not in memory


class Allowance(Struct, frozen=True, kw_only=True):
    """What a callback may still take, as it stood at ``at``."""

    left: float = BURST
    at: datetime


def spent(held: Allowance | None, now: datetime) -> Allowance | None:
    """Return what is left after one more delivery, None when it is too many."""
    if held is None:
        return Allowance(left=BURST - 1, at=now)
    # A clock that was set back gives nothing, and takes nothing away.
    refilled = min(held.left + max(now - held.at, timedelta()) / REFILL, BURST)
    return Allowance(left=refilled - 1, at=now) if refilled >= 1 else None


def has_room(count: int, size: int, in_all: int) -> bool:
    """Whether one more may wait, besides ``count`` of its feed of ``size`` bytes, ``in_all``."""
    return count < MOST_WAITING and size < MOST_BYTES and in_all < MOST_IN_ALL
