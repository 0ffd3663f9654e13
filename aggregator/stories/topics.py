"""Which topics is an item about, and how do we know?

What ops said of the feed holds. Then what the publisher said of the entry: a category that is a
topic's slug, title or hint. Only when both are silent does the model speak, which learns by
itself from the items of feeds whose topic is configured.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from aggregator.model.items import Entry
from aggregator.model.stories import Topic, TopicScore
from aggregator.stories.bayes import Bayes, Guess
from aggregator.text.tokens import terms, words

FLOOR = 0.6  # below this share the model says none; right in .98 (BBC) and .91 (HuffPost) above it
CATEGORY_SCORE = 0.9
HINT_SCORE = 0.5
HINTS_NEEDED = 2  # different hint words in title and summary; one alone is often a metaphor

_PARTS = re.compile(r"\s*[/>|;:]\s*")


class TopicModel:
    """What was learned of the configured topics so far."""

    def __init__(self) -> None:
        self._bayes = Bayes()

    def learn(self, found: Iterable[str], topics: Sequence[str]) -> None:
        """Take in the terms of one item of a feed that is configured with ``topics`` (slugs)."""
        self._bayes.learn(found, topics)

    def classify(self, found: Iterable[str], among: Sequence[str]) -> Guess | None:
        """Return the likeliest of the slugs ``among`` if it is sure enough (`FLOOR`)."""
        guess = self._bayes.guess(found, among)
        return guess if guess is not None and guess.share >= FLOOR else None

    def known(self) -> tuple[str, ...]:
        """Return the slugs that anything was learned of."""
        return tuple(sorted(self._bayes.items))

    def dump(self) -> dict[str, object]:
        """Return what was learned, fit for JSON."""
        return self._bayes.dump()

    @classmethod
    def load(cls, dumped: Mapping[str, object]) -> "TopicModel":
        """Read what `dump` wrote; `TypeError` when it is something else."""
        model = cls()
        model._bayes = Bayes.load(dumped)
        return model


def topic_terms(entry: Entry) -> list[str]:
    """Return the terms by which an entry's topic is learned and told: title and summary."""
    return terms(f"{entry.title}\n{entry.summary}")


def topics_of(
    entry: Entry, feed_topics: tuple[str, ...], topics: tuple[Topic, ...], model: TopicModel
) -> tuple[TopicScore, ...]:
    """Return the topics of an entry, surest first, each with its reason; () when none is sure.

    ``because`` is ``feed``, ``category: …``, ``words: …`` (the model) or ``hints: …``.
    """
    configured = [TopicScore(topic=slug, score=1.0, because="feed") for slug in feed_topics]
    matched = [
        TopicScore(topic=topic.slug, score=CATEGORY_SCORE, because=f"category: {category}")
        for topic in topics
        if topic.slug not in feed_topics and (category := _category(entry, topic))
    ]
    if configured or matched:
        return (*configured, *matched)
    guess = model.classify(topic_terms(entry), [topic.slug for topic in topics])
    if guess is not None:
        because = "words: " + ", ".join(_spelled(entry, guess.terms))
        return (TopicScore(topic=guess.topic, score=round(guess.share, 3), because=because),)
    return _hinted(entry, topics)


def _category(entry: Entry, topic: Topic) -> str | None:
    """Return the entry's first category that is, or has as a part of its path, a topic's name."""
    names = _names(topic)
    for category in entry.categories:
        if any(_plain(part) in names for part in (category, *_PARTS.split(category))):
            return category
    return None


def _hinted(entry: Entry, topics: tuple[Topic, ...]) -> tuple[TopicScore, ...]:
    present = set(words(f"{entry.title}\n{entry.summary}"))
    best: tuple[str, ...] = ()
    chosen = ""
    for topic in topics:
        hits = tuple(sorted(_hints(topic) & present))
        if len(hits) > len(best):
            best, chosen = hits, topic.slug
    if len(best) < HINTS_NEEDED:
        return ()
    return (TopicScore(topic=chosen, score=HINT_SCORE, because="hints: " + ", ".join(best)),)


def _spelled(entry: Entry, stems: Sequence[str]) -> list[str]:
    """Return the entry's own words for these stems."""
    by_stem: dict[str, str] = {}
    for word in words(f"{entry.title}\n{entry.summary}"):
        for stem in terms(word):
            by_stem.setdefault(stem, word)
    return [by_stem.get(stem, stem) for stem in stems]


@lru_cache(maxsize=1024)
def _names(topic: Topic) -> frozenset[str]:
    return _hints(topic) | {_plain(topic.slug), _plain(topic.title)}


@lru_cache(maxsize=1024)
def _hints(topic: Topic) -> frozenset[str]:
    return frozenset(_plain(hint) for hint in topic.hints)


def _plain(name: str) -> str:
    return " ".join(words(name.replace("-", " ").replace("_", " ")))
