"""What left an output, and on which page of its archive is it?"""

import json

from aggregator.model.published import ArchivePage
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.rows import Row, moment, stamp


class SqlArchives:
    """Pages of entries that left an output."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection

    def listed(self, output: str) -> tuple[ArchivePage, ...]:
        """Return the pages of ``output`` in order."""
        columns = "output, number, made, ids"
        rows = self._at.rows(
            f"SELECT {columns} FROM archive WHERE output = ? ORDER BY number", [output]
        )
        return tuple(map(_page, rows))

    def entries(self, output: str, number: int) -> bytes:
        """Return what was added of the entries of a page; `KeyError` when there is none."""
        rows = self._at.rows(
            "SELECT entries FROM archive WHERE output = ? AND number = ?", [output, number]
        )
        if not rows:
            raise KeyError((output, number))
        return bytes(rows[0]["entries"])

    def add(self, page: ArchivePage, entries: bytes) -> None:
        """Keep a page; `StoreError` when there is one of that number."""
        self._at.run(
            "INSERT INTO archive (output, number, made, ids, entries) VALUES (?, ?, ?, ?, ?)",
            [page.output, page.number, stamp(page.made), json.dumps(page.ids), entries],
        )

    def drop(self, output: str, before: int) -> None:
        """Forget the pages of ``output`` whose number is lower than ``before``."""
        self._at.run("DELETE FROM archive WHERE output = ? AND number < ?", [output, before])


def _page(row: Row) -> ArchivePage:
    return ArchivePage(
        output=row["output"],
        number=row["number"],
        made=moment(row["made"]),
        ids=tuple(json.loads(row["ids"])),
    )
