"""Which items have phrases in common?

A hash leads to the newest items that have it. The order of the table is that of the hashes, so an
item's postings lie apart and cannot be found from the item: what has left the window is swept out
little by little, in that order.
"""

from collections.abc import Sequence
from datetime import datetime

from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import BATCH, marks, stamp

SWEPT = 50_000  # postings looked at in one go, less than a tenth of a second
LARGEST = 2**63 - 1  # number in SQLite


class SqlPostings:
    """The index of hashes."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def sharing(self, hashes: Sequence[int], limit: int, least: int) -> dict[int, int]:
        """Return the items under ``least`` or more of ``hashes``: seq -> how many, best first."""
        asked = hashes[:BATCH]
        rows = self._at.rows(
            "SELECT item, count(*) AS hits FROM posting"
            f" WHERE hash IN ({marks(asked)}) GROUP BY item HAVING count(*) >= ?"
            " ORDER BY hits DESC, item LIMIT ?",
            [*asked, least, limit],
        )
        return {row["item"]: row["hits"] for row in rows}

    def post(self, seq: int, hashes: Sequence[int], cap: int) -> None:
        """Index an item under ``hashes``; each keeps only its ``cap`` newest items."""
        with self._at.transaction():
            self._at.run_many(
                "INSERT INTO posting (hash, item) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(value, seq) for value in hashes],
            )
            full = self._at.rows(
                f"SELECT hash FROM posting WHERE hash IN ({marks(hashes)})"
                " GROUP BY hash HAVING count(*) > ?",
                [*hashes, cap],
            )
            self._at.run_many(
                "DELETE FROM posting WHERE hash = ?1 AND item <= (SELECT item FROM posting"
                " WHERE hash = ?1 ORDER BY item DESC LIMIT 1 OFFSET ?2)",
                [(row["hash"], cap) for row in full],
            )

    def sweep(self, before: datetime, start: int, most: int = SWEPT) -> int | None:
        """Drop postings from hash ``start`` on of items first seen before ``before``.

        Looks at ``most``; returns the hash to go on from, None when that was the end.
        """
        oldest = self._at.rows(
            "SELECT seq FROM item WHERE first_seen >= ? ORDER BY first_seen LIMIT 1",
            [stamp(before)],
        )
        beyond = self._at.rows(
            "SELECT hash FROM posting WHERE hash >= ? ORDER BY hash LIMIT 1 OFFSET ?",
            [start, most],
        )
        end: int | None = beyond[0]["hash"] if beyond else None
        if oldest:
            self._at.run(
                "DELETE FROM posting WHERE hash >= ? AND hash <= ? AND item < ?",
                [start, LARGEST if end is None else end, oldest[0]["seq"]],
            )
        return end
