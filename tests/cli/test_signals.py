"""Told to stop: within ten seconds, whole, and at once when told twice."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.model.feeds import Feed
from aggregator.storage import open_store
from tests.origin import Origin, answer, hang
from tests.process import DATABASE, SERVE, furnish, make_due, opened, program, whole
from tests.service.stage import NOW, bring, entry, item, rss
from tests.storage.test_upgrade import first_schema

pytestmark = pytest.mark.slow


def waiting_for(origin: Origin, path: str) -> None:
    while not origin.asked(path):
        time.sleep(0.02)


@pytest.mark.conforms("E42")
def test_it_stops_while_publishers_are_asked(origin: Origin, tmp_path: Path) -> None:
    origin.script("/a", hang())
    furnish(tmp_path, [f"'{origin.url('/a')}'"])
    with program(tmp_path, *SERVE) as run:
        run.serves()
        waiting_for(origin, "/a")
        assert run.stop() == 0
    assert whole(run.data)
    assert not list(run.data.glob("*-wal"))


@pytest.mark.conforms("E42")
def test_told_twice_it_leaves_at_once(origin: Origin, tmp_path: Path) -> None:
    """The first would have waited for the publisher that hangs."""
    origin.script("/a", hang())
    furnish(tmp_path, [f"'{origin.url('/a')}'"])
    with program(tmp_path, *SERVE) as run:
        run.serves()
        waiting_for(origin, "/a")
        run.process.send_signal(signal.SIGTERM)
        while accepts(run.url):
            time.sleep(0.02)
        assert run.stop() == 128 + signal.SIGTERM
    assert whole(run.data)


def accepts(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as line:
        return line.connect_ex((host, int(port))) == 0


@pytest.mark.conforms("E42", "E49")
def test_it_stops_while_editions_are_rendered_and_has_all_of_them_or_none(tmp_path: Path) -> None:
    """They are made in one transaction, which is told to nobody until it is done."""
    outputs = [f"{{name: all-{n}, kind: latest, limit: 1000}}" for n in range(12)]
    furnish(tmp_path, ["'https://a.invalid/rss'"], outputs=f"outputs: [{', '.join(outputs)}]\n")
    feed = "a-invalid-rss"
    (tmp_path / "data").mkdir()
    with closing(open_store(f"sqlite:///{DATABASE}", root=tmp_path / "data")) as store:
        store.feeds.configure([Feed(id=feed, url="https://a.invalid/rss", owner=feed)], now=NOW)
        bring(
            store, feed, [entry(feed, n, f"Ferry {n} leaves", "It does. " * 50) for n in range(300)]
        )
    with program(tmp_path, *SERVE) as run:
        run.serves()
        while not filed(run.data):
            time.sleep(0.02)
        assert run.stop() == 0
    assert whole(run.data)
    with opened(run.data) as db:
        (made,) = db.execute("SELECT count(*) FROM output WHERE path LIKE '%all-%'").fetchone()
    assert made in {0, 12 * 3}
    with program(tmp_path, *SERVE) as run:
        run.serves()
        run.comes("feeds/all-11.atom", b"Ferry 299 leaves")


def filed(data: Path) -> bool:
    with opened(data) as db:
        return not db.execute("SELECT 1 FROM item WHERE filed = 0 LIMIT 1").fetchone()


@pytest.mark.conforms("E12", "E42")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_within_an_upgrade_which_is_done_at_the_next_start(
    tmp_path: Path, number: int
) -> None:
    """It waits for somebody else's lock, in the midst of a statement."""
    (tmp_path / "data").mkdir()
    first_schema(tmp_path / "data").rename(tmp_path / "data" / DATABASE)
    furnish(tmp_path, ["'https://a.invalid/rss'"])
    with program(tmp_path, *SERVE) as run, opened(run.data) as db:
        db.execute("BEGIN IMMEDIATE")
        while not list(run.data.glob("*.before-*")):
            time.sleep(0.02)
        assert run.stop(number) == 128 + number
        db.execute("ROLLBACK")
    with program(tmp_path, *SERVE) as run:
        run.until("started", "the database as it was is in")
        assert run.stop() == 0
    assert whole(run.data)


def confined(*words: str) -> list[str]:
    """Return words that make what comes after them the first process of a space of its own."""
    if os.geteuid() or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare")
    return ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *words]


def first_of(run: subprocess.Popen[str]) -> int:
    """Return the process, as seen from here, that is number 1 in there."""
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    while not children.read_text().split():
        time.sleep(0.02)
    return int(children.read_text().split()[0])


@pytest.mark.conforms("E43", "E42", "E45")
def test_as_the_first_process_of_a_container_it_stops_and_leaves_no_zombies(
    origin: Origin, tmp_path: Path
) -> None:
    origin.script("/a", answer(200, rss(item(1))), answer(200, rss(item(1), item(2))))
    furnish(tmp_path, [f"'{origin.url('/a')}'"])
    with program(tmp_path, *SERVE, before=confined()) as run:
        run.serves()
        run.comes("feeds/latest.atom", b"Ferry 1 leaves")
        first = first_of(run.process)
        (worker,) = (pid for pid in descendants(first) if b"spawn_main" in command(pid))
        os.kill(worker, signal.SIGKILL)
        make_due(run.data)
        run.comes("feeds/latest.atom", b"Ferry 2 leaves")
        assert [pid for pid in descendants(first) if state(pid) == "Z"] == []
        os.kill(first, signal.SIGTERM)
        assert run.process.wait(10) == 0
    assert whole(run.data)


@pytest.mark.conforms("E43")
def test_as_the_first_process_it_stops_within_an_upgrade_too(tmp_path: Path) -> None:
    """The system itself would pass a signal over that the first process has no handler for."""
    (tmp_path / "data").mkdir()
    first_schema(tmp_path / "data").rename(tmp_path / "data" / DATABASE)
    furnish(tmp_path, ["'https://a.invalid/rss'"])
    with program(tmp_path, *SERVE, before=confined()) as run, opened(run.data) as db:
        db.execute("BEGIN IMMEDIATE")
        while not list(run.data.glob("*.before-*")):
            time.sleep(0.02)
        os.kill(first_of(run.process), signal.SIGTERM)
        assert run.process.wait(8) == 128 + signal.SIGTERM  # the lock is waited for longer


def descendants(pid: int) -> list[int]:
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *descendants(int(child))]
    return found


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
