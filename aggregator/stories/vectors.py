"""What is this text about, in weighted terms?

Whole numbers throughout: a weight is in thousandths of a unit vector, so that sums do not depend
on the order of addition and a restart resumes exactly.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from aggregator.text.tokens import is_unspaced, terms

Vector = dict[str, int]  # term -> thousandths, heaviest first

UNIT = 1000
ROOT = 5  # letters: a second, shorter stem holds inflected languages together (ru +.03, ar +.02)
HALF = math.sqrt(0.5)  # a word that stands as stem and root weighs as much as a short one
OPENING = 60  # words of the text that speak for it; longer cuts bring in background
TITLE_TIMES = 2  # a title term counts twice beside a text

# Numbers of texts after which counts are halved: bounded memory, and last year fades.
FADE = 200_000

_TAIL = re.compile(r"\s+(?:\||-|–|—|::|»)\s+")
_TAIL_WORDS = 4
_HEAD_WORDS = 4


@dataclass(slots=True)
class Frequencies:
    """How many texts of each language had a term. Grows as texts arrive; fades by halving."""

    texts: dict[str, int] = field(default_factory=dict)
    having: dict[str, dict[str, int]] = field(default_factory=dict)

    def learn(self, language: str, found: Iterable[str]) -> None:
        """Count one text of ``language`` with these distinct terms."""
        counts = self.having.setdefault(language, {})
        for term in found:
            counts[term] = counts.get(term, 0) + 1
        self.texts[language] = self.texts.get(language, 0) + 1
        if self.texts[language] >= FADE:
            self._fade(language)

    def unlearn(self, language: str, found: Iterable[str]) -> None:
        """Take back what `learn` counted for one text."""
        counts = self.having[language]
        for term in found:
            counts[term] -= 1
            if not counts[term]:
                del counts[term]
        self.texts[language] -= 1

    def rarity(self, language: str, term: str) -> float:
        """Return ln(1 + (N + 1) / df); a term never seen counts as seen once."""
        seen = self.having.get(language, {}).get(term, 1)
        return math.log(1 + (self.texts.get(language, 0) + 1) / seen)

    def dump(self) -> dict[str, object]:
        """Return a copy fit for JSON; `load` reads it back."""
        return {
            "texts": dict(self.texts),
            "having": {language: dict(counts) for language, counts in self.having.items()},
        }

    @classmethod
    def load(cls, dumped: Mapping[str, object]) -> "Frequencies":
        """Read what `dump` wrote; `TypeError` when it is something else."""
        texts, having = dumped.get("texts"), dumped.get("having")
        if not isinstance(texts, dict) or not isinstance(having, dict):
            raise TypeError("not a table of term frequencies")
        return cls(dict(texts), {language: dict(counts) for language, counts in having.items()})

    def _fade(self, language: str) -> None:
        counts = self.having[language]
        self.having[language] = {term: n // 2 for term, n in counts.items() if n > 1}
        self.texts[language] //= 2


def bare_title(title: str, feed_title: str = "") -> str:
    """Drop up to two trailing "| Site" or "- Site" parts.

    A part goes when it is the feed's own title, or short (4 words) after a head of 4 words or more.
    """
    for _ in range(2):
        cuts = list(_TAIL.finditer(title))
        if not cuts:
            break
        head, tail = title[: cuts[-1].start()], title[cuts[-1].end() :]
        if not _is_site(head, tail, feed_title):
            break
        title = head
    return title


def term_counts(title: str, text: str, feed_title: str = "") -> dict[str, int]:
    """Count the terms of a title and of the opening of its text, the title's twice."""
    opening = list(_opening(text))
    counts: dict[str, int] = {}
    for term in _with_roots(terms(bare_title(title, feed_title))):
        counts[term] = counts.get(term, 0) + (TITLE_TIMES if opening else 1)
    for term in _with_roots(opening):
        counts[term] = counts.get(term, 0) + 1
    return counts


def vector_of(counts: Mapping[str, int], language: str, frequencies: Frequencies) -> Vector:
    """Weigh counted terms by (1 + ln tf) · rarity and scale to unit length, heaviest first.

    Every term keeps at least one thousandth, so that a vector still names all its terms.
    """
    raw = {
        term: (1 + math.log(n)) * _share(term) * frequencies.rarity(language, term)
        for term, n in counts.items()
    }
    length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
    ordered = sorted(raw.items(), key=lambda pair: (-pair[1], pair[0]))
    return {term: max(1, round(UNIT * weight / length)) for term, weight in ordered}


def dot(one: Mapping[str, int], other: Mapping[str, int]) -> int:
    """Return the inner product, in millionths for two unit vectors."""
    if len(one) > len(other):
        one, other = other, one
    get = other.get
    return sum(weight * get(term, 0) for term, weight in one.items())


def square(vector: Mapping[str, int]) -> int:
    """Return the squared length, about a million for a unit vector."""
    return sum(weight * weight for weight in vector.values())


def _is_site(head: str, tail: str, feed_title: str) -> bool:
    if feed_title and tail.strip().casefold() == feed_title.strip().casefold():
        return bool(head.strip())
    return len(tail.split()) <= _TAIL_WORDS and len(head.split()) >= _HEAD_WORDS


def _opening(text: str) -> Iterator[str]:
    room = float(OPENING)
    for term in terms(text[: OPENING * 25]):
        room -= 0.5 if is_unspaced(term) else 1
        if room < 0:
            return
        yield term


def _with_roots(stems: Iterable[str]) -> Iterator[str]:
    for stem in stems:
        yield stem
        if _is_long(stem):
            yield stem[:ROOT] + "*"


def _is_long(stem: str) -> bool:
    return len(stem) > ROOT and not stem.isdigit()


def _share(term: str) -> float:
    return HALF if _is_long(term) else 1.0
