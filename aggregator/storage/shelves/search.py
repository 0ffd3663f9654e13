"""What of a search is the same whatever engine keeps the words?"""

from collections.abc import Sequence
from typing import Any

from aggregator.model.items import Match
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import moment, replacing

_MARK = "searched"
AFRESH = f"DELETE FROM note WHERE name = '{_MARK}'"
"""Lets all items be indexed anew: each engine's index is its own, and is not moved."""


class SqlSearch:
    """The words of items; each engine has its own index for them, and its own way to ask."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def mark(self) -> int:
        """Return the mark up to which items are indexed, 0 before the first."""
        rows = self._at.rows("SELECT text FROM note WHERE name = ?", [_MARK])
        return int(rows[0]["text"]) if rows else 0

    def _remember(self, mark: int) -> None:
        self._at.run(replacing("note", ["name"], ["text"]), [_MARK, str(mark)])

    def _matches(self, hits: str, values: Sequence[Any]) -> tuple[Match, ...]:
        """Return the items of ``hits``, a query that gives ``seq`` and ``relevance``."""
        rows = self._at.rows(
            "SELECT item.id, item.published, item.lead, hit.relevance"
            f" FROM ({hits}) AS hit JOIN item ON item.seq = hit.seq",
            values,
        )
        return tuple(
            Match(
                id=row["id"],
                published=moment(row["published"]),
                relevance=row["relevance"],
                lead=row["lead"],
            )
            for row in rows
        )
