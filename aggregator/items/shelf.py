"""Where are items looked up while nothing is stored?"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from aggregator.items.duplicates import Candidate
from aggregator.items.sketch import sketch


class MemoryShelf:
    """A shelf that forgets with the process; it finds what the stored one finds.

    Each hash keeps its ``cap`` newest items, so that looking up costs the same whatever it holds.
    """

    def __init__(self, *, cap: int = 16) -> None:
        self.cap = cap
        self._items: dict[int, Candidate] = {}
        self._postings: defaultdict[int, list[int]] = defaultdict(list)
        self._addresses: dict[str, int] = {}

    def add(self, one: Candidate) -> None:
        """Keep ``one`` and index it."""
        self._items[one.seq] = one
        if one.canonical:
            self._addresses.setdefault(one.canonical, one.seq)
        for value in sketch(one.title, one.text).index:
            held = self._postings[value]
            held.append(one.seq)
            del held[: -self.cap]

    def same_address(self, canonical: str) -> Candidate | None:
        """Return the oldest item at the address ``canonical``."""
        seq = self._addresses.get(canonical)
        return None if seq is None else self._items[seq]

    def sharing(
        self, hashes: Sequence[int], limit: int, *, least: int = 1
    ) -> tuple[Candidate, ...]:
        """Return at most ``limit`` items under ``least`` or more of ``hashes``, the best first."""
        hits = Counter(seq for value in hashes for seq in self._postings.get(value, ()))
        enough = [seq for seq, shared in hits.items() if shared >= least]
        best = sorted(enough, key=lambda seq: (-hits[seq], seq))[:limit]
        return tuple(replace(self._items[seq], hits=hits[seq]) for seq in best)
