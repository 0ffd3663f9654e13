"""What is true of a store that is a file."""

import sqlite3
from pathlib import Path

import pytest

from aggregator.model.errors import StoreError, StoreTooNewError
from aggregator.storage import open_store


def test_what_a_reader_cannot_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database yet"):
        open_store("sqlite:///none.sqlite3", root=tmp_path, reading=True)
    sqlite3.connect(tmp_path / "old.sqlite3").close()
    with pytest.raises(StoreError, match="older version"):
        open_store("sqlite:///old.sqlite3", root=tmp_path, reading=True)
    assert {path.name for path in tmp_path.iterdir()} == {"old.sqlite3"}


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    store = open_store("sqlite:///t.sqlite3", root=tmp_path)
    store.close()
    with sqlite3.connect(tmp_path / "t.sqlite3") as newer:
        newer.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('aggregator', 'from_the_future', '')"
        )
    newer.close()

    with pytest.raises(StoreTooNewError, match="from_the_future"):
        open_store("sqlite:///t.sqlite3", root=tmp_path)


def test_a_file_that_is_no_database_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "t.sqlite3").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(StoreError, match="restore a backup"):
        open_store("sqlite:///t.sqlite3", root=tmp_path)


def test_an_unknown_kind_of_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="sqlite:///FILE"):
        open_store("oracle://x", root=tmp_path)
