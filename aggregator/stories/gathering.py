"""What is an open story to the clustering: its terms, its times, its size."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nlargest

from aggregator.stories.traces import Trace
from aggregator.stories.vectors import UNIT, Vector, dot, square

SILENCE = timedelta(hours=48)  # a story that nobody reported for so long is closed
LIFE = timedelta(days=7)  # sagas are cut into chapters; also what must be replayed at a restart
TERMS_KEPT = 150
TERMS_HELD = 300  # cut to TERMS_KEPT past this


@dataclass(slots=True)
class Gathering:
    """The items of one open story added up.

    ``first`` and ``last`` are the earliest and latest time of a report in the publishers' dates;
    ``opened`` and ``touched`` are by our own clock. ``serial`` is that of its first item.
    """

    id: str
    serial: int
    first: datetime
    last: datetime
    opened: datetime
    touched: datetime
    size: int
    weights: Vector
    squared: int

    @classmethod
    def begun(cls, trace: Trace) -> "Gathering":
        """Return the story that one item opens."""
        return cls(
            id=trace.story,
            serial=trace.serial,
            first=trace.at,
            last=trace.at,
            opened=trace.now,
            touched=trace.now,
            size=1,
            weights=dict(trace.vector),
            squared=square(trace.vector),
        )

    def add(self, vector: Vector, *, at: datetime, now: datetime) -> None:
        """Take in one report."""
        self.squared += 2 * dot(vector, self.weights) + square(vector)
        self._pile(vector)
        self.size += 1
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.touched = max(self.touched, now)

    def absorb(self, other: "Gathering") -> None:
        """Take in all of ``other``."""
        self.squared += 2 * dot(other.weights, self.weights) + other.squared
        self._pile(other.weights)
        self.size += other.size
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.opened = min(self.opened, other.opened)
        self.touched = max(self.touched, other.touched)
        self.serial = min(self.serial, other.serial)

    def nearness(self, vector: Vector) -> float:
        """Return how alike a unit ``vector`` and this story are, 0..1.

        It is the mean, as factors, of the cosine to the whole and the mean cosine to each report:
        the first grows with every report of whatever is in the story, the second holds a story to
        its one subject.
        """
        reach = math.sqrt(self.squared)
        return dot(vector, self.weights) / (UNIT * math.sqrt(reach * UNIT * self.size))

    def likeness(self, other: "Gathering", *, beside: Vector) -> float:
        """Return the cosine between ``other`` and this story with ``beside`` added, 0..1."""
        shared = dot(self.weights, other.weights) + dot(beside, other.weights)
        squared = self.squared + 2 * dot(beside, self.weights) + square(beside)
        return shared / math.sqrt(squared * other.squared)

    def is_open(self, now: datetime) -> bool:
        """Whether the story may still be joined at ``now``."""
        return now - self.touched <= SILENCE and now - self.opened <= LIFE

    def gap(self, at: datetime) -> timedelta:
        """Return how far ``at`` lies from the story's reports; zero inside their span."""
        return max(self.first - at, at - self.last, timedelta())

    def _pile(self, weights: Vector) -> None:
        mine = self.weights
        for term, weight in weights.items():
            mine[term] = mine.get(term, 0) + weight
        if len(mine) > TERMS_HELD:
            heaviest = nlargest(TERMS_KEPT, mine.items(), key=lambda pair: (pair[1], pair[0]))
            self.weights = dict(heaviest)
            self.squared = square(self.weights)
