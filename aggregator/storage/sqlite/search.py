"""Which items say what somebody looks for? (FTS5)

FTS5 goes through all items with a word to tell how well one of them matches, and through all with
any word of one beginning before it tells of the first. So the newest items have an index of their
own, ``fresh``, and that of the others, ``word``, is asked only for what few of the newest hold.
"""

from collections.abc import Sequence

from aggregator.model.items import Match
from aggregator.storage.protocol import Words
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.search import SqlSearch
from aggregator.text.queries import Phrase, Query

_TITLE = 8.0  # how much a word in the headline counts more than one in the text


FRESH = 50_000  # items; of 100,000 bm25() would take as long as the rest of the answer
_PACE = 2  # times as many as are learned grow old with them, at most


class SqliteSearch(SqlSearch):
    """The words of items, and which of them hold what is looked for."""

    def __init__(self, connection: Connection, fresh: int = FRESH) -> None:
        """Keep the words of the ``fresh`` items that came last apart."""
        super().__init__(connection)
        self._fresh = fresh
        # What was taken out of an index is gone through until it is written anew: 0.7 s for 50,000.
        self._stale = max(1, fresh // 4)

    def learn(self, some: Sequence[Words], mark: int) -> None:
        """Index items under these words instead of former ones, and remember the mark."""
        with self._at.transaction():
            last = self._last("word", "DESC")
            for table in ("word", "fresh"):
                self._at.run_many(
                    f"DELETE FROM {table} WHERE rowid = ?", [(one.seq,) for one in some]
                )
                self._at.run_many(
                    f"INSERT INTO {table} (rowid, title, text) SELECT ?1, ?2, ?3"
                    " WHERE EXISTS (SELECT 1 FROM item WHERE seq = ?1)",
                    [
                        (one.seq, one.title, one.text)
                        for one in some
                        if (one.seq <= last) == (table == "word")
                    ],
                )
            self._age(_PACE * len(some))
            self._remember(mark)

    def _last(self, table: str, order: str) -> int:
        rows = self._at.rows(f"SELECT rowid AS seq FROM {table} ORDER BY rowid {order} LIMIT 1")
        return int(rows[0]["seq"]) if rows else 0

    def _age(self, most: int) -> None:
        """Move what is fresh no more, ``most`` items at a time."""
        old, first = self._last("fresh", "DESC") - self._fresh, self._last("fresh", "ASC")
        if first > old:
            return
        rows = self._at.rows(
            "SELECT rowid AS seq FROM fresh WHERE rowid <= ? ORDER BY rowid LIMIT ?", [old, most]
        )
        end = [rows[-1]["seq"]]
        self._at.run(
            "INSERT INTO word (rowid, title, text)"
            " SELECT rowid, title, text FROM fresh WHERE rowid <= ? ORDER BY rowid",
            end,
        )
        self._at.run("DELETE FROM fresh WHERE rowid <= ?", end)
        if end[0] // self._stale > first // self._stale:
            self._at.run("INSERT INTO fresh (fresh) VALUES ('optimize')")

    def find(self, query: Query, limit: int) -> tuple[Match, ...]:
        """Return the ``limit`` items that came last and hold what ``query`` wants."""
        if not query.wanted:
            return ()
        found = self._found("fresh", query, limit)
        if len(found) < limit:
            found += self._found("word", query, limit - len(found))
        return found

    def _found(self, table: str, query: Query, limit: int) -> tuple[Match, ...]:
        return self._matches(
            f"SELECT rowid AS seq, -bm25({table}, {_TITLE}, 1.0) AS relevance FROM {table}"
            f" WHERE {table} MATCH ? ORDER BY rowid DESC LIMIT ?",
            [_expression(query), limit],
        )


def _expression(query: Query) -> str:
    """Say ``query`` in the language of FTS5; its words hold no quotes and are all quoted."""
    wanted = " AND ".join(map(_quoted, query.wanted))
    unwanted = " OR ".join(map(_quoted, query.unwanted))
    return f"({wanted}) NOT ({unwanted})" if unwanted else wanted


def _quoted(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"{"*" if phrase.begins else ""}'
