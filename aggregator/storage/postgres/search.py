"""Which items say what somebody looks for? (tsvector)

Words are split by us and put into the vectors as they are: PostgreSQL's own parser would take some
of them for hosts, files and numbers.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from aggregator.outputs.finding import Match
from aggregator.storage.postgres.schema import EDITIONS
from aggregator.storage.protocol import Words
from aggregator.storage.shelves.search import SqlSearch
from aggregator.text.queries import Phrase, Query
from aggregator.text.tokens import is_unspaced

_WEIGHTS = "{0, 0, 0.12, 1}"  # a word in the headline counts eight times one in the text
_MOST = 16_000  # positions that a vector keeps, less the gap
_LONGEST = 2_046  # bytes of a word that a vector takes; longer ones are not found


class PostgresSearch(SqlSearch):
    """The words of items, and which of them hold what is looked for."""

    def learn(self, some: Sequence[Words], mark: int) -> None:
        """Index items under these words instead of former ones, and remember the mark."""
        with self._at.transaction():
            self._at.run_many("DELETE FROM word WHERE item = ?", [(one.seq,) for one in some])
            self._at.run_many(
                "INSERT INTO word (item, words) SELECT ?1::bigint, ?2::tsvector"
                " WHERE EXISTS (SELECT 1 FROM item WHERE seq = ?1::bigint)",
                [(one.seq, _vector(one)) for one in some],
            )
            self._remember(mark)
            self._at.run(f"NOTIFY {EDITIONS}")  # what was found before is found otherwise now

    def find(self, query: Query, limit: int) -> tuple[Match, ...]:
        """Return the ``limit`` items that came last and hold what ``query`` wants."""
        if not query.wanted:
            return ()
        return self._matches(
            f"SELECT item AS seq, ts_rank('{_WEIGHTS}', words, ?1::tsquery) AS relevance FROM word"
            " WHERE words @@ ?1::tsquery ORDER BY item DESC LIMIT ?2::bigint",
            [_expression(query), limit],
        )


def _vector(one: Words) -> str:
    """Return the text form of a tsvector: headline first, then a gap that no phrase leaps."""
    title = one.title.split()
    head = _places(title, 1, "A")
    return " ".join((*head, *_places(one.text.split(), len(title) + 2, "B")))


def _places(words: Iterable[str], first: int, weight: str) -> Iterable[str]:
    for place, word in enumerate(words, start=first):
        bare = _bare(word)
        if place <= _MOST and len(bare.encode()) <= _LONGEST:
            yield f"{_quoted(bare)}:{place}{weight}"


def _expression(query: Query) -> str:
    wanted = [_said(phrase) for phrase in query.wanted]
    return " & ".join((*wanted, *(f"!{_said(phrase)}" for phrase in query.unwanted)))


def _said(phrase: Phrase) -> str:
    words = " <-> ".join(_quoted(_bare(word)) for word in phrase.words)
    return f"({words}{':*' if phrase.begins else ''})"


def _bare(word: str) -> str:
    if word.isascii() or is_unspaced(word):
        return word
    return "".join(map(_without_accent, word))


def _quoted(word: str) -> str:
    doubled = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def _without_accent(letter: str) -> str:
    """Take the accent off a letter that has one, and leave signs that are letters' own parts."""
    return unicodedata.normalize("NFD", letter)[0]
