"""How do pollers share the work, and how many feeds does one database bear?

``python -m bench.fleet pollers`` lets 1, 2 and 4 pollers visit the same feeds, all overdue, and
reads from the publishers' log whether any was asked twice or missed, and how close two requests at
one host came. Publishers on this machine answer at once, which none does that is far away; with
``--latency .3`` they take so many seconds. ``python -m bench.fleet many`` spreads 100,000 feeds
that have nothing new over half an hour and measures ten minutes with two pollers.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

from aggregator.service import clock
from bench.peers.publisher import PORT, Publisher, served_at
from tests.fleet import Fleet, Member, sailing
from tests.postgres import NoServerError, Server
from tests.stores import Hand

SPACING = 1  # second between two requests at a host
SERVICE = f"""
reach: {{allow_private: [127.0.0.0/8]}}
politeness: {{spacing: {SPACING}s, start_rate: 1000, concurrency: 32, per_host: 1}}
polling: {{default_every: 30m}}
limits: {{workers: 1}}
push: {{subscribe: "off"}}
site: {{base_url: 'https://news.example'}}
"""
TICKS = os.sysconf("SC_CLK_TCK")
DURABLE: tuple[str, ...] = ()  # PostgreSQL's own settings: every visit is on the disk


def main() -> int:
    """Measure what was asked for; print."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet")
    parser.add_argument("what", choices=("pollers", "many"))
    parser.add_argument("--hosts", type=int, default=0)
    parser.add_argument("--each", type=int, default=0, help="feeds of a host")
    parser.add_argument("--latency", type=float, default=0, help="seconds until an answer")
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    try:
        server = Server.begin(options=DURABLE)
    except NoServerError as error:
        print(f"bench.fleet: no PostgreSQL server ({error}); nothing measured")
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="fleet-") as held:
            if asked.what == "pollers":
                feeds = Feeds.of(Path(held), asked.hosts or 500, asked.each or 4)
                return _pollers(Path(held), server, feeds, asked.latency)
            return _many(Path(held), server, asked.hosts or 1_000, asked.each or 100, asked.minutes)
    finally:
        server.end()


@dataclass(frozen=True, kw_only=True)
class Feeds:
    """Feeds at ``hosts``, ``each`` so many; all of a host are one document."""

    hosts: list[Publisher]
    each: int

    @classmethod
    def of(cls, folder: Path, hosts: int, each: int) -> "Feeds":
        made = [Publisher(number=3 * n + 1, entries=[1]) for n in range(hosts)]  # RSS, all of them
        for host in made:
            place = folder / "documents" / host.host
            place.mkdir(parents=True)
            text = f"<item><guid>{host.number:06}</guid><title>Town {host.number:06}</title></item>"
            (place / "feed.rss").write_text(f'<rss version="2.0"><channel>{text}</channel></rss>')
            os.utime(place / "feed.rss", (1_772_452_800, 1_772_452_800))
        return cls(hosts=made, each=each)

    def lines(self) -> list[str]:
        return [
            f"{{id: h{host.number}n{n}, url: '{host.url}?n={n}'}}"
            for host in self.hosts
            for n in range(self.each)
        ]


# pollers


def _pollers(work: Path, server: Server, feeds: Feeds, latency: float) -> int:
    good = True
    print(
        "| pollers | feeds | seconds | visits a second | ms of CPU a visit: pollers | PostgreSQL"
        " | asked twice | missed | closest at a host, s |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    with _answering(work, feeds, latency):
        for pollers in (1, 2, 4):
            good &= _race(work, server, feeds, pollers)
    return 0 if good else 1


@contextmanager
def _answering(work: Path, feeds: Feeds, latency: float) -> Iterator[None]:
    if not latency:
        with served_at(work, feeds.hosts, log=True):
            yield
        return
    words = ["-m", "bench.slow", str(PORT), str(latency), str(work / "access.log")]
    server = subprocess.Popen([sys.executable, *words])
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def _race(work: Path, server: Server, feeds: Feeds, pollers: int) -> bool:
    url = server.new()
    folder = work / f"with-{pollers}"
    folder.mkdir()
    total = len(feeds.hosts) * feeds.each
    seen = len(_log(work))
    _stock(work, folder, url, feeds, 0)
    with sailing(folder, url, feeds.lines(), *["poller"] * pollers, service=SERVICE) as fleet:
        _await_start(fleet.members)
        before = [_cpu(member.process.pid) for member in fleet.members]
        database = _database_cpu(server)
        fleet.start("scheduler")
        began = _first(work, seen, fleet)
        while len(_log(work)) - seen < total and time.monotonic() - began < 400:
            time.sleep(0.2)
        took = time.monotonic() - began
        time.sleep(3)  # should any be asked twice
        spent = sum(_cpu(m.process.pid) for m in fleet.members[:pollers]) - sum(before)
        database = _database_cpu(server) - database
    asked = _log(work)[seen:]
    counts = Counter((host, path) for _, host, path in asked)
    twice, missed, closest = len(asked) - len(counts), total - len(counts), _closest(asked)
    own, theirs = spent / total * 1000, database / total * 1000
    print(
        f"| {pollers:7} | {total:5} | {took:7.1f} | {total / took:15.1f} | {own:26.2f} |"
        f" {theirs:10.2f} | {twice:11} | {missed:6} | {closest:20.3f} |",
        flush=True,
    )
    server.drop(url)
    return not (twice or missed) and closest >= SPACING * 0.9


def _await_start(members: Iterable[Member]) -> None:
    for member in members:
        while not _acts(member):
            if member.process.poll() is not None:
                sys.exit(member.said()[-2000:])
            time.sleep(0.2)


def _acts(member: Member) -> bool:
    if member.role == "web":
        return member.get("healthz") is not None
    return any(word in member.said() for word in ('"polls"', '"leads"'))


def _first(work: Path, seen: int, fleet: Fleet) -> float:
    end = time.monotonic() + 60
    while len(_log(work)) == seen:
        if time.monotonic() > end:
            sys.exit(fleet.told())
        time.sleep(0.05)
    return time.monotonic()


def _log(work: Path) -> list[tuple[float, str, str]]:
    log = work / "access.log"
    lines = (line.split() for line in log.read_text().splitlines()) if log.exists() else ()
    return [(float(at), host, path) for at, host, path in lines]


def _closest(asked: Iterable[tuple[float, str, str]]) -> float:
    """Return the least time between two requests at one host, in seconds."""
    times = defaultdict(list)
    for at, host, _ in asked:
        times[host].append(at)
    gaps = (b - a for each in times.values() for a, b in pairwise(sorted(each)))
    return min(gaps, default=0.0)


# many


def _many(work: Path, server: Server, hosts: int, each: int, minutes: float) -> int:
    feeds, url = Feeds.of(work, hosts, each), server.new()
    total = hosts * each
    roles = ("scheduler", "poller", "poller", "organiser", "web")
    with served_at(work, feeds.hosts, log=True):
        took, due = _stock(work, work, url, feeds, 1_800)
        print(f"the first start, until all feeds are stored: {took:.1f} s", flush=True)
        began = time.monotonic()
        with sailing(work, url, feeds.lines(), *roles, service=SERVICE) as fleet:
            _await_start(fleet.members)
            took = time.monotonic() - began
            print(f"a start of all roles, side by side: {took:.1f} s", flush=True)
            time.sleep(max((due - clock.now()).total_seconds(), 0) + 30)
            since, size = clock.now(), _size(url)
            before = {m: _cpu(m.process.pid) for m in fleet.members}
            database = _database_cpu(server)
            time.sleep(minutes * 60)
            spent = {m: _cpu(m.process.pid) - before[m] for m in fleet.members}
            database = _database_cpu(server) - database
            memory = {m: _memory(m.process.pid) for m in fleet.members}
            lags = _lags(url, since) or [0.0]
            grown = _size(url) - size
            tables = _tables(url)
    seconds = minutes * 60
    pace = len(lags) / seconds
    print(f"{total:,} feeds, {len(lags):,} visits in {minutes:g} minutes ({pace:.1f} a second)")
    cuts = quantiles([*lags, *lags], n=100)
    print(f"late by: median {cuts[49]:.1f} s, p99 {cuts[98]:.1f} s, most {max(lags):.1f} s")
    for member in fleet.members:
        print(f"{member.role}: {spent[member] / seconds:.2f} cores, {memory[member]:.0f} MB")
    print(f"PostgreSQL: {database / seconds:.2f} cores; {size >> 20} MB, {grown / 2**20:+.1f} MB")
    print("largest tables: " + ", ".join(f"{name} {size >> 20} MB" for name, size in tables))
    asked = [line for line in _log(work) if line[0] >= since.timestamp()]
    twice = len(asked) - len({(host, path) for _, host, path in asked})
    print(
        f"{len(asked):,} requests; asked twice: {twice}; closest at a host: {_closest(asked):.3f} s"
    )
    return 0


def _stock(
    work: Path, folder: Path, url: str, feeds: Feeds, spread: float
) -> tuple[float, datetime]:
    """Let all feeds be known, with validators that still hold, due evenly over so many seconds.

    Returns how many seconds the start took, and when the first is due.
    """
    began = time.monotonic()
    with sailing(folder, url, feeds.lines(), "scheduler", service=SERVICE) as fleet:
        _await_start(fleet.members)
        took = time.monotonic() - began
    stat = (work / "documents" / feeds.hosts[0].host / "feed.rss").stat()
    etag = f'"{int(stat.st_mtime):x}-{stat.st_size:x}"'
    start = clock.now() + timedelta(seconds=30 + 3 * took if spread else -60)
    with closing(Hand(url)) as hand:
        hand.execute("DELETE FROM procrastinate_jobs")
        hand.execute(
            "UPDATE feed SET validator_url = url, etag = convert_to(?::text, 'UTF8'), visits = 1,"
            " attempted_at = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
            " because = 'interval', next_due = to_char(to_timestamp(?::float8 + place * ?::float8)"
            " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM (SELECT id AS of,"
            " row_number() OVER (ORDER BY md5(id)) AS place FROM feed) AS spread WHERE of = id",
            [etag, start.timestamp(), spread / (len(feeds.hosts) * feeds.each)],
        )
        hand.execute("VACUUM ANALYZE")
    return took, start


def _lags(url: str, since: datetime) -> list[float]:
    with closing(Hand(url)) as hand:
        rows = hand.execute(
            "SELECT extract(epoch FROM at::timestamptz - due::timestamptz)::float8 FROM visit"
            " WHERE at > ?",
            [since.strftime("%Y-%m-%dT%H:%M:%SZ")],
        ).fetchall()
    return [float(lag) for (lag,) in rows]


def _tables(url: str) -> list[tuple[str, int]]:
    with closing(Hand(url)) as hand:
        rows = hand.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = current_schema()::regnamespace ORDER BY 2 DESC LIMIT 4"
        ).fetchall()
    return [(name, size) for name, size in rows]


def _size(url: str) -> int:
    with closing(Hand(url)) as hand:
        return int(hand.execute("SELECT pg_database_size(current_database())").fetchone()[0])


# what processes take


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _family(int(child))
    return found


def _cpu(pid: int) -> float:
    """Return the seconds of processor time that a process and its children have taken."""
    total = 0
    for one in _family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def _memory(pid: int) -> float:
    """Return the megabytes of a process and its children, what they share counted once."""
    total = 0
    for one in _family(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def _database_cpu(server: Server) -> float:
    pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    return _cpu(pid)


if __name__ == "__main__":
    sys.exit(main())
