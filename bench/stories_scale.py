"""Does an item cost as much with a hundred thousand items in the window as with ten thousand?

``python -m bench.stories_scale [ITEMS]`` places made-up reports of made-up events, all within
two days, and prints items a second of processor time and memory for each tenth. Then it
resumes from the traces of all, and compares where a thousand further items go.
"""

import random
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from aggregator.model.stories import Placement
from aggregator.stories.clustering import Clusters, Piece
from aggregator.stories.traces import Trace

START = datetime(2026, 3, 1, tzinfo=UTC)
SPAN = timedelta(days=2)
WORDS = 40_000
TITLE, TEASER = 9, 45
NAMES = 25  # words that an event has more often than others do
OPEN_EVENTS = 3_000
AFTER = 1_000  # items placed after the restart


def main() -> int:
    """Measure; print; return 1 when a restart makes a difference."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    pieces = _pieces(SPAN / items)
    clusters = Clusters()
    traces: list[str] = []
    for tenth in range(10):
        batch = list(islice(pieces, items // 10))
        began = time.process_time()
        placed = [clusters.place(piece, now=piece.at) for piece in batch]
        clusters.forget(batch[-1].at)
        took = time.process_time() - began
        traces += [trace.dump() for _, trace in placed]
        opened = sum(placement.opened for placement, _ in placed) / len(placed)
        print(
            f"{(tenth + 1) * len(batch):7} items: {len(batch) / took:5.0f} a second,"
            f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB,"
            f" {len(clusters)} open stories, {opened:.0%} opened one",
            flush=True,
        )
    size = sum(map(len, traces)) / len(traces)
    return _resumed(clusters, traces, list(islice(pieces, AFTER)), size)


def _resumed(clusters: Clusters, traces: list[str], further: list[Piece], size: float) -> int:
    began = time.process_time()
    again = Clusters.restore((Trace.load(text) for text in traces), None)
    took = time.process_time() - began
    same = sum(_placed(clusters, piece) == _placed(again, piece) for piece in further)
    print(f"resumed in {took:.0f} s from {size:.0f} bytes an item; {same} of {AFTER} placed alike")
    return 0 if same == AFTER else 1


def _placed(clusters: Clusters, piece: Piece) -> Placement:
    return clusters.place(piece, now=piece.at)[0]


def _pieces(step: timedelta) -> Iterator[Piece]:
    """Yield reports, of a few events many, of most few; words as common as in a language."""
    dice = random.Random(1)
    syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "or")]
    vocabulary = ["".join(dice.choices(syllables, k=dice.randint(1, 4))) for _ in range(WORDS)]

    def words(number: int) -> list[str]:
        return [vocabulary[int(WORDS ** dice.random()) - 1] for _ in range(number)]

    def event() -> list[str]:
        return [vocabulary[dice.randrange(WORDS // 50, WORDS)] for _ in range(NAMES)]

    events = [event() for _ in range(OPEN_EVENTS)]
    for number in count():
        if dice.random() < 0.2:
            events[dice.randrange(OPEN_EVENTS)] = event()
        names = events[int(OPEN_EVENTS * dice.random() ** 2)]
        yield Piece(
            id=f"urn:x:{number}",
            title=" ".join([*dice.sample(names, 5), *words(TITLE - 5)]),
            summary=" ".join([*dice.sample(names, 12), *words(TEASER - 12)]),
            language="en",
            at=START + number * step,
        )


if __name__ == "__main__":
    sys.exit(main())
