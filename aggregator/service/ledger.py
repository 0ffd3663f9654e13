"""How long does news take, from its publisher to our readers?"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import Struct

from aggregator.model.editions import Edition, Kind
from aggregator.storage import Store

KEPT = 2_000  # entries
BELIEVED = timedelta(days=1)  # what is dated earlier was there before us, or is dated wrongly


class Delay(Struct, frozen=True, kw_only=True):
    """Of one entry: from its date to our visit, and from there to the first served edition."""

    fetched: timedelta | None
    served: timedelta


@dataclass(slots=True)
class Ledger:
    """The delays of the last entries that came out in Latest. Works on the store's thread.

    ``heard`` is told of them, too.
    """

    delays: deque[Delay] = field(default_factory=lambda: deque(maxlen=KEPT))
    heard: Callable[[Sequence[Delay]], None] = lambda _: None
    _seen: dict[str, frozenset[str]] = field(default_factory=dict)  # by output

    def note(self, editions: Iterable[Edition], store: Store, now: datetime) -> None:
        """Take note of what is new in ``editions`` that list everything."""
        found: list[Delay] = []
        for edition in editions:
            spec = edition.spec
            if spec.kind is not Kind.LATEST or spec.topic or spec.only:
                continue
            ids = frozenset(entry.id for entry in edition.entries)
            before, self._seen[spec.name] = self._seen.get(spec.name), ids
            if before is not None:  # else it stood there before this start
                found += _delays(ids - before, store, now)
        self.delays.extend(found)
        self.heard(found)


def _delays(ids: Iterable[str], store: Store, now: datetime) -> Iterable[Delay]:
    for stored in store.items.by_id(ids).values():
        item = stored.item
        dated = item.entry.published
        fetched = item.first_seen - dated if dated else None
        believed = fetched is not None and timedelta() <= fetched <= BELIEVED
        served = max(now - item.first_seen, timedelta())
        yield Delay(fetched=fetched if believed else None, served=served)


def quantiles(spans: Sequence[timedelta]) -> tuple[timedelta, timedelta] | None:
    """Return the median, and what one in a hundred exceeds; None of nothing."""
    if not spans:
        return None
    ordered = sorted(spans)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) * 99 // 100, len(ordered) - 1)]
