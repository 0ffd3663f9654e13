"""What people and their tools read: every view, at any time, and as it is described."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from aggregator.storage import Store, open_store
from aggregator.storage.shelves import views
from tests.service.stage import NOW, bring, entry
from tests.storage.test_backup import URL, filled
from tests.storage.test_store_contract import file_all

PAGE = (Path(__file__).parents[2] / "docs" / "database.md").read_text("utf-8")


def readable(folder: Path) -> sqlite3.Connection:
    """Open the database as docs/database.md says."""
    return sqlite3.connect(f"file:{folder / 'aggregator.sqlite3'}?mode=ro", uri=True)


@pytest.mark.parametrize("name", views.NAMES)
def test_every_view_and_each_of_its_columns_is_described(name: str, tmp_path: Path) -> None:
    open_store(URL, root=tmp_path).close()
    with closing(readable(tmp_path)) as db:
        columns = [column for column, *_ in db.execute(f"SELECT * FROM {name}").description]
    described = re.search(rf"\*\*`{name}`\*\*.*?(?=\n\n)", PAGE, re.DOTALL)
    assert described
    assert re.findall(r"`(\w+)`", described[0])[1:] == columns


def test_no_view_shows_a_secret() -> None:
    assert not re.search(r"\b(subscription|delivery|note|secret|token)\b", views.FOR_PEOPLE)


@pytest.mark.conforms("E03", "E06")
def test_each_view_can_be_read_while_the_service_writes(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with closing(store):
        file_all(store)
        write_while(store, tmp_path)


def write_while(store: Store, folder: Path) -> None:
    """Read all views again and again while visits are stored; both see only whole ones."""
    done, read, wrong = Event(), Event(), list[str]()

    def look() -> None:
        while not done.is_set():
            with closing(readable(folder)) as db:
                for name in views.NAMES:
                    db.execute(f"SELECT * FROM {name}").fetchall()
                (count,) = db.execute("SELECT count(*) FROM items_view").fetchone()
                if count % 10:
                    wrong.append(f"half a visit: {count} items")
            read.set()

    reader = Thread(target=look)
    reader.start()
    try:
        for number in range(30, 330, 10):
            some = range(number, number + 10)
            bring(store, "harbour", [entry("harbour", n, f"Ferry {n} leaves") for n in some])
            read.wait(10)
            read.clear()
        store.tidy(NOW)
    finally:
        done.set()
        reader.join()
    assert wrong == []


def test_a_tool_that_tries_to_write_is_refused(tmp_path: Path) -> None:
    filled(tmp_path).close()
    with (
        closing(readable(tmp_path)) as db,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        db.execute("DELETE FROM item")
