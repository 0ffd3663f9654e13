"""Which items say what somebody looks for? (tsvector)

Words are split by us and put into the vectors as they are: PostgreSQL's own parser would take some
of them for hosts, files and numbers.

A vector also says, in words that nobody can type, which stretch of all items its item is of, in
stretches of several lengths. PostgreSQL fetches whatever matches before it sorts: so the newest
items are gone through one by one, and what these do not hold often enough is asked of the index for
the newest stretch, then for longer ones.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from aggregator.model.items import Match
from aggregator.storage.postgres.schema import EDITIONS
from aggregator.storage.protocol import Words
from aggregator.storage.shelves.connection import Connection
from aggregator.storage.shelves.search import SqlSearch
from aggregator.text.queries import Phrase, Query
from aggregator.text.tokens import is_unspaced

_WEIGHTS = "{0, 0, 0.12, 1}"  # a word in the headline counts eight times one in the text
_MOST = 16_000  # positions that a vector keeps, less the gap
STRETCHES = (14, 16, 18, 20, 22)  # powers of two: 16,384 items, 65,536 and so on
WALKED = 8_192  # items, the newest: some ms
_LONGEST = 2_046  # bytes of a word that a vector takes; longer ones are not found


class PostgresSearch(SqlSearch):
    """The words of items, and which of them hold what is looked for."""

    def __init__(
        self, connection: Connection, stretches: Sequence[int] = STRETCHES, walked: int = WALKED
    ) -> None:
        """Tell items apart by ``stretches``, powers of two, the shortest first.

        The ``walked`` that came last are gone through without the index.
        """
        super().__init__(connection)
        self._walked = walked
        self._stretches = stretches

    def learn(self, some: Sequence[Words], mark: int) -> None:
        """Index items under these words instead of former ones, and remember the mark."""
        with self._at.transaction():
            self._at.run_many("DELETE FROM word WHERE item = ?", [(one.seq,) for one in some])
            self._at.run_many(
                "INSERT INTO word (item, words) SELECT ?1::bigint, ?2::tsvector"
                " WHERE EXISTS (SELECT 1 FROM item WHERE seq = ?1::bigint)",
                [(one.seq, _vector(one, self._stretches)) for one in some],
            )
            self._remember(mark)
            self._at.run(f"NOTIFY {EDITIONS}")  # what was found before is found otherwise now

    def find(self, query: Query, limit: int) -> tuple[Match, ...]:
        """Return the ``limit`` items that came last and hold what ``query`` wants."""
        if not query.wanted:
            return ()
        last = self._at.rows("SELECT coalesce(max(item), 0) AS seq FROM word")[0]["seq"]
        found = self._newest(query, limit, last)
        if len(found) == limit or last <= self._walked:
            return found
        for stretch in self._stretches:
            found = self._found(query, limit, _within(stretch, last))
            if len(found) == limit or last >> stretch <= 1:
                return found
        return self._found(query, limit)

    def _newest(self, query: Query, limit: int, last: int) -> tuple[Match, ...]:
        return self._matches(
            f"SELECT item AS seq, ts_rank('{_WEIGHTS}', words, ?1::tsquery) AS relevance FROM word"
            # As IS TRUE, which no index answers.
            " WHERE item > ?2::bigint AND (words @@ ?1::tsquery) IS TRUE"
            " ORDER BY item DESC LIMIT ?3::bigint",
            [_expression(query), last - self._walked, limit],
        )

    def _found(self, query: Query, limit: int, within: str = "") -> tuple[Match, ...]:
        asked = _expression(query)
        return self._matches(
            # The nought: or else items are gone through from the last one back until there are
            # enough. Ranked are those only that are wanted.
            f"SELECT item AS seq, ts_rank('{_WEIGHTS}', words, ?1::tsquery) AS relevance FROM word"
            " WHERE item IN (SELECT item FROM word WHERE words @@ ?2::tsquery"
            " ORDER BY item + 0 DESC LIMIT ?3::bigint)",
            [asked, f"({asked}) & {within}" if within else asked, limit],
        )


def _within(stretch: int, last: int) -> str:
    """Return what items hold that are of the ``last`` one's stretch, or the one before."""
    number = last >> stretch
    return f"({_stretch(stretch, number)} | {_stretch(stretch, max(0, number - 1))})"


def _stretch(stretch: int, number: int) -> str:
    return f"'/{stretch}/{number}'"


def _vector(one: Words, stretches: Iterable[int]) -> str:
    """Return the text form of a tsvector: headline first, then a gap that no phrase leaps."""
    title = one.title.split()
    head = _places(title, 1, "A")
    text = _places(one.text.split(), len(title) + 2, "B")
    return " ".join((*head, *text, *(_stretch(by, one.seq >> by) for by in stretches)))


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
