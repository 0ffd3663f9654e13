"""What is left of a text when we only want to know whether we have read it before?"""

import unicodedata
from collections.abc import Iterable
from enum import Enum, auto
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct

from aggregator.text.boilerplate import strip, unquoted
from aggregator.text.patterns import late
from aggregator.text.tokens import is_unspaced, words

SHINGLE = 4  # words
SHINGLE_UNSPACED = 7  # characters of a script without spaces; four are a name there, not a phrase
OPENING = 40  # shingles; two sentences
# Of every so many shingles in a row the least is indexed (winnowing), so that two texts that share
# a run of that many share a hash. What is least among eight is least among four of them, too.
WINDOW, WINDOW_FULL = 4, 8
INDEX_MOST = 256  # hashes of one text, however long
INDEX_SHORTER = 17  # bits fewer; 47 are six bytes in a database, and 50 million do not collide
FULL = 57  # shingles: the words of a text of sixty
TEASER = 12  # shingles: fifteen words; fewer are shared by chance
MAX_TEXT = 60_000  # characters compared; ten thousand words

_MASK = (1 << 64) - 1
# Odd constants near 2^64 divided by powers of the golden ratio: a word counts by its place.
_PLACES = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)
_PLACES_UNSPACED = (*_PLACES, 0x85EBCA77C2B2AE63, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
# Vowel signs and the like. They end a run of letters for `words`, which would leave Indic scripts
# as single letters: four of them are shared by any two texts. Without them words stay whole.
_MARKS = late(
    "[\u200c\u200d"
    + "".join(chr(at) for at in range(0x300, 0xE00) if unicodedata.category(chr(at))[0] == "M")
    + "]+"
)
_SITE_TAIL = late(r"\s+(?:[|–—-]|::|»)\s+(?P<site>[^|–—]{2,40})$")


class Kind(Enum):
    """How much of a text there is to compare."""

    FULL = auto()
    TEASER = auto()
    SHORT = auto()


class Sketch(Struct, frozen=True, kw_only=True):
    """A text as a set of hashes; equal in every process and version.

    ``title`` are the headline's words, ``numbers`` the figures of the text, ``shingles`` 64-bit
    hashes of its phrases, quotes and furniture left out, ``opening`` the first forty of them.
    ``index`` is what to look it up by: at most 257 hashes. Of these ``headed`` stands for the whole
    headline; it is empty for one of less than four words.
    """

    title: tuple[str, ...]
    shingles: frozenset[int]
    opening: frozenset[int]
    numbers: frozenset[str]
    index: tuple[int, ...]
    headed: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Number of distinct shingles."""
        return len(self.shingles)

    @property
    def kind(self) -> Kind:
        """Whether it compares as a full text, a teaser, or only by its headline."""
        return kind_of(self.size)


def kind_of(size: int) -> Kind:
    """Return what a text of ``size`` shingles is."""
    if size >= FULL:
        return Kind.FULL
    return Kind.TEASER if size >= TEASER else Kind.SHORT


@lru_cache(maxsize=256)  # the five candidates of one copy are those of the next; 10 kB each
def sketch(title: str, text: str) -> Sketch:
    """Draw the sketch of an article from its plain ``title`` and ``text``."""
    said = _words(unquoted(strip(text[:MAX_TEXT])))
    headline = headline_of(title)
    headed = _headline(headline)
    in_order = list(_shingles(said))
    shingles = frozenset(in_order)
    return Sketch(
        title=headline,
        shingles=shingles,
        numbers=frozenset(word for word in said if word[0].isdigit()),
        opening=frozenset(in_order[:OPENING]),
        index=(*_chosen(in_order, kind_of(len(shingles))), *headed),
        headed=headed,
    )


def headline_of(title: str) -> tuple[str, ...]:
    """Return the words of a plain headline, without the site's name behind it."""
    return tuple(_words(without_site(title)))


def without_site(title: str) -> str:
    """Return ``title`` without a trailing " | Site": four words at most behind four at least."""
    tail = _SITE_TAIL.search(title)
    if tail is None or len(tail["site"].split()) > 4 or len(title[: tail.start()].split()) < 4:
        return title
    return title[: tail.start()]


def kinship(a: Iterable[str], b: Iterable[str]) -> float:
    """Return the share of words in common, 0..1 of the shorter, long words weighing more.

    By letters, so that no list of small words is needed in any language.
    """
    left, right = set(a), set(b)
    least = min(sum(map(len, left)), sum(map(len, right)))
    return sum(map(len, left & right)) / least if least else 0.0


def _words(text: str) -> list[str]:
    return words(text if text.isascii() else _MARKS.sub("", text))


def _shingles(said: list[str]) -> Iterable[int]:
    unspaced = sum(is_unspaced(word) for word in said[:200] if len(word) == 1) * 2 > len(said[:200])
    hashes = [_word(word) for word in said]
    if unspaced:
        a, b, c, d, e, f, g = _PLACES_UNSPACED
        runs = zip(*(hashes[i:] for i in range(SHINGLE_UNSPACED)), strict=False)
        return (
            (p * a + q * b + r * c + s * d + t * e + u * f + v * g) & _MASK
            for p, q, r, s, t, u, v in runs
        )
    a, b, c, d = _PLACES
    four = zip(hashes, hashes[1:], hashes[2:], hashes[3:], strict=False)
    return ((p * a + q * b + r * c + s * d) & _MASK for p, q, r, s in four)


@lru_cache(maxsize=65_536)
def _word(word: str) -> int:
    digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _chosen(in_order: list[int], kind: Kind) -> list[int]:
    if kind is Kind.SHORT:
        return sorted({value >> INDEX_SHORTER for value in in_order})
    window = WINDOW_FULL if kind is Kind.FULL else WINDOW
    least = set(map(min, *(in_order[start:] for start in range(window))))
    return [value >> INDEX_SHORTER for value in sorted(least)[:INDEX_MOST]]


def _headline(title: tuple[str, ...]) -> tuple[int, ...]:
    if len(title) < SHINGLE:
        return ()
    return (_word("\0".join(("title", *title))) >> INDEX_SHORTER,)
