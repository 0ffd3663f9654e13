"""A copy of a database is that of one moment, whole, or not there at all."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from aggregator.model.errors import StoreError, StoreInUseError, StoreTooNewError
from aggregator.model.feeds import Feed
from aggregator.storage import Store, back_up, open_store, restore
from tests.service.stage import NOW, bring, entry

URL = "sqlite:///aggregator.sqlite3"


def filled(folder: Path, items: int = 30) -> Store:
    store = open_store(URL, root=folder)
    store.feeds.configure([Feed(id="harbour", url="https://harbour.example/feed")], now=NOW)
    bring(store, "harbour", [entry("harbour", n, f"Ferry {n} leaves") for n in range(items)])
    return store


def titles(folder: Path, url: str = URL) -> list[str]:
    with closing(open_store(url, root=folder, reading=True)) as store:
        return [stored.item.entry.title for stored in store.items.all()]


@pytest.mark.conforms("E10")
def test_a_copy_made_while_it_is_written_to_is_that_of_one_moment(tmp_path: Path) -> None:
    """Each transaction writes one row into each of two tables: a copy has as many of both."""
    filled(tmp_path, 1_000).close()
    done = Event()

    def write() -> None:
        with closing(sqlite3.connect(tmp_path / "aggregator.sqlite3", isolation_level=None)) as db:
            db.execute("PRAGMA synchronous = OFF")
            number = 0
            while not done.is_set():
                db.execute("BEGIN IMMEDIATE")
                db.execute("INSERT INTO note VALUES (?, '')", [f"n{number}"])
                db.execute("INSERT INTO retired VALUES (?, '')", [f"n{number}"])
                db.execute("COMMIT")
                number += 1

    writer = Thread(target=write)
    writer.start()
    try:
        copies = [back_up(URL, tmp_path / f"copy-{n}", root=tmp_path) for n in range(3)]
    finally:
        done.set()
        writer.join()

    assert [rows["note"] for rows in copies] == [rows["retired"] for rows in copies]
    assert copies[0]["note"] < copies[-1]["note"]  # it was written to, indeed
    assert copies[0]["item"] == 1_000


@pytest.mark.conforms("E10")
def test_a_copy_is_one_file_and_comes_back_in_another_folder(tmp_path: Path) -> None:
    with closing(filled(tmp_path)):  # in use
        told: list[tuple[int, int]] = []
        rows = back_up(URL, tmp_path / "copy", root=tmp_path, told=lambda *said: told.append(said))
        assert rows["item"] == 30
        assert told[-1][0] == told[-1][1] > 0
        assert sorted(path.name for path in tmp_path.glob("*copy*")) == ["copy"]
        before = titles(tmp_path)

    assert restore(tmp_path / "copy", URL, root=tmp_path / "other") == rows
    assert titles(tmp_path / "other") == before
    assert {path.name for path in (tmp_path / "other").iterdir()} == {
        "aggregator.sqlite3",
        "aggregator.sqlite3.lock",
    }


@pytest.mark.conforms("E10")
def test_nothing_is_overwritten(tmp_path: Path) -> None:
    filled(tmp_path).close()
    back_up(URL, tmp_path / "copy", root=tmp_path)
    before = (tmp_path / "copy").read_bytes(), (tmp_path / "aggregator.sqlite3").read_bytes()

    with pytest.raises(StoreError, match="copy: is there already"):
        back_up(URL, tmp_path / "copy", root=tmp_path)
    with pytest.raises(StoreError, match=r"aggregator\.sqlite3: is there already"):
        restore(tmp_path / "copy", URL, root=tmp_path)

    assert (
        (tmp_path / "copy").read_bytes(),
        (tmp_path / "aggregator.sqlite3").read_bytes(),
    ) == before


def test_a_log_that_lies_there_alone_is_not_taken_for_part_of_a_restored_database(
    tmp_path: Path,
) -> None:
    filled(tmp_path).close()
    back_up(URL, tmp_path / "copy", root=tmp_path)
    (tmp_path / "aggregator.sqlite3").unlink()
    (tmp_path / "aggregator.sqlite3-wal").write_bytes(b"what a crash left")
    with pytest.raises(StoreError, match=r"aggregator\.sqlite3-wal: is there already"):
        restore(tmp_path / "copy", URL, root=tmp_path)


def test_a_database_in_use_is_not_restored_over(tmp_path: Path) -> None:
    with closing(filled(tmp_path)):
        back_up(URL, tmp_path / "copy", root=tmp_path)
        with pytest.raises(StoreInUseError, match="stop that one first"):
            restore(tmp_path / "copy", URL, root=tmp_path)


def spoilt(path: Path) -> None:
    """Write over the middle of a file, as a disk that forgets does."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 4))


@pytest.mark.conforms("E10")
def test_a_damaged_database_is_neither_copied_nor_restored(tmp_path: Path) -> None:
    filled(tmp_path, 500).close()
    back_up(URL, tmp_path / "copy", root=tmp_path)
    spoilt(tmp_path / "copy")
    spoilt(tmp_path / "aggregator.sqlite3")

    with pytest.raises(StoreError, match=r"aggregator\.sqlite3: (is damaged|cannot be copied)"):
        back_up(URL, tmp_path / "second", root=tmp_path)
    with pytest.raises(StoreError, match=r"copy: (is damaged|cannot be copied)"):
        restore(tmp_path / "copy", URL, root=tmp_path / "other")

    assert not (tmp_path / "second").exists()
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["aggregator.sqlite3.lock"]


def test_what_is_no_backup_of_ours_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear ferry,", encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "books")) as db:
        db.execute("CREATE TABLE book (title)")
    filled(tmp_path).close()
    back_up(URL, tmp_path / "newer", root=tmp_path)
    with closing(sqlite3.connect(tmp_path / "newer", isolation_level=None)) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('aggregator', 'of_next_year', '')"
        )
    other = tmp_path / "other"

    with pytest.raises(StoreError, match="absent: there is no such file"):
        restore(tmp_path / "absent", URL, root=other)
    with pytest.raises(StoreError, match="letter: not a usable database"):
        restore(tmp_path / "letter", URL, root=other)
    with pytest.raises(StoreError, match="books: a database, but none of aggregator"):
        restore(tmp_path / "books", URL, root=other)
    with pytest.raises(StoreTooNewError, match="of_next_year"):
        restore(tmp_path / "newer", URL, root=other)
    with pytest.raises(StoreError, match="there is no database to back up"):
        back_up(URL, tmp_path / "copy", root=other)


def test_what_a_kill_left_of_a_copy_is_in_nobodys_way(tmp_path: Path) -> None:
    filled(tmp_path).close()
    (tmp_path / ".copy.partial").write_bytes(b"half of it")
    (tmp_path / ".copy.partial-journal").write_bytes(b"")
    back_up(URL, tmp_path / "copy", root=tmp_path)
    assert not list(tmp_path.glob(".copy*"))
