"""Would publishers welcome us? ``python -m bench.politeness [HOURS] [COPIES]``.

Publishers of every kind on loopback, the service with its store and its requests, and a clock that
is set: two virtual days, with restarts and crashes in between. Both sides are asked afterwards, the
publishers for what they counted and our own log for the score that ops see. Exit status 1 when
either has anything to complain of.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.service.building import cadence
from aggregator.service.house import opened
from aggregator.service.poll import visit_all
from aggregator.service.run import TICK
from aggregator.settings import Settings, load
from aggregator.sources.report import Report, report
from aggregator.storage import open_store
from bench.publishers import HOUR, Press, kinds, send
from tests.origin import Line, Origin, Reply

START = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
DATABASE = "sqlite:///t.sqlite3"
_SERVICE = {
    "reach": {"allow_private": ["127.0.0.0/8"]},
    "politeness": {"spacing": "0s", "start_rate": 1000},  # the clock stands still during a round
    "limits": {"workers": 1},
}


@dataclass(slots=True)
class Times:
    """A clock that is set, in whole seconds; who sleeps by it lets it go on."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at.replace(microsecond=0)

    def exact(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass(slots=True)
class Town:
    """All presses on line; ``fatal`` are times at which the reader that asks next dies."""

    times: Times
    presses: list[Press]
    fatal: list[datetime]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    deaths: int = 0
    _quiet: dict[str, datetime] = field(default_factory=dict)

    @contextmanager
    def open(self) -> Iterator[Origin]:
        """Let each press answer at its own address."""
        hosts = sorted({press.host for press in self.presses})
        origin = Origin(host=hosts[0], also=tuple(hosts[1:]))
        for press in self.presses:
            origin.script(press.target.partition("?")[0], self._answering(press))
        origin.start()
        try:
            yield origin
        finally:
            origin.stop()

    def _answering(self, press: Press) -> Reply:
        loop = asyncio.get_running_loop()

        async def reply(line: Line) -> None:
            now = self.times()
            press.hear(line.seen, now, self._quiet.get(press.host))
            if self.fatal and now >= self.fatal[0]:
                del self.fatal[0]
                self.deaths += 1
                loop.call_soon_threadsafe(self.stop.set)
                await line.hang()
                return
            said = press.say(now)
            if said.quiet:
                self._quiet[press.host] = now + said.wait
            await send(line, said)

        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Two days as the publishers saw them, and as our own log tells them, by feed."""

    presses: tuple[Press, ...]
    reports: Mapping[str, Report]
    deaths: int
    restarts: int

    @property
    def faults(self) -> dict[str, dict[str, int]]:
        """Return what publishers had to complain of, by press."""
        return {press.name: press.counts.faults for press in self.presses if press.counts.faults}


def townsfolk(copies: int) -> list[Press]:
    """Return ``copies`` of each kind, each with an address of its own."""
    presses = []
    for copy in range(copies):
        kind = kinds(START)
        hosts = list(dict.fromkeys(press.host or press.name for press in kind))
        for press in kind:
            number = hosts.index(press.host or press.name) + 1
            press.host = f"127.0.{copy + 1}.{number}"
            press.target = f"/{copy}/{press.target or press.name}"
            press.name = f"{press.name}-{copy}"
        presses += kind
    return presses


def settings_in(folder: Path, origin: Origin, presses: list[Press]) -> Settings:
    """Write down what ops would, and read it."""
    feeds = [
        {"id": press.name, "url": origin.url(press.target, host=press.host)}
        | ({"every": press.every} if press.every else {})
        for press in presses
        if press.named
    ]
    (folder / "feeds.yaml").write_text(json.dumps({"feeds": feeds}), encoding="utf-8")
    (folder / "service.yaml").write_text(json.dumps(_SERVICE), encoding="utf-8")
    return load(feeds=folder / "feeds.yaml", config=folder, environ={})


async def lived(folder: Path, *, hours: int = 48, copies: int = 1) -> Outcome:
    """Poll for so many hours: a death every seven, and a restart five after each start."""
    times = Times()
    fatal = [START + hour * HOUR for hour in range(7, hours, 7)]
    town = Town(times, townsfolk(copies), fatal)
    end, sessions = START + hours * HOUR, 0
    with town.open() as origin:
        settings = settings_in(folder, origin, town.presses)
        while times.at < end:
            until = min(times.at + 5 * HOUR, end)
            await _session(folder, settings, town, until)
            sessions += 1
    return Outcome(
        presses=tuple(town.presses),
        reports=_reports(folder, settings),
        deaths=town.deaths,
        restarts=sessions - town.deaths - 1,
    )


async def _session(folder: Path, settings: Settings, town: Town, until: datetime) -> None:
    """Run the service from its start to its end or death, from one due time to the next."""
    times = town.times
    store = open_store(DATABASE, root=folder)
    async with opened(settings, store, now=times, exact=times.exact, sleep=times.sleep) as service:
        await service.prepare()
        while times.at < until and not town.stop.is_set():
            due = await service.due_now()
            async for _ in visit_all(service.poller, due, stop=town.stop):
                pass
            if not town.stop.is_set():
                states = await service.keeper.run(store.feeds.states)
                coming = min(state.next_due for state in states if not state.gone)
                times.at = max(coming, times() + TICK)
    town.stop.clear()


def _reports(folder: Path, settings: Settings) -> dict[str, Report]:
    with closing(open_store(DATABASE, root=folder, reading=True)) as store:
        visits, usual = store.visits.all(), cadence(settings)
        return {
            feed.id: report(feed, store.feeds.state(feed.id), visits[feed.id], cadence=usual)
            for feed in settings.feeds
        }


def main(hours: int, copies: int) -> int:
    """Live, then print what both sides counted."""
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(lived(Path(folder), hours=hours, copies=copies))
    print(f"{'address':14} {'asked':>5} {'plain':>5} {'least gap':>9} {'own score':>9}  faults")
    for press in outcome.presses[: len(outcome.presses) // copies]:
        counts, own = press.counts, outcome.reports.get(press.name)
        gap = "" if counts.least_gap is None else str(counts.least_gap)
        score = f"{own.politeness.points:9}" if own else " " * 9
        told = counts.faults or ""
        print(
            f"{press.name:14} {counts.requests:5} {counts.unconditional:5} {gap:>9} {score}  {told}"
        )
    asked = sum(press.counts.requests for press in outcome.presses)
    worst = min(one.politeness.points for one in outcome.reports.values())
    print(
        f"{len(outcome.reports)} feeds, {asked} requests in {hours} hours,"
        f" {outcome.restarts} restarts, {outcome.deaths} deaths:"
        f" publishers complain {len(outcome.faults)} times, least own score {worst},"
        f" {time.process_time() - started:.0f} s of CPU"
    )
    return 1 if outcome.faults or worst < 100 else 0


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(numbers + [48, 1][len(numbers) :])))
