"""Which earlier items share the terms that matter?

An inverted index that keeps the newest items of each term, so that the cost of an item stays flat
however many are in the window. It knows no languages: names and numbers are the same in many, and
lead from one to the other. An entry is one machine word, serial and weight
together: about 10 bytes where a tuple takes 120.
"""

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from heapq import nlargest

from aggregator.stories.vectors import Vector, leading

NEWEST = 64  # items remembered per term
STORED_TERMS = 60  # heaviest terms under which an item is found
ASKED_TERMS = 20  # heaviest terms with which it looks for others
NEAREST = 80  # items returned

_WEIGHT_BITS = 10  # a thousandth fits: 0..1023
_WEIGHT_MASK = (1 << _WEIGHT_BITS) - 1


@dataclass(slots=True)
class Postings:
    """Term -> the newest items that have it."""

    _newest: dict[str, "array[int]"] = field(default_factory=dict)

    def add(self, serial: int, vector: Vector) -> None:
        """File item ``serial``, higher than all before it, under its heaviest terms."""
        table = self._newest
        for term, weight in leading(vector, STORED_TERMS):
            entries = table.get(term)
            if entries is None:
                entries = table[term] = array("Q")
            elif len(entries) >= 2 * NEWEST:
                del entries[: len(entries) - NEWEST + 1]
            entries.append(serial << _WEIGHT_BITS | min(weight, _WEIGHT_MASK))

    def nearest(self, vector: Vector, *, since: int) -> list[int]:
        """Return serials, from ``since`` on, of the items nearest to ``vector``, nearest first."""
        oldest = since << _WEIGHT_BITS
        shared: dict[int, int] = {}
        for term, weight in leading(vector, ASKED_TERMS):
            for entry in _since(self._newest.get(term), oldest):
                serial = entry >> _WEIGHT_BITS
                shared[serial] = shared.get(serial, 0) + weight * (entry & _WEIGHT_MASK)
        best = nlargest(NEAREST, ((score, -serial) for serial, score in shared.items()))
        return [-serial for _, serial in best]

    def forget_before(self, serial: int) -> None:
        """Drop terms whose newest item is older than ``serial``; answers about others stand."""
        oldest = serial << _WEIGHT_BITS
        self._newest = {
            term: entries for term, entries in self._newest.items() if entries[-1] >= oldest
        }


def _since(entries: "array[int] | None", oldest: int) -> "array[int] | tuple[int, ...]":
    if entries is None or entries[-1] < oldest:
        return ()
    newest = entries[-NEWEST:]
    return newest if newest[0] >= oldest else newest[bisect_left(newest, oldest) :]
