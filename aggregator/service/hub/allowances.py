"""Who may ask, or be called, once more?"""

from collections.abc import Hashable
from datetime import datetime

from aggregator.sources.websub.quota import Allowance, spent

MOST_COUNTED = 10_000  # that are told apart; beyond, all begin anew


class Allowances:
    """What each of many has left of the same allowance (`aggregator.sources.websub.quota`)."""

    def __init__(self) -> None:
        self._left: dict[Hashable, Allowance] = {}

    def spend(self, key: Hashable, now: datetime) -> bool:
        """Take one from what ``key`` has left; False when that is nothing."""
        left = spent(self._left.get(key), now)
        if left is None:
            return False
        if len(self._left) >= MOST_COUNTED:
            self._left.clear()
        self._left[key] = left
        return True
