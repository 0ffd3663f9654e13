"""What does it cost here? ``make bench`` prints one line a figure.

Made-up items, so that no data is needed; figures are of this machine at this moment.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.model.feeds import Feed, FeedState
from aggregator.model.visits import Fetched
from aggregator.service.desk import Desk
from aggregator.service.settling import settle
from aggregator.settings import load
from aggregator.sources.parse import parse
from aggregator.sources.rereading import parse_changed
from aggregator.sources.schedule import Cadence
from aggregator.storage import open_store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEEDS, ROUNDS, FRESH = 40, 10, 10  # 4,000 items
WORDS = 60


def main() -> int:
    """Measure; print."""
    print(f"start-up, aggregator --version: {_started():.0f} ms")
    dice = random.Random(1)
    vocabulary = ["".join(dice.choices("abcdefghijklmnoprstuvw", k=7)) for _ in range(20_000)]
    document = _document(0, 0, 40, dice, vocabulary)
    print(f"parse a feed of 40 entries, {len(document) // 1000} kB: {_parsed(document):.1f} ms")
    with tempfile.TemporaryDirectory() as held:
        _pipeline(Path(held), dice, vocabulary)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:.0f} MB")
    return 0


def _started() -> float:
    command = [sys.executable, "-m", "aggregator", "--version"]
    return min(_took(lambda: subprocess.run(command, check=True, capture_output=True)))


def _parsed(document: bytes) -> float:
    return min(_took(lambda: parse(document, "application/rss+xml", "https://a.example/rss")))


def _took(work: Callable[[], object], times: int = 5) -> list[float]:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append((time.perf_counter() - started) * 1000)
    return found


def _pipeline(work: Path, dice: random.Random, vocabulary: list[str]) -> None:
    settings = load(feeds=None, config=work / "none", environ={})
    store = open_store("sqlite:///bench.sqlite3", root=work)
    desk = Desk.over(store, settings)
    feeds = [Feed(id=f"f{n}", url=f"https://f{n}.example/rss", owner=f"f{n}") for n in range(FEEDS)]
    store.feeds.configure(feeds, now=NOW)
    parsed = {
        (n, r): parse_changed(
            _document(n, r, FRESH, dice, vocabulary), "", f"https://f{n}.example/rss", None
        )
        for n in range(FEEDS)
        for r in range(ROUNDS)
    }
    took = dict.fromkeys(("take in", "file", "publish"), 0.0)
    for r in range(ROUNDS):
        now = NOW + r * timedelta(hours=1)
        started = time.perf_counter()
        for n in range(FEEDS):
            reading = parsed[n, r]
            state = FeedState(feed=f"f{n}", url=feeds[n].url, next_due=now, visits=r)
            answer = Fetched(url=feeds[n].url, body=b"%d" % r)
            settle(store, feeds[n], state, answer, reading, now=now, cadence=Cadence())
        took["take in"] += time.perf_counter() - started
        started = time.perf_counter()
        while desk.file_some(now):
            pass
        took["file"] += time.perf_counter() - started
        started = time.perf_counter()
        desk.publisher.publish(now)
        took["publish"] += time.perf_counter() - started
    items = store.items.count()
    print(f"take in (decide and store a visit): {items / took['take in']:.0f} items/s")
    print(f"file (copies, topics, stories): {items / took['file']:.0f} items/s")
    print(f"publish {len(settings.outputs)} outputs: {took['publish'] / ROUNDS * 1000:.0f} ms")
    store.close()
    size = (work / "bench.sqlite3").stat().st_size
    print(f"database: {size / items / 1000:.1f} kB an item, {items} items")


def _document(
    feed: int, issue: int, entries: int, dice: random.Random, vocabulary: list[str]
) -> bytes:
    def words(count: int) -> str:
        # Some words are common and most are rare, as in a language.
        return " ".join(vocabulary[int(20_000 * dice.random() ** 3)] for _ in range(count))

    at = NOW + issue * timedelta(hours=1)
    items = "".join(
        f"<item><title>{words(9)}</title><guid>{feed}-{issue}-{n}</guid>"
        f"<link>https://f{feed}.example/{issue}/{n}</link>"
        f"<pubDate>{at - n * timedelta(minutes=1):%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
        f"<description>&lt;p&gt;{words(WORDS)}&lt;/p&gt;</description></item>"
        for n in range(entries)
    )
    return f'<rss version="2.0"><channel><title>f{feed}</title>{items}</channel></rss>'.encode()


if __name__ == "__main__":
    sys.exit(main())
