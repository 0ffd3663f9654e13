"""What is remembered moves from one engine to the other and back, whatever ends the move."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import main
from aggregator.model.errors import StoreError
from aggregator.model.feeds import Feed
from aggregator.model.push import Delivery
from aggregator.model.visits import Logged
from aggregator.storage import move, open_store
from aggregator.storage.shelves.tables import FIRST, KEYS, NUMBERED
from tests.service.stage import HOUR, NOW, bring, entry
from tests.storage.test_query_plans import stocked

psycopg = pytest.importorskip("psycopg")

ROOT = Path("/")
# Moves in pieces of seven rows, and kills itself at the given word of progress.
KILLED = """
import os, signal, sys
from pathlib import Path
from aggregator.storage import move
words = int(sys.argv[3])
def told(done, of):
    global words
    words -= 1
    if not words:
        os.kill(os.getpid(), signal.SIGKILL)
move(sys.argv[1], sys.argv[2], root=Path("/"), told=told, piece=7)
"""


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Fill every table of a file, and return it."""
    store = stocked(tmp_path, 40)
    with closing(store), store.transaction():
        one = Delivery(
            feed="f1", received_at=NOW, content_type="text/xml", coding="", body=b"\x00\xff"
        )
        store.pushes.deliver(one)
        store.visits.begin("f1", Logged(at=NOW, due=NOW, because="", place=1, conditional=True))
        store.feeds.remember("f1", bytes(range(256)))
        bring(store, "f1", [entry("f1", n, f"Ferry {n}") for n in range(9)], now=NOW + HOUR)
    return tmp_path / "t.sqlite3"


def dumped(path: Path) -> dict[str, list[object]]:
    """Return every row of every table."""
    with closing(sqlite3.connect(path)) as db:
        return {
            table: db.execute(f"SELECT * FROM {table} ORDER BY {', '.join(key)}").fetchall()
            for table, key in KEYS.items()
        }


def address(path: Path) -> str:
    return f"sqlite:///{path}"


def killed(source: str, target: str, at: int) -> int:
    done = subprocess.run([sys.executable, "-c", KILLED, source, target, str(at)], check=False)
    return done.returncode


def test_every_table_has_a_key_by_which_it_is_moved() -> None:
    assert len(KEYS) == FIRST.count("CREATE TABLE") - 1  # but for the note of the move itself
    assert {"item", "delivery", "waiting"} <= NUMBERED


def test_there_and_back_again_every_row_is_the_same(filled: Path, url: str, tmp_path: Path) -> None:
    before = dumped(filled)
    counts = move(address(filled), url, root=ROOT)
    assert counts == {table: len(rows) for table, rows in before.items()}
    back = tmp_path / "back.sqlite3"
    assert move(url, address(back), root=ROOT) == counts
    assert dumped(back) == before == dumped(filled)


def test_what_readers_look_for_is_indexed_anew(filled: Path, url: str) -> None:
    with closing(open_store(address(filled), root=ROOT)) as store:
        store.search.learn([], 7)
    move(address(filled), url, root=ROOT)
    with closing(open_store(url, root=ROOT)) as store:
        assert store.search.mark() == 0


def test_numbers_go_on_where_they_were(filled: Path, url: str) -> None:
    move(address(filled), url, root=ROOT)
    with closing(open_store(url, root=ROOT)) as store:
        last = max(stored.seq for stored in store.items.all())
        (new,) = bring(store, "f1", [entry("f1", 99, "Late")], now=NOW + HOUR)
        assert store.items.by_id([new])[new].seq == last + 1


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 9, 25, 60])
def test_a_move_that_is_killed_goes_on_where_it_was(
    filled: Path, url: str, tmp_path: Path, at: int
) -> None:
    assert killed(address(filled), url, at) == -signal.SIGKILL
    with pytest.raises(StoreError, match="go on with `aggregator migrate`"):
        open_store(url, root=ROOT)
    move(address(filled), url, root=ROOT)

    back = tmp_path / "back.sqlite3"
    assert killed(url, address(back), at) == -signal.SIGKILL
    with pytest.raises(StoreError, match="go on with `aggregator migrate`"):
        open_store(address(back), root=ROOT)
    move(url, address(back), root=ROOT)
    assert dumped(back) == dumped(filled)


def test_a_row_that_is_not_the_same_is_named_and_the_store_stays_closed(
    filled: Path, url: str
) -> None:
    assert killed(address(filled), url, 60) == -signal.SIGKILL
    with psycopg.connect(url) as db:
        db.execute("UPDATE item SET title = 'other' WHERE seq = 3")
    with pytest.raises(StoreError, match="item 3 is not the same in both stores; drop what"):
        move(address(filled), url, root=ROOT)
    with pytest.raises(StoreError, match="go on with `aggregator migrate`"):
        open_store(url, root=ROOT)


def test_a_store_with_something_in_it_is_not_moved_into(
    filled: Path, url: str, tmp_path: Path
) -> None:
    with closing(open_store(url, root=ROOT)) as store:
        store.feeds.configure([Feed(id="own", url="https://own.example/")], now=NOW)
    with pytest.raises(StoreError, match="there is a store already"):
        move(address(filled), url, root=ROOT)
    with pytest.raises(StoreError, match="there is no database to move"):
        move(address(tmp_path / "none.sqlite3"), url, root=ROOT)
    with closing(open_store(url, root=ROOT)) as store:
        assert [state.feed for state in store.feeds.states()] == ["own"]
        with pytest.raises(StoreError, match="in use by another"):
            move(address(filled), url, root=ROOT)


def ask(*words: str) -> Result:
    return CliRunner().invoke(main, ["migrate", *words])


def test_the_command_counts_what_it_moved(filled: Path, url: str) -> None:
    done = ask(address(filled), url)
    assert (done.exit_code, done.output) == (
        0, f"moved: 20 feeds, 49 items, 0 documents; {_rows(filled):,} rows, each compared\n"
    )  # fmt: skip
    again = ask(address(filled), url)
    assert again.exit_code == 1
    assert "there is a store already" in again.output


def _rows(path: Path) -> int:
    return sum(map(len, dumped(path).values()))
