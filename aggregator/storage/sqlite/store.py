"""What makes the shelves one store?"""

from contextlib import AbstractContextManager
from pathlib import Path

from aggregator.storage.protocol import Store
from aggregator.storage.sqlite.connection import Connection
from aggregator.storage.sqlite.feeds import SqliteFeeds
from aggregator.storage.sqlite.items import SqliteItems
from aggregator.storage.sqlite.outputs import SqliteNotes, SqliteOutputs
from aggregator.storage.sqlite.stories import SqliteStories


class SqliteStore:
    """Everything that is remembered, in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open or create the database at ``path``; `StoreError` says what to do when it fails."""
        self._connection = Connection(path)
        self.feeds = SqliteFeeds(self._connection)
        self.stories = SqliteStories(self._connection)
        self.items = SqliteItems(self._connection, self.feeds, self.stories)
        self.outputs = SqliteOutputs(self._connection)
        self.notes = SqliteNotes(self._connection)

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything inside one transaction; an exception undoes all of it."""
        return self._connection.transaction()

    def tidy(self) -> None:
        """Drop postings of pruned items, refresh the planner's statistics, fold the log in."""
        run = self._connection.run
        run("DELETE FROM posting WHERE item < (SELECT coalesce(min(seq), 0) FROM item)")
        self._connection.rows("PRAGMA analysis_limit = 400")
        self._connection.db.conn.execute("PRAGMA optimize")
        self._connection.db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Finish writing and let go of the file. Safe to call twice."""
        self._connection.close()


def _conforms(store: SqliteStore) -> Store:
    return store
