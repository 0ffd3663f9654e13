"""How does the service bear many feeds? ``python -m bench.scale`` prints a table.

The service itself (`aggregator run`), against one nginx at as many loopback addresses as there are
feeds, all overdue at its start. Per round every feed is visited once: the first brings a document,
the others a new entry for a tenth of them and 304 for the rest. Memory is what all its processes
take together (PSS: what is shared is counted once; RSS besides), the pace is that of nginx's log.
"""

import argparse
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers.publisher import Publisher, free_port, served_at

RATE = 100  # starts a second that are allowed here; 10 by default
AT_ONCE = 20  # requests in flight, as by default
SERVICE = f"""
listen: {{host: 127.0.0.1, port: {free_port()}}}
reach: {{allow_private: [127.0.0.0/8]}}
politeness: {{spacing: 0s, start_rate: {RATE}, concurrency: {AT_ONCE}}}
"""
ENTRY = (
    "<item><guid isPermaLink='false'>{feed}-{n}</guid><title>Ferry {n} of town {feed}</title>"
    "<description>It left at {n} o'clock.</description></item>"
)
SHARE = 10  # one of so many feeds has something new in a round
PATIENCE = 10  # times as long as the pace asks for


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Megabytes of all processes of the service."""

    pss: float
    rss: float
    processes: int


def main() -> int:
    """Measure; print."""
    options = _options()
    print("| feeds | round | seconds | most starts a second | PSS MB | RSS MB | processes |")
    print("|------:|------:|--------:|---------------------:|-------:|-------:|----------:|")
    good = True
    for feeds in options.feeds:
        with tempfile.TemporaryDirectory(prefix="scale-") as held:
            good &= _measure(Path(held), feeds, options.rounds)
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale")
    parser.add_argument("--feeds", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=4)
    return parser.parse_args()


def _measure(work: Path, feeds: int, rounds: int) -> bool:
    publishers = [Publisher(number=n, entries=[1]) for n in range(feeds)]
    for publisher in publishers:
        _print(work, publisher)
    with served_at(work, publishers, log=True):
        _settings(work, publishers)
        with _service(work) as service:
            return _rounds(work, publishers, service, rounds)


def _rounds(
    work: Path, publishers: list[Publisher], service: "subprocess.Popen[bytes]", rounds: int
) -> bool:
    most = 0
    for turn in range(rounds):
        if turn:
            for publisher in publishers[turn % SHARE :: SHARE]:
                publisher.print_one_or_two()
                _print(work, publisher)
            _make_due(work)
        seen, began = _asked(work), time.monotonic()
        peak = _until(work, service, (turn + 1) * len(publishers), len(publishers))
        pace = _pace(work, seen)
        most = max(most, pace)
        took = time.monotonic() - began
        print(
            f"| {len(publishers):5} | {turn:5} | {took:7.0f} | {pace:20} | {peak.pss:6.0f} "
            f"| {peak.rss:6.0f} | {peak.processes:9} |",
            flush=True,
        )
    # What has its turn waits for the store and the connection: so many may then come together.
    return most <= RATE + AT_ONCE + 1


def _print(work: Path, publisher: Publisher) -> None:
    folder = work / "documents" / publisher.host
    folder.mkdir(parents=True, exist_ok=True)
    items = "".join(ENTRY.format(feed=publisher.number, n=n) for n in publisher.entries)
    (folder / f"feed.{publisher.kind}").write_text(
        f'<rss version="2.0"><channel><title>Town {publisher.number}</title>{items}</channel></rss>'
    )


def _settings(work: Path, publishers: list[Publisher]) -> None:
    lines = "".join(f"  - {{id: f{p.number}, url: '{p.url}'}}\n" for p in publishers)
    (work / "feeds.yaml").write_text(f"feeds:\n{lines}")
    (work / "config").mkdir()
    (work / "config" / "service.yaml").write_text(SERVICE)


@contextmanager
def _service(work: Path) -> Iterator["subprocess.Popen[bytes]"]:
    files = ("--feeds", f"{work}/feeds.yaml", "--config", f"{work}/config", "--data", str(work))
    command = [str(Path(sys.executable).with_name("aggregator")), *files, "--log", "warning", "run"]
    with (work / "log").open("wb") as log:
        service = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield service
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(60)


def _until(work: Path, service: "subprocess.Popen[bytes]", visits: int, feeds: int) -> Memory:
    """Wait until so many visits were made; return the most memory that was taken meanwhile."""
    peak = Memory(pss=0, rss=0, processes=0)
    for _ in range(PATIENCE * (feeds // RATE + 30)):
        if service.poll() is not None:
            sys.exit(f"the service ended: {(work / 'log').read_text()[-1000:]}")
        peak = max(peak, _memory(service.pid), key=lambda memory: memory.pss)
        if _visits(work) >= visits:
            return peak
        time.sleep(1)
    sys.exit(f"only {_visits(work)} of {visits} visits: {(work / 'log').read_text()[-1000:]}")


def _memory(pid: int) -> Memory:
    pids = [pid, *_descendants(pid)]
    sums: Counter[str] = Counter()
    for one in pids:
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it ended meanwhile
        for line in lines[1:]:
            name, value = line.split()[:2]
            sums[name] += int(value)
    return Memory(pss=sums["Pss:"] / 1024, rss=sums["Rss:"] / 1024, processes=len(pids))


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            yield child
            yield from _descendants(child)


def _visits(work: Path) -> int:
    return int(_ask(work, "SELECT coalesce(sum(visits), 0) FROM feed"))


def _make_due(work: Path) -> None:
    _ask(work, "UPDATE feed SET next_due = '2026-03-01T00:00:00Z' RETURNING 1")


def _ask(work: Path, query: str) -> int:
    path = work / "aggregator.sqlite3"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as db:
        try:
            return int(db.execute(query).fetchall()[0][0])
        except sqlite3.OperationalError:  # the tables are not there yet
            return 0


def _asked(work: Path) -> int:
    return len((work / "access.log").read_text().splitlines())


def _pace(work: Path, since: int) -> int:
    """Return the most requests that any second saw, of those after the first ``since``."""
    lines = (work / "access.log").read_text().splitlines()[since:]
    at = sorted(float(line.split()[0]) for line in lines)
    first, most = 0, 0
    for last, moment in enumerate(at):
        while at[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


if __name__ == "__main__":
    sys.exit(main())
