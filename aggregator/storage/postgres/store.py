"""How is a store opened that is a PostgreSQL database?"""

from aggregator.storage.postgres.connection import Connection
from aggregator.storage.postgres.search import PostgresSearch
from aggregator.storage.protocol import Store
from aggregator.storage.shelves.store import SqlStore


class PostgresStore(SqlStore):
    """Everything that is remembered, in one PostgreSQL database."""

    def __init__(self, url: str, *, reading: bool = False) -> None:
        """Open the database at ``url`` and make its tables if there are none.

        `StoreError` says what to do when it fails. For ``reading`` they must be there.
        """
        self._url = url
        self._connection = Connection(url, reading=reading)
        about = {"store": "postgresql", "postgresql": self._connection.version}
        super().__init__(self._connection, about)
        self.search = PostgresSearch(self._connection)

    def reader(self) -> Store:
        """Connect to the same database once more, only to read, for the thread that asks."""
        return PostgresStore(self._url, reading=True)


def _conforms(store: PostgresStore) -> Store:
    return store
