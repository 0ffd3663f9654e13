"""What is this text about, in weighted terms?

Whole numbers throughout: a weight is in thousandths of a unit vector, so that sums do not depend
on the order of addition and a restart resumes exactly.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from sys import intern

from aggregator.text.tokens import is_unspaced, terms

Vector = dict[str, int]  # term -> thousandths, heaviest first

UNIT = 1000
ROOT = 4  # letters: a second, shorter stem holds inflected languages together
GRAM = 3  # letters of the parts of a word, for headlines that stand alone
OPENING = 100  # words of the text that speak for it, those at its beginning more:
HALFWAY = 60  # words after which one counts half
TITLE_TIMES = 2  # a title term counts twice beside a text
WHOLE = 2  # what a text adds to the counts; a report of a known story adds half of it

# Numbers of texts after which counts are halved: bounded memory, and last year fades.
FADE = 200_000

_HALF = math.sqrt(0.5)
_PART = "~"  # in front of a part of a word

_TAIL = re.compile(r"\s+(?:\||-|–|—|::|»)\s+")
_TAIL_WORDS = 4
_HEAD_WORDS = 4


@dataclass(slots=True)
class Frequencies:
    """How many texts of each language had a term. Grows as texts arrive; fades by halving.

    ``having`` counts in halves (`WHOLE`): a word does not become common by being in everybody's
    report of one event, or else the largest stories would fall to pieces.
    """

    texts: dict[str, int] = field(default_factory=dict)
    having: dict[str, dict[str, int]] = field(default_factory=dict)

    def learn(self, language: str, found: Iterable[str]) -> None:
        """Count one text of ``language`` with these distinct terms."""
        counts = self.having.setdefault(language, {})
        for term in found:
            counts[term] = counts.get(term, 0) + WHOLE
        self.texts[language] = self.texts.get(language, 0) + 1
        if self.texts[language] >= FADE:
            self._fade(language)

    def unlearn(self, language: str, found: Iterable[str]) -> None:
        """Take back what `learn` counted for one text."""
        counts = self.having[language]
        for term in found:
            counts[term] -= WHOLE
            if not counts[term]:
                del counts[term]
        self.texts[language] -= 1

    def repeated(self, language: str, found: Iterable[str]) -> None:
        """Let a text that was learned count half for these terms, which its story had before."""
        counts = self.having[language]
        for term in found:
            if counts.get(term, 0) >= WHOLE:
                counts[term] -= WHOLE // 2

    def rarity(self, language: str, term: str) -> float:
        """Return ln(1 + (N + 1) / df); a term never seen counts as seen once."""
        seen = self.having.get(language, {}).get(term, WHOLE)
        return math.log(1 + WHOLE * (self.texts.get(language, 0) + 1) / seen)

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
        self.having[language] = {term: n // 2 for term, n in counts.items() if n > WHOLE}
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


def amounts(title: str, text: str, feed_title: str = "") -> dict[str, float]:
    """Return how much of each term a title and the opening of its text have.

    A title's term counts twice beside a text, and a text's less the later it comes. A title that
    stands alone is too short for its words to meet others': then their parts count, too.
    """
    opening = list(_opening(text))
    headline = terms(bare_title(title, feed_title))
    found: dict[str, float] = {}
    for stem in headline:
        _add_stem(found, stem, TITLE_TIMES if opening else 1)
        if not opening:
            _add_parts(found, stem)
    for stem, amount in opening:
        _add_stem(found, stem, amount)
    return found


def vector_of(found: Mapping[str, float], language: str, frequencies: Frequencies) -> Vector:
    """Weigh `amounts` by log(1 + amount) · rarity and scale to unit length, heaviest first.

    Every term keeps at least one thousandth, so that a vector still names all its terms.
    """
    rarity = frequencies.rarity
    raw = {term: math.log1p(amount) * rarity(language, term) for term, amount in found.items()}
    length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
    ordered = sorted(raw.items(), key=lambda pair: (-pair[1], pair[0]))
    # One text a term, however many stories have it: a quarter of all memory.
    return {intern(term): max(1, round(UNIT * weight / length)) for term, weight in ordered}


def leading(vector: Vector, most: int) -> list[tuple[str, int]]:
    """Return at most ``most`` of the heaviest terms that lead to other items: no parts of words."""
    found = ((term, weight) for term, weight in vector.items() if term[0] != _PART)
    return list(islice(found, most))


def dot(one: Mapping[str, int], other: Mapping[str, int]) -> int:
    """Return the inner product, in millionths for two unit vectors."""
    # Two vectors share few terms, and what they share is found without a step of ours for each.
    return sum([one[term] * other[term] for term in one.keys() & other.keys()])


def square(vector: Mapping[str, int]) -> int:
    """Return the squared length, about a million for a unit vector."""
    return sum(weight * weight for weight in vector.values())


def _is_site(head: str, tail: str, feed_title: str) -> bool:
    if feed_title and tail.strip().casefold() == feed_title.strip().casefold():
        return bool(head.strip())
    return len(tail.split()) <= _TAIL_WORDS and len(head.split()) >= _HEAD_WORDS


def _opening(text: str) -> Iterator[tuple[str, float]]:
    """Yield the terms of the beginning of ``text``, each with how much it counts there."""
    place = 0.0
    for term in terms(text[: OPENING * 25]):
        place += 0.5 if is_unspaced(term) else 1
        if place > OPENING:
            return
        yield term, math.exp2(-place / HALFWAY)


def _add_stem(found: dict[str, float], stem: str, amount: float) -> None:
    """Add a stem and, at equal shares, its root, so that long and short words weigh the same."""
    if len(stem) <= ROOT or stem.isdigit():
        found[stem] = found.get(stem, 0.0) + amount
        return
    for term in (stem, f"{stem[:ROOT]}*"):
        found[term] = found.get(term, 0.0) + amount * _HALF


def _add_parts(found: dict[str, float], stem: str) -> None:
    if len(stem) <= GRAM or stem.isdigit():
        return
    marked = f"^{stem}"
    parts = dict.fromkeys(marked[at : at + GRAM] for at in range(len(marked) - GRAM + 1))
    for part in parts:
        term = _PART + part
        found[term] = found.get(term, 0.0) + 1 / math.sqrt(len(stem) - GRAM + 1)
