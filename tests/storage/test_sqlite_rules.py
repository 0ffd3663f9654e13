"""What is asked of every SQLite file that we write, whatever is in it."""

import ast
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from aggregator.model.errors import StoreError
from aggregator.storage import open_store
from aggregator.storage.sqlite import SqliteStore
from aggregator.storage.sqlite.connection import BUSY_SECONDS, Connection

ROOT = Path(__file__).parents[2]
OUR_TABLES = "SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND schema = 'main'"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    made = Connection(tmp_path / "t.sqlite3")
    yield made
    made.close()


def pragma(connection: Connection, name: str) -> object:
    (value,) = connection.rows(f"PRAGMA {name}")[0].values()
    return value


@pytest.mark.conforms("E01")
def test_which_sqlite_it_is_can_be_told(tmp_path: Path) -> None:
    """One writer by a lock beside the file keeps clear of what ails its log before 3.51.3."""
    with closing(open_store("sqlite:///t.sqlite3", root=tmp_path)) as store:
        assert store.about()["sqlite"] == sqlite3.sqlite_version
        with pytest.raises(StoreError, match="in use by another"):
            open_store("sqlite:///t.sqlite3", root=tmp_path)


@pytest.mark.conforms("E02")
def test_what_a_connection_is_set_to(connection: Connection) -> None:
    found = {
        name: pragma(connection, name)
        for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "mmap_size")
    }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "busy_timeout": BUSY_SECONDS * 1000,
        "foreign_keys": 1,
        "mmap_size": 0,
    }
    assert BUSY_SECONDS >= 5


@pytest.mark.conforms("E04")
def test_a_transaction_takes_the_write_lock_before_it_reads(
    connection: Connection, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "t.sqlite3", timeout=0)) as other:
        with connection.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


@pytest.mark.conforms("E13")
def test_every_table_is_strict_and_knows_its_columns(connection: Connection) -> None:
    tables = [row for row in connection.rows(OUR_TABLES) if not row["name"].startswith(_OTHERS)]
    assert len(tables) > 10
    assert [row["name"] for row in tables if not row["strict"]] == []
    with pytest.raises(StoreError, match="no column named whim"):
        connection.run("INSERT INTO feed (id, whim) VALUES ('a', 1)")


# SQLite's own, sqlite-utils', the indexes'
_OTHERS = ("sqlite_", "_sqlite_migrations", "word", "fresh")


@pytest.mark.conforms("E14")
def test_of_many_rows_all_are_stored_or_none(connection: Connection) -> None:
    table = "CREATE TABLE number (n INTEGER NOT NULL) STRICT"
    connection.run(table)
    rows: list[tuple[Any]] = [(n,) for n in range(250)]
    with pytest.raises(StoreError, match="NOT NULL"), connection.transaction():
        connection.run_many("INSERT INTO number VALUES (?)", [*rows, (None,)])
    assert connection.rows("SELECT count(*) AS n FROM number") == [{"n": 0}]


@pytest.mark.conforms("E18")
def test_what_a_statement_returns_is_there_for_others_at_once(
    connection: Connection, tmp_path: Path
) -> None:
    connection.run("CREATE TABLE number (n INTEGER NOT NULL) STRICT")
    assert connection.rows("INSERT INTO number VALUES (1), (2) RETURNING n") == [
        {"n": 1},
        {"n": 2},
    ]
    with closing(sqlite3.connect(tmp_path / "t.sqlite3")) as other:
        assert other.execute("SELECT count(*) FROM number").fetchone() == (2,)


@pytest.mark.conforms("E20")
def test_the_planners_figures_are_refreshed_when_it_closes(tmp_path: Path) -> None:
    connection = Connection(tmp_path / "t.sqlite3")
    connection.run("CREATE TABLE number (n INTEGER NOT NULL) STRICT")
    connection.run("CREATE INDEX number_n ON number (n)")
    connection.run("ANALYZE number")
    connection.run_many("INSERT INTO number VALUES (?)", [(n,) for n in range(5000)])
    connection.rows("SELECT n FROM number WHERE n = 7")
    connection.close()
    with closing(sqlite3.connect(tmp_path / "t.sqlite3")) as db:
        found = db.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'number'").fetchall()
        (rows,) = (int(stat.split()[0]) for (stat,) in found)
        assert 4000 < rows < 6000  # of an empty table there were none


@pytest.mark.conforms("E17")
def test_no_table_is_copied_while_the_service_runs() -> None:
    """sqlite-utils changes a table by writing it anew; migrations say in SQL what they change."""
    named = {
        node.func.attr
        for path in (ROOT / "aggregator").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not named & {"transform", "transform_sql", "add_foreign_key", "add_foreign_keys"}


@pytest.mark.conforms("D56")
def test_no_plugin_of_sqlite_utils_runs_in_the_service(tmp_path: Path) -> None:
    """One is installed that tells when it is loaded; sqlite-utils alone would load it."""
    about = tmp_path / "site" / "intruder-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: intruder\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[sqlite_utils]\nintruder = intruder\n")
    (about.parent / "intruder.py").write_text(
        "import sqlite_utils\n@sqlite_utils.hookimpl\ndef prepare_connection(conn): print('here')\n"
    )

    def run(code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{about.parent}:{ROOT}"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert "here" in run("import sqlite_utils; sqlite_utils.Database(memory=True)")
    assert (
        run(
            "from pathlib import Path; from aggregator.storage import open_store;"
            "open_store('sqlite:///t.sqlite3', root=Path('.')).close()"
        )
        == ""
    )


@pytest.mark.conforms("E59")
def test_a_store_is_opened_without_pip(tmp_path: Path) -> None:
    """An image may lack it, though sqlite-utils names it as something that it needs."""
    code = (
        "import sys; sys.modules['pip'] = None\n"
        "from pathlib import Path; from aggregator.storage import open_store\n"
        f"open_store('sqlite:///t.sqlite3', root=Path({str(tmp_path)!r})).close()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.conforms("E21")
def test_who_reads_waits_for_no_writer(tmp_path: Path) -> None:
    store = cast("SqliteStore", open_store("sqlite:///t.sqlite3", root=tmp_path))
    with closing(store), closing(store.reader()) as reader, store.transaction():
        assert reader.items.count() == 0
