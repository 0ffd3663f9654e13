"""How is a store opened that is one SQLite file?"""

import sqlite3
from pathlib import Path

from aggregator.storage.protocol import Store
from aggregator.storage.shelves.store import SqlStore
from aggregator.storage.sqlite.connection import Connection
from aggregator.storage.sqlite.search import SqliteSearch


class SqliteStore(SqlStore):
    """Everything that is remembered, in one SQLite file."""

    def __init__(self, path: Path, *, reading: bool = False, keep: bool = True) -> None:
        """Open or create the database at ``path``; `StoreError` says what to do when it fails.

        For ``reading`` it must exist; another process may write to it meanwhile. One of an older
        version is brought up to date, after a backup if that is to ``keep``. It tells its version:
        before 3.51.3 SQLite's log must have one writer, as here.
        """
        self._path = path
        self._connection = Connection(path, reading=reading, keep=keep)
        about = {"store": "sqlite", "sqlite": sqlite3.sqlite_version}
        if self._connection.former is not None:
            about["upgraded"] = f"the database as it was is in {self._connection.former}"
        super().__init__(self._connection, about)
        self.search = SqliteSearch(self._connection)

    def reader(self) -> Store:
        """Open the same file once more, only to read, for the thread that asks."""
        return SqliteStore(self._path, reading=True)

    def compact(self) -> None:
        """Make the file as small as what it holds."""
        self._connection.compact()


def _conforms(store: SqliteStore) -> Store:
    return store
