"""Which topic do these terms speak of, as far as labelled items taught?

Naive Bayes that mostly asks how badly all *other* topics explain the text (complement naive
Bayes) and a little how well its own does: the first stands up to topics with very different
numbers of items (a desk has ten feeds of world news for one of science), the second keeps the
small topics' own words. Figures in ``docs/heuristics.md``.

What was learned is kept in whole thousandths of an item, so that sums do not depend on the order
of addition and a restart resumes exactly.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

UNIT = 1000  # one item

OWN = 0.25  # share of what a topic's own items say
OWN_SMOOTHING = 0.1
OTHERS_SMOOTHING = 0.5
SHARPNESS = 1.8  # turns log odds per root of the number of terms into an honest share
FADE = 60_000  # labelled items after which all counts are halved

MIN_ITEMS = 8  # a topic is not believed before so many items taught it
MIN_KNOWN = 3  # terms of the text that any item taught


class Guess(Struct, frozen=True, kw_only=True):
    """The likeliest topic: ``share`` in 0..1 and the ``terms`` that spoke for it most."""

    topic: str
    share: float
    terms: tuple[str, ...]


@dataclass(slots=True)
class Bayes:
    """How often the items of each topic had a term, repeats counting less and less."""

    items: dict[str, int] = field(default_factory=dict)
    having: dict[str, dict[str, int]] = field(default_factory=dict)
    _all: dict[str, int] = field(default_factory=dict)
    _mass: dict[str, int] = field(default_factory=dict)

    def learn(self, terms: Iterable[str], topics: Sequence[str]) -> None:
        """Take in one item that is known to be about ``topics``, each for an equal share."""
        found = Counter(terms)
        for topic in topics:
            self._learn_one(found, topic, UNIT / len(topics))
        if sum(self.items.values()) >= FADE * UNIT:
            self._fade()

    def guess(self, terms: Iterable[str], among: Sequence[str]) -> Guess | None:
        """Return the likeliest of ``among``, or None when too little was learned to tell."""
        topics = sorted(topic for topic in among if self.items.get(topic, 0) >= MIN_ITEMS * UNIT)
        known = Counter(term for term in terms if term in self._all)
        if len(topics) < 2 or len(known) < MIN_KNOWN:
            return None
        weights = {topic: self._weights(topic, known) for topic in topics}
        scores = {topic: math.fsum(weights[topic]) for topic in topics}
        best = max(topics, key=scores.__getitem__)
        scale = SHARPNESS / math.sqrt(len(known))
        total = math.fsum(math.exp(scale * (scores[topic] - scores[best])) for topic in topics)
        next_best = max((scores[topic], topic) for topic in topics if topic != best)[1]
        telling = sorted(
            zip(known, weights[best], weights[next_best], strict=True),
            key=lambda told: (told[2] - told[1], told[0]),
        )
        strongest = tuple(term for term, mine, theirs in telling[:3] if mine > theirs)
        return Guess(topic=best, share=1 / total, terms=strongest)

    def dump(self) -> dict[str, object]:
        """Return what was learned, fit for JSON."""
        return {"items": dict(self.items), "having": {t: dict(c) for t, c in self.having.items()}}

    @classmethod
    def load(cls, dumped: Mapping[str, object]) -> "Bayes":
        """Read what `dump` wrote, nothing for ``{}``; `TypeError` when it is something else."""
        items, having = dumped.get("items", {}), dumped.get("having", {})
        if not isinstance(items, dict) or not isinstance(having, dict):
            raise TypeError("not a table of topics and terms")
        learned = cls(dict(items), {topic: dict(counts) for topic, counts in having.items()})
        learned._total()
        return learned

    def _learn_one(self, found: Mapping[str, int], topic: str, share: float) -> None:
        counts = self.having.setdefault(topic, {})
        for term, times in found.items():
            weight = round(share * (1 + math.log(times)))
            counts[term] = counts.get(term, 0) + weight
            self._all[term] = self._all.get(term, 0) + weight
            self._mass[topic] = self._mass.get(topic, 0) + weight
        self.items[topic] = self.items.get(topic, 0) + round(share)

    def _weights(self, topic: str, known: Mapping[str, int]) -> list[float]:
        """Return what each term, as often as it is there, says for ``topic``."""
        mine, everything = self.having[topic], self._all
        mass = self._mass[topic]
        rest = sum(self._mass.values()) - mass
        base = math.log(rest + OTHERS_SMOOTHING * UNIT * len(everything))
        base -= OWN * math.log(mass + OWN_SMOOTHING * UNIT * len(everything))
        weights = []
        for term, times in known.items():
            own = mine.get(term, 0)
            said = OWN * math.log(own + OWN_SMOOTHING * UNIT)
            said -= math.log(everything[term] - own + OTHERS_SMOOTHING * UNIT)
            weights.append((1 + math.log(times)) * (said + base))
        return weights

    def _fade(self) -> None:
        self.items = {topic: n // 2 for topic, n in self.items.items()}
        self.having = {
            topic: {term: n // 2 for term, n in counts.items() if n >= UNIT}
            for topic, counts in self.having.items()
        }
        self._total()

    def _total(self) -> None:
        self._all = {}
        self._mass = {}
        for topic, counts in self.having.items():
            self._mass[topic] = sum(counts.values())
            for term, n in counts.items():
                self._all[term] = self._all.get(term, 0) + n
