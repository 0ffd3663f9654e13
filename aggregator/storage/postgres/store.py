"""How is a store opened that is a PostgreSQL database?"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from aggregator.storage.postgres.connection import Connection
from aggregator.storage.postgres.listening import told
from aggregator.storage.postgres.schema import EDITIONS
from aggregator.storage.postgres.search import PostgresSearch
from aggregator.storage.protocol import SharedStore, Store
from aggregator.storage.shelves.store import SqlStore


class PostgresStore(SqlStore):
    """Everything that is remembered, in one PostgreSQL database."""

    def __init__(
        self, url: str, *, reading: bool = False, shared: bool = False, many: bool = False
    ) -> None:
        """Open the database at ``url`` and make its tables if there are none.

        `StoreError` says what to do when it fails. For ``reading`` they must be there. One that is
        ``shared`` may be written to by others that are, and by nobody else; with ``many``, from
        several threads.
        """
        self._url = url
        self._connection = Connection(url, reading=reading, shared=shared, many=many)
        about = {"store": "postgresql", "postgresql": self._connection.version}
        super().__init__(self._connection, about)
        self.search = PostgresSearch(self._connection)

    def reader(self) -> Store:
        """Connect to the same database once more, only to read, for the thread that asks."""
        return PostgresStore(self._url, reading=True)

    def time(self) -> datetime:
        """Return what time it is by the database's clock, aware, UTC."""
        found = self._connection.rows("SELECT clock_timestamp() AS now")
        at: datetime = found[0]["now"]
        return at.astimezone(UTC)

    def lead(self, what: str) -> int | None:
        """Be the only one that does ``what`` while connected; None when another is.

        Returns the number of the connection: with another one, somebody else may have led since.
        """
        return self._connection.lead(what)

    def make_once(self, table: str, statements: str) -> None:
        """Run ``statements`` unless they were, by anybody: unless ``table`` is there."""
        self._connection.make_once(table, statements)

    async def editions(self, patience: float, stop: asyncio.Event) -> AsyncIterator[None]:
        """Yield whenever something else is served, and at least every ``patience`` seconds.

        Until ``stop``. Raises `StoreError` when the connection is lost.
        """
        async for _ in told(self._url, EDITIONS, patience, stop):
            yield


def _conforms(store: PostgresStore) -> SharedStore:
    return store
