"""Was anything lost, doubled, renamed, late or served otherwise by one web than by the other?"""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.chaos.faults import Fault
from bench.chaos.press import FEEDS, Call
from bench.chaos.ship import Ship

PATIENCE = 100.0  # seconds after a fault in which all has to be well
LATE = 60.0  # seconds after its due time in which a feed has to be visited
GRAIN = timedelta(seconds=1)  # of due times


@dataclass(slots=True)
class Tally:
    """What came of the rounds. Times are in seconds, the worst of all rounds."""

    rounds: int = 0
    hit: int = 0
    lost: int = 0
    doubled: int = 0
    renamed: int = 0
    early: int = 0
    cut_off: int = 0  # visits that never ended
    again: int = 0  # requests beyond one a feed, and one for each visit that never ended
    asked: float = 0.0  # from due to the request
    brought: float = 0.0  # ... and to the request whose answer was stored
    whole: float = 0.0  # from the fault until everything was served by both webs
    differ: int = 0

    @staticmethod
    def head() -> str:
        names = (
            "kind | rounds | in mid-work | lost | doubled | ids changed | early | visits cut off"
            " | asked again needlessly | asked late by, s | brought late by, s"
            " | all served after, s | webs that differ"
        )
        return f"| {names} |\n|---|" + "--:|" * names.count("|")

    def line(self, kind: str) -> str:
        numbers = (self.rounds, self.hit, self.lost, self.doubled, self.renamed, self.early)
        more = (self.cut_off, self.again)
        times = (f"{each:.1f}" for each in (self.asked, self.brought, self.whole))
        return "| " + " | ".join(map(str, (kind, *numbers, *more, *times, self.differ))) + " |"

    def is_good(self) -> bool:
        wrong = self.lost + self.doubled + self.renamed + self.early + self.again + self.differ
        return not wrong and self.brought <= LATE


@dataclass(slots=True)
class _Seen:
    """What readers were told so far."""

    ids: dict[str, str] = field(default_factory=dict)  # by guid
    shown: dict[str, str] = field(default_factory=dict)  # by title


def weather(ship: Ship, fault: Fault, rounds: int) -> Tally:
    """Strike until so many faults came in mid-work, at most twice as often; count."""
    tally, seen = Tally(), _Seen()
    _compare(tally, seen, ship)
    while tally.hit < rounds and tally.rounds < 2 * rounds:
        _one(ship, fault, tally, seen)
        print(tally.line("so far"), file=sys.stderr, flush=True)
    return tally


def _one(ship: Ship, fault: Fault, tally: Tally, seen: _Seen) -> None:
    ship.until(ship.is_manned, PATIENCE)
    before, calls = ship.visits(), len(ship.press.calls)
    ship.press.print_one_each()
    ship.press.slow = fault.slow
    due = ship.make_due(fault.odd_after)
    tally.hit += fault.strike(ship, tally.rounds)
    tally.rounds += 1
    ship.press.slow = 0.0
    struck = time.monotonic()
    ship.until(ship.is_current, PATIENCE)
    tally.whole = max(tally.whole, time.monotonic() - struck)
    _compare(tally, seen, ship)
    made = {each: outcome for each, outcome in ship.visits().items() if each not in before}
    _judge(tally, due, ship.press.calls[calls:], made)


def _compare(tally: Tally, seen: _Seen, ship: Ship) -> None:
    """Hold what is stored and served against what is listed, and against what was."""
    stored, shown = ship.stored(), ship.served() or {}
    tally.lost += len(ship.press.listed() - stored.keys())
    tally.doubled += sum(len(ids) - 1 for ids in stored.values())
    tally.doubled += sum(count - 1 for count in Counter(shown.values()).values())
    ids = {guid: names[0] for guid, names in stored.items()}
    for was, now in ((seen.ids, ids), (seen.shown, shown)):
        tally.renamed += sum(now.get(key) != name for key, name in was.items())
    seen.ids, seen.shown = ids, shown
    tally.differ += len(ship.differing())


def _judge(
    tally: Tally,
    due: Mapping[int, datetime],
    calls: list[Call],
    visits: Mapping[tuple[str, int], str | None],
) -> None:
    """Hold the requests of a round against when feeds were due."""
    by_feed: dict[int, list[Call]] = {number: [] for number in range(FEEDS)}
    for call in calls:
        by_feed[call.feed].append(call)
    for number, asked in by_feed.items():
        unended = sum(f == f"f{number}" and o is None for (f, _), o in visits.items())
        tally.cut_off += unended
        tally.again += max(0, len(asked) - 1 - unended)
        if not asked:
            tally.asked = tally.brought = float("inf")
            continue
        tally.early += asked[0].at < due[number] - GRAIN
        first, last = asked[0].at - due[number], asked[-1].at - due[number]
        tally.asked = max(tally.asked, first.total_seconds())
        tally.brought = max(tally.brought, last.total_seconds())
