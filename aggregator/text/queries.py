"""What does somebody look for, and in which form is a text searched?

A query is words, all of which must occur; ``"a phrase"`` in quotes must occur as it stands, and
``-word`` must not. There is nothing else to know and nothing to get wrong: every text is a query.
Scripts without spaces are searched as runs of single characters, so that a part of a longer run is
found without a dictionary. (An index of trigrams takes 2.7 times the room, 1,992 bytes an item to
745, and never finds a word of two characters, as most of Chinese and Japanese are.)
"""

import re

from msgspec import Struct

from aggregator.text.tokens import is_unspaced, words
from aggregator.text.xml import xml_safe

MAX_QUERY = 200  # characters
MAX_PHRASES = 12
INFLECTED = 5  # letters; from so many on, a word also stands for longer ones that it begins

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂「」『』", '"'))
_PART = re.compile(r'(?<!\S)(-?)(?:"([^"]*)"?|([^\s"]+))|"([^"]*)"?|([^\s"]+)')


class Phrase(Struct, frozen=True, kw_only=True):
    """Words that follow each other; ``begins`` when the last may go on (*storm* in *storms*)."""

    words: tuple[str, ...]
    begins: bool = False


class Query(Struct, frozen=True, kw_only=True):
    """What was asked, on one line, and what that means: every ``wanted``, no ``unwanted``."""

    text: str
    wanted: tuple[Phrase, ...] = ()
    unwanted: tuple[Phrase, ...] = ()


def read_query(text: str) -> Query:
    """Read what somebody typed; whatever it is, there is no error. Cut at 200 characters."""
    line = " ".join(xml_safe(text[: 4 * MAX_QUERY]).split())[:MAX_QUERY].strip()
    wanted, unwanted = list[Phrase](), list[Phrase]()
    for minus, quoted, bare, glued, rest in _PART.findall(line.translate(_QUOTES)):
        phrase = _phrase(quoted or glued or bare or rest, is_quoted=bool(quoted or glued))
        if phrase:
            (unwanted if minus else wanted).append(phrase)
    kept = tuple(dict.fromkeys(wanted))[:MAX_PHRASES]
    return Query(text=line, wanted=kept, unwanted=tuple(unwanted)[:MAX_PHRASES])


def searchable(text: str) -> str:
    """Return ``text`` as an index takes it in: words with spaces between, as `Phrase` has them."""
    return " ".join(words(text))


def _phrase(text: str, *, is_quoted: bool) -> Phrase | None:
    found = tuple(word for word in words(text) if word)
    if not found:
        return None
    long = len(found) == 1 and len(found[0]) >= INFLECTED and not is_unspaced(found[0])
    return Phrase(words=found, begins=long and not is_quoted and not found[0].isdigit())
