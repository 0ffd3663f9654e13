"""Does a database survive being killed while polling?

``python -m bench.kills [N]`` runs ``aggregator poll`` against local publishers whose feeds grow
all the time, kills it (SIGKILL) at N random moments, lets it finish once, and then counts: every
entry that was served must be stored exactly once, and the database must be sound. Exits 1 if not.
"""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FEEDS = 12
ENTRIES = 25
GROWTH = 3  # new entries of a feed each time it is asked
SEED = 20260301


class Press(ThreadingHTTPServer):
    """Publishers whose feeds grow at every other request, and answer 304 when they did not."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issues = [0] * FEEDS
        self.lock = threading.Lock()
        self.dice = random.Random(SEED)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a reader that was killed hangs up."""

    def issue(self, feed: int) -> int:
        """Return the number of the newest entry of a feed, which may be a new one."""
        with self.lock:
            if self.issues[feed] == 0 or self.dice.random() < 0.5:
                self.issues[feed] += GROWTH
            return self.issues[feed]


def document(feed: int, newest: int) -> bytes:
    """Print a feed: RSS with its newest entries first."""
    numbers = range(newest, max(0, newest - ENTRIES), -1)
    items = "".join(_ENTRY.format(feed=feed, number=number) for number in numbers)
    return _FEED.format(feed=feed, items=items).encode()


_FEED = '<rss version="2.0"><channel><title>Paper {feed}</title>{items}</channel></rss>'
_ENTRY = (
    "<item><title>Report {number} of paper {feed}</title><guid>paper-{feed}-{number}</guid>"
    "<link>http://paper-{feed}.example/{number}</link>"
    "<description>Paper {feed} has found number {number}, and tells of it at length.</description>"
    "</item>"
)


class _Handler(BaseHTTPRequestHandler):
    server: Press

    def do_GET(self) -> None:
        feed = int(self.path.rpartition("/")[2])
        newest = self.server.issue(feed)
        time.sleep(self.server.dice.uniform(0, 0.05))
        tag = f'"{newest}"'
        if self.headers.get("If-None-Match") == tag:
            self.send_response(304)
            self.send_header("ETag", tag)
            self.end_headers()
            return
        body = document(feed, newest)
        self.send_response(200)
        self.send_header("ETag", tag)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(kills: int) -> int:
    """Kill ``kills`` times, finish once, count."""
    press = Press()
    threading.Thread(target=press.serve_forever, daemon=True).start()
    dice = random.Random(SEED)
    with tempfile.TemporaryDirectory() as held:
        work = Path(held)
        _settings(work, press.server_address[1])
        whole = _poll(work, None)
        hit = tries = 0
        while hit < kills:  # a poll that ended before its time was not killed
            _time_passes(work)
            hit += _poll(work, dice.uniform(0.2, max(whole, 0.5))) < 0
            tries += 1
        _time_passes(work)
        _poll(work, None)
        good = _count(work, press.issues)
    press.shutdown()
    print(f"killed {hit} times in {tries} polls")
    return 0 if good else 1


def _settings(work: Path, port: int) -> None:
    feeds = [{"url": f"http://127.0.0.1:{port}/{n}", "id": f"paper-{n}"} for n in range(FEEDS)]
    (work / "feeds.yaml").write_text(json.dumps({"feeds": feeds}), encoding="utf-8")
    (work / "config").mkdir()
    service = {
        "reach": {"allow_private": ["127.0.0.0/8"]},
        "politeness": {"spacing": "0s", "per_host": 8, "start_rate": 1000},
    }
    (work / "config" / "service.yaml").write_text(json.dumps(service), encoding="utf-8")


def _poll(work: Path, kill_after: float | None) -> float:
    """Run one poll; return its seconds, or -1 when it was killed."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "aggregator", "--log", "error", "poll"],
        cwd=work,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, told = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return -1
    if process.returncode:
        sys.exit(f"poll ended with {process.returncode}: {told.decode()[-2000:]}")
    return time.monotonic() - started


def _time_passes(work: Path) -> None:
    """Make every feed due again, as an hour would."""
    with sqlite3.connect(work / "data" / "aggregator.sqlite3") as db:
        db.execute("UPDATE feed SET next_due = '2000-01-01T00:00:00Z'")
    db.close()


def _count(work: Path, newest_of: list[int]) -> bool:
    db = sqlite3.connect(work / "data" / "aggregator.sqlite3")
    sound = db.execute("PRAGMA integrity_check").fetchone()[0]
    stored = db.execute("SELECT guid FROM item").fetchall()
    waiting = db.execute("SELECT count(*) FROM item WHERE filed = 0").fetchone()[0]
    orphans = db.execute(
        "SELECT count(*) FROM item LEFT JOIN identity ON identity.item = item.id"
        " WHERE identity.key IS NULL"
    ).fetchone()[0]
    db.close()
    guids = {guid for (guid,) in stored}
    # All that the feeds hold now must be there: by a whole visit, or by a 304 that was honest.
    served = {
        f"paper-{feed}-{number}"
        for feed, newest in enumerate(newest_of)
        for number in range(max(1, newest - ENTRIES + 1), newest + 1)
    }
    lost, doubled = served - guids, len(stored) - len(guids)
    print(f"integrity {sound}, stored {len(stored)}, listed at the end {len(served)}")
    print(f"lost {len(lost)}, doubled {doubled}, unfiled {waiting}, without identity {orphans}")
    return sound == "ok" and not (lost or doubled or waiting or orphans)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
