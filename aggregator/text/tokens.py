"""Which words does a text have?

Scripts without spaces (Chinese, Japanese, Thai, Korean) are read as character bigrams, so that
every language goes through the same code without a dictionary.
"""

import unicodedata

from aggregator.text.patterns import late

STEM = 7  # letters; the first 7 letters without accents stand for a word in every language

_UNSPACED = r"぀-ヿㇰ-ㇿ㐀-䶿一-鿿豈-﫿가-힯\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f"
# Signs that belong to the letter before them, though no letters themselves: without them the words
# of Hindi, Bengali or Tamil fall to pieces. (Dandas, which end a sentence, are left out.)
_SIGNS = r"\u0300-\u036f\u0900-\u0963\u0966-\u0dff"
_LETTER = rf"(?:[^\W_{_UNSPACED}]|[{_SIGNS}])"
_RUN = late(rf"[{_UNSPACED}]+|{_LETTER}+(?:['’]{_LETTER}+)*")
_UNSPACED_START = late(rf"[{_UNSPACED}]")
_POSSESSIVE = late(r"['’]s?$|['’]s(?=$)")


def runs(text: str) -> list[str]:
    """Word runs of ``text`` in order, NFKC and casefolded; an unspaced run is one string."""
    return _RUN.findall(unicodedata.normalize("NFKC", text).casefold())


def is_unspaced(run: str) -> bool:
    """Whether ``run`` belongs to a script that is written without spaces."""
    return _UNSPACED_START.match(run) is not None


def words(text: str) -> list[str]:
    """Words in order, possessives dropped; unspaced scripts as single characters."""
    found: list[str] = []
    for run in runs(text):
        if is_unspaced(run):
            found.extend(run)
        else:
            found.append(_without_possessive(run))
    return found


def terms(text: str) -> list[str]:
    """Index terms in order: 7-letter stems without accents, numbers whole, unspaced bigrams."""
    found: list[str] = []
    for run in runs(text):
        if is_unspaced(run):
            found.extend(_bigrams(run))
        else:
            found.append(_stem(_without_possessive(run)))
    return [term for term in found if term]


def _without_possessive(run: str) -> str:
    # Most words have no apostrophe, and looking for one is much cheaper than the pattern.
    return _POSSESSIVE.sub("", run) if "'" in run or "’" in run else run


def _bigrams(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]


def _stem(word: str) -> str:
    if word.isascii():
        return word if word.isdigit() else word[:STEM]
    bare = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in bare if not unicodedata.combining(letter))[:STEM]
