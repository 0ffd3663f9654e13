"""How is a store opened that is a PostgreSQL database?"""

from aggregator.storage.postgres.connection import Connection
from aggregator.storage.shelves.store import SqlStore


class PostgresStore(SqlStore):
    """Everything that is remembered, in one PostgreSQL database."""

    def __init__(self, url: str, *, reading: bool = False) -> None:
        """Open the database at ``url`` and make its tables if there are none.

        `StoreError` says what to do when it fails. For ``reading`` they must be there.
        """
        self._connection = Connection(url, reading=reading)
        about = {"store": "postgresql", "postgresql": self._connection.version}
        super().__init__(self._connection, about)
