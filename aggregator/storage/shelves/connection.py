"""What must a connection to a database be able to do?"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Connection(Protocol):
    """A connection that runs statements; every method may raise `StoreError`."""

    def transaction(self) -> AbstractContextManager[None]:
        """Join the transaction under way, or make one; an exception undoes all of it."""

    def take_turn(self) -> None:
        """Let nobody else give out numbers until this transaction ends.

        So that who has read up to one number never meets a lower one later.
        """

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return all rows of a query."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement in a transaction; return the number of rows that it changed."""

    def later(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement of which nothing is asked, by the end of the transaction."""

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each of ``rows`` in a transaction."""

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, many at once, in a transaction."""

    def count_on(self, table: str) -> None:
        """Let the numbers of ``table`` (``seq``) go on after the highest that was loaded."""

    def keep_house(self) -> None:
        """Do what keeps a database fast and small."""

    def close(self) -> None:
        """Finish writing and let go of the database. Safe to call twice."""
