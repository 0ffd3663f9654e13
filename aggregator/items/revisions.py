"""Has an item changed, and does it matter to somebody who read it?"""

import re
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher
from enum import Enum, auto

from aggregator.items.duplicates import text_of
from aggregator.items.known import KnownItem
from aggregator.items.sketch import MAX_TEXT, without_site
from aggregator.model.items import Entry
from aggregator.text.patterns import late
from aggregator.text.tokens import words

MAX_REVISIONS = 24  # publishers who print the clock into their text would otherwise revise for ever
MAX_TITLES = 240  # a live page's new headlines are news, but not one at each visit for weeks

_WORDS_MOVED = 3  # of a text, and at least ...
_SHARE_MOVED = 0.1  # ... of its words: less is an editor's polish
_MOST_MOVED = 40  # words that are compared with each other; beyond, it is no matter of spelling
_TYPO = 0.75  # likeness of two spellings of one word: "savings" and "saving", "Abigail" and "Gail"

# What a page counts or tells of itself: read-me-laters, not the news.
_COUNTED = (
    "comments?|replies|reactions?|views?|reads?|shares?|likes?|votes?|points?|followers"
    "|kommentare?|aufrufe|commentaires?|comentarios?|comentários?|commenti"
)
_COUNTERS = late(
    rf"""\b\d[\d.,\u00a0]{{0,15}}\s?[kKmM]?\s?(?:{_COUNTED})\b
    |\b(?:{_COUNTED}):?\s?\(?\d[\d.,]*\)?
    |\b\d+\s?-?\s?(?:mins?|minutes?|hours?|hrs?)\s(?:ago|read)\b
    |\b(?:last\s)?updated:?\s(?:at\s|on\s)?[^.\n]{{0,12}}?\d{{1,2}}[:.]\d\d(?:\s?[ap]\.?m\b)?
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Change(Enum):
    """What an entry is to the item that we have of it."""

    SAME = auto()
    MOVED = auto()  # the same words at another address, or under another guid
    TOUCHED = auto()  # other letters, nothing new to a reader
    REVISED = auto()
    RESTLESS = auto()  # it changed too often to be followed


def change_of(
    entry: Entry, known: KnownItem, before: Entry | None, *, recognised: bool = False
) -> Change:
    """Tell what ``entry`` is to an item that is ``known`` and stood as ``before``.

    Without ``before`` any other words are a revision. ``recognised`` when its key has changed.
    """
    if known.digest == entry.digest:
        if not (recognised or _is_elsewhere(entry, known)):
            return Change.SAME
        return Change.MOVED if known.revisions < MAX_REVISIONS else Change.RESTLESS
    retitled = before is not None and is_retitled(before, entry)
    if known.revisions >= MAX_REVISIONS and not (retitled and known.titles < MAX_TITLES):
        return Change.RESTLESS
    if before is None or retitled or is_rewritten(before, entry):
        return Change.REVISED
    return Change.TOUCHED


def _is_elsewhere(entry: Entry, known: KnownItem) -> bool:
    """Tell whether the address is another: not when only its tracking parameters are."""
    if not entry.link or not known.link:
        return False
    schemes = (entry.link.partition(":")[0], known.link.partition(":")[0])
    return entry.canonical != known.canonical or schemes == ("https", "http")


def is_retitled(before: Entry, after: Entry) -> bool:
    """Tell whether a headline says something else: other words, more than a spelling mended."""
    gone, come = _difference(without_site(before.title), without_site(after.title))
    return bool(gone or come)


def is_rewritten(before: Entry, after: Entry) -> bool:
    """Tell whether a text says something else: another figure, or three words and a tenth."""
    old, new = (text_of(entry)[:MAX_TEXT] for entry in (before, after))
    gone, come = _difference(old, new)
    if any(map(_is_figure, (*gone, *come))):
        return True
    moved = max(len(gone), len(come))
    return moved >= max(_WORDS_MOVED, _SHARE_MOVED * min(len(words(old)), len(words(new))))


def _difference(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the words that went and that came, wherever they stand, less spellings mended."""
    old, new = (Counter(words(_COUNTERS.sub(" ", text))) for text in (before, after))
    gone, come = list((old - new).elements()), list((new - old).elements())
    if max(len(gone), len(come)) > _MOST_MOVED:
        return gone, come
    for word in list(gone):
        if (other := _respelled(word, come)) is not None:
            gone.remove(word)
            come.remove(other)
    return gone, come


def _respelled(word: str, others: Iterable[str]) -> str | None:
    if _is_figure(word):
        return None
    return next((other for other in others if _is_typo(word, other)), None)


def _is_typo(a: str, b: str) -> bool:
    if _is_figure(b) or abs(len(a) - len(b)) > 3:
        return False
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= _TYPO


def _is_figure(word: str) -> bool:
    return any(map(str.isdigit, word))
