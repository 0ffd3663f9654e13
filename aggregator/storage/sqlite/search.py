"""Which items say what somebody looks for? (FTS5)"""

from collections.abc import Sequence

from aggregator.outputs.finding import Match
from aggregator.storage.protocol import Words
from aggregator.storage.shelves.search import SqlSearch
from aggregator.text.queries import Phrase, Query

_TITLE = 8.0  # how much a word in the headline counts more than one in the text


class SqliteSearch(SqlSearch):
    """The words of items, and which of them hold what is looked for."""

    def learn(self, some: Sequence[Words], mark: int) -> None:
        """Index items under these words instead of former ones, and remember the mark."""
        with self._at.transaction():
            self._at.run_many("DELETE FROM word WHERE rowid = ?", [(one.seq,) for one in some])
            self._at.run_many(
                "INSERT INTO word (rowid, title, text) SELECT ?1, ?2, ?3"
                " WHERE EXISTS (SELECT 1 FROM item WHERE seq = ?1)",
                [(one.seq, one.title, one.text) for one in some],
            )
            self._remember(mark)

    def find(self, query: Query, limit: int) -> tuple[Match, ...]:
        """Return the ``limit`` items that came last and hold what ``query`` wants."""
        if not query.wanted:
            return ()
        return self._matches(
            f"SELECT rowid AS seq, -bm25(word, {_TITLE}, 1.0) AS relevance FROM word"
            " WHERE word MATCH ? ORDER BY rowid DESC LIMIT ?",
            [_expression(query), limit],
        )


def _expression(query: Query) -> str:
    """Say ``query`` in the language of FTS5; its words hold no quotes and are all quoted."""
    wanted = " AND ".join(map(_quoted, query.wanted))
    unwanted = " OR ".join(map(_quoted, query.unwanted))
    return f"({wanted}) NOT ({unwanted})" if unwanted else wanted


def _quoted(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"{"*" if phrase.begins else ""}'
