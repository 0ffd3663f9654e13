"""Does an item belong in an output that asks for some only?"""

from collections.abc import Iterable, Mapping
from enum import Enum, auto

from aggregator.model.editions import Filter
from aggregator.model.items import StoredItem
from aggregator.text.tokens import is_unspaced, runs

_APOSTROPHES = str.maketrans("’", "'")


class Verdict(Enum):
    """What a filter says of an item. ``BARRED`` speaks against the whole story."""

    PASSES = auto()
    OTHER = auto()
    BARRED = auto()


class Filters:
    """The filters of all outputs, by name, put to one item after the other.

    ``owners`` and ``languages`` by feed id; a feed's language is that of items that do not say
    their own. An item costs time in proportion to its words and to the number of
    phrases; no pattern of anybody's is ever run.
    """

    def __init__(
        self,
        filters: Mapping[str, Filter],
        owners: Mapping[str, str],
        languages: Mapping[str, str | None],
    ) -> None:
        self._sieves = {name: _Sieve(only) for name, only in filters.items()}
        self._owners = owners
        self._feeds_speak = languages

    def verdicts(
        self, stored: StoredItem, names: Iterable[str] | None = None
    ) -> dict[str, Verdict]:
        """Say what each filter (of ``names``) makes of an item: all but `Verdict.OTHER`."""
        said = said_of(f"{stored.item.entry.title}\n{stored.item.entry.summary}")
        feed = stored.item.feed
        owner = self._owners.get(feed, "")
        language = stored.item.entry.language or self._feeds_speak.get(feed)
        found: dict[str, Verdict] = {}
        for name in self._sieves if names is None else names:
            verdict = self._sieves[name].verdict(stored, said, owner, language)
            if verdict is not Verdict.OTHER:
                found[name] = verdict
        return found


def said_of(text: str) -> str:
    """Return the words of ``text`` in the form in which phrases are looked for.

    Compatible letters and cases are one, words are set apart by one space, and so is every
    character of a script that writes none, so that a phrase of any script is found as whole words.
    """
    words = " ".join(_words(text))
    return f" {words} " if words else " "


def _words(text: str) -> Iterable[str]:
    for run in runs(text):
        if is_unspaced(run):
            yield from run
        else:
            yield from run.translate(_APOSTROPHES).split("'")


class _Sieve:
    """One filter, ready for use."""

    def __init__(self, only: Filter) -> None:
        self._topics = frozenset(only.topics)
        self._feeds = frozenset(only.feeds)
        self._owners = frozenset(only.owners)
        self._languages = tuple(language.lower() for language in only.languages)
        self._any = _phrases(only.words_any)
        self._all = _phrases(only.words_all)
        self._none = _phrases(only.words_none)

    def verdict(self, stored: StoredItem, said: str, owner: str, language: str | None) -> Verdict:
        """Say what this filter makes of an item of ``owner`` whose words are ``said``."""
        if any(phrase in said for phrase in self._none):
            return Verdict.BARRED
        passes = (
            (not self._feeds or stored.item.feed in self._feeds)
            and (not self._owners or owner in self._owners)
            and (not self._topics or not self._topics.isdisjoint(stored.topics))
            and (not self._languages or self._speaks(language))
            and (not self._any or any(phrase in said for phrase in self._any))
            and all(phrase in said for phrase in self._all)
        )
        return Verdict.PASSES if passes else Verdict.OTHER

    def _speaks(self, language: str | None) -> bool:
        """Tell whether a language is one of those asked for, or a kind of it (RFC 4647 3.3.1)."""
        spoken = (language or "").lower()
        return any(spoken == asked or spoken.startswith(f"{asked}-") for asked in self._languages)


def _phrases(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(said for text in texts if (said := said_of(text)).strip())
