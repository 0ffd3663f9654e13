"""Is the service well, and if not, what ails it?"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from aggregator import __version__
from aggregator.outputs import addresses
from aggregator.service import logs
from aggregator.service.poll import Visit
from aggregator.sources import expat
from aggregator.web.app import Health

SILENCE = timedelta(hours=2)  # no feed could be read for this long: what we serve goes stale
FAULTS_TOLD = 20  # mistakes of one edit
_KEPT = "an output that is not for everybody is kept as it was; the log says why"
STALE = timedelta(seconds=15)  # no tick for this long, which is three: the service is not well
PARTS = tuple(filter(None, [expat.advice(expat.in_use())]))  # old ones, that ops should replace
OFFLINE = (
    "is this machine online? They are asked again by themselves, but later and later; to ask at "
    "once, stop this, run `aggregator poll --again`, and start it again"
)

log = structlog.get_logger()


class Edited(Struct, frozen=True, kw_only=True):
    """What the settings were found to be ``at`` the last edit.

    ``faults`` are the mistakes for which what was good before holds; ``waiting`` names what holds
    from the next start.
    """

    at: datetime
    faults: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Vitals:
    """What goes wrong in the parts of a service that has so many ``feeds``."""

    feeds: int
    _faults: dict[str, str] = field(default_factory=dict)  # by part
    _kept: tuple[str, ...] = ()  # what is served as it was, and why
    _tripped: dict[str, str] = field(default_factory=dict)  # by feed
    _ticked: float = 0.0
    _reached: float = 0.0  # when a visit went well last
    _unreached: int = 0  # visits in a row that brought nothing
    edit: Edited | None = None
    edits: Counter[str] = field(default_factory=Counter)  # taken over and refused

    def ticked(self) -> None:
        """Take note that a tick came to its end."""
        self._ticked = asyncio.get_running_loop().time()
        self._reached = self._reached or self._ticked

    def is_late(self) -> bool:
        """Whether no tick came for a while."""
        return asyncio.get_running_loop().time() - self._ticked > STALE.total_seconds()

    def note(self, part: str, error: Exception, **where: str) -> None:
        """Take note, and tell, that ``part`` failed."""
        self._faults[part] = f"{part}: {error}"
        log.error("failed", part=part, reason=str(error), kind=type(error).__name__, **where)

    def tripped(self, feed: str, error: Exception) -> None:
        """Take note, and tell, that the last visit of ``feed`` met what nobody thought of."""
        kind = type(error).__name__
        self._tripped[feed] = f"{feed}: {kind}: {error}; please report this"
        log.error("failed", part="visit", feed=feed, reason=str(error), kind=kind)

    def mended(self, part: str) -> None:
        """Take note that ``part`` works."""
        self._faults.pop(part, None)

    def keeps(self, refused: Iterable[tuple[str, str]]) -> None:
        """Take note of what is served as it was, because the new could not be made or is odd."""
        self._kept = tuple(
            f"{path} is kept as it was: {reason}" if addresses.is_public(path) else _KEPT
            for path, reason in refused
        )

    def fails(self, part: str) -> bool:
        """Whether ``part`` failed last."""
        return part in self._faults

    def heard(self, visit: Visit) -> None:
        """Take note of how a visit went; tell when none goes well any more."""
        self._tripped.pop(visit.feed, None)
        if visit.reason is None:
            self._reached = asyncio.get_running_loop().time()
        self._unreached = 0 if visit.reason is None else self._unreached + 1
        if self._unreached == self.feeds:
            log.warning("no feed could be read", tries=self._unreached, hint=OFFLINE)

    def edited(self, edit: Edited) -> None:
        """Take note of an edit of the settings."""
        self.edit = edit
        self.edits["refused" if edit.faults else "taken over"] += 1

    def is_offline(self) -> bool:
        """Whether no feed could be read when each was asked last."""
        return 0 < self.feeds <= self._unreached

    def _is_stale(self) -> bool:
        since = asyncio.get_running_loop().time() - self._reached
        return since > SILENCE.total_seconds()

    def health(self) -> Health:
        """Tell whether ticks come and the store works."""
        because = [*self._faults.values()]
        if self.is_late():
            because.append("the scheduler has not ticked for a while; feeds are not polled")
        ok = not because
        if self.is_offline():
            ok = ok and not self._is_stale()
            because.append(f"the last {self._unreached} visits all failed; {OFFLINE}")
        notes = (*PARTS, *self._tripped.values(), *self._kept, *_on_edit(self.edit))
        return Health(
            ok=ok,
            version=__version__,
            because=tuple(map(logs.hidden, because)),
            notes=tuple(map(logs.hidden, notes)),
        )


def _on_edit(edit: Edited | None) -> Iterator[str]:
    """Say where the settings cannot be used; what stands there is for ops alone, in the log."""
    if edit is None:
        return
    at = f"{edit.at:%Y-%m-%d %H:%M:%S}Z"
    for fault in edit.faults[:FAULTS_TOLD]:
        place = ":".join(fault.split(": ", 1)[0].split(":")[:3])
        yield f"the edit of {at} cannot be used: {place}; what was good last holds"
    if edit.waiting:
        yield f"the edit of {at} holds from the next start: {', '.join(edit.waiting)}"
