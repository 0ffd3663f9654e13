"""What makes the shelves one store?"""

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from aggregator.storage.protocol import Store
from aggregator.storage.sqlite.connection import Connection
from aggregator.storage.sqlite.feeds import SqliteFeeds
from aggregator.storage.sqlite.hosts import SqliteHosts
from aggregator.storage.sqlite.items import SqliteItems
from aggregator.storage.sqlite.outputs import SqliteNotes, SqliteOutputs
from aggregator.storage.sqlite.pushes import SqlitePushes
from aggregator.storage.sqlite.stories import SqliteStories
from aggregator.storage.sqlite.visits import SqliteVisits

A_VISIT = 100_000  # bytes, of a large one
_REHEARSAL = "rehearsal"


class SqliteStore:
    """Everything that is remembered, in one SQLite file."""

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        """Open or create the database at ``path``; `StoreError` says what to do when it fails.

        For ``reading`` it must exist; another process may write to it meanwhile.
        """
        self._connection = Connection(path, reading=reading)
        self.feeds = SqliteFeeds(self._connection)
        self.hosts = SqliteHosts(self._connection)
        self.visits = SqliteVisits(self._connection)
        self.pushes = SqlitePushes(self._connection)
        self.stories = SqliteStories(self._connection)
        self.items = SqliteItems(self._connection, self.feeds, self.stories)
        self.outputs = SqliteOutputs(self._connection)
        self.notes = SqliteNotes(self._connection)

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything inside one transaction; an exception undoes all of it."""
        return self._connection.transaction()

    def tidy(self, before: datetime) -> None:
        """Drop what nothing leads to any more, refresh the planner's figures, fold the log in."""
        self.outputs.forget(before)
        self.stories.forget(before)
        self.hosts.forget(before)
        self._connection.keep_house()

    def rehearse(self) -> None:
        """Write as much as a visit does, and take it back; `StoreError` while that is refused."""
        self.notes.put(_REHEARSAL, "." * A_VISIT)
        self.notes.drop(_REHEARSAL)

    def about(self) -> Mapping[str, str]:
        """Tell the version of SQLite; before 3.51.3 its log must have one writer, as here."""
        return {"store": "sqlite", "sqlite": sqlite3.sqlite_version}

    def close(self) -> None:
        """Finish writing and let go of the file. Safe to call twice."""
        self._connection.close()


def _conforms(store: SqliteStore) -> Store:
    return store
