"""What does the search for copies cost when a million items are held?

``python -m bench.copies_scale FILE --to 10000`` grows the database FILE (made when absent) to so
many items, closes it, opens it again, and files the last of them as the service does; run it again
with more. Times are of the processor, user and system, so that another program's work counts less.
Made-up items: words as frequent as in a language, stock phrases, a feed's own furniture, and one
item in eight a copy of a recent one under another headline.
"""

import argparse
import random
import resource
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from aggregator.items.duplicates import News, find, text_of
from aggregator.items.intake import Intake
from aggregator.items.sketch import sketch
from aggregator.model.feeds import Feed, FeedState
from aggregator.model.items import Copy, Entry, Item
from aggregator.model.stories import Voice
from aggregator.service.copies import StoredShelf
from aggregator.storage import open_store
from aggregator.storage.protocol import Filing, Store

START = datetime(2026, 1, 1, tzinfo=UTC)
FEEDS = 500
BATCH = 100  # items filed in one transaction, as the service does
GROWN = 2_000  # items in one transaction while growing
MEASURED = 2_000
COPIES, FULL = 1 / 8, 1 / 8  # shares of the items
RECENT = 4_000  # items that a copy may be of
WORDS, PHRASES = 60_000, 20_000


@dataclass(frozen=True)
class Made:
    """A made-up item, and whether it was made from another."""

    item: Item
    is_copy: bool


class Newsroom:
    """Makes items, the same for the same ``seed``."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        language = random.Random(1)  # one language for all seeds
        self._words = ["".join(language.choices("aeioubcdfglmnprst", k=7)) for _ in range(WORDS)]
        self._steps = list(accumulate(1 / (n + 3) for n in range(WORDS)))
        self._phrases = [" ".join(self._some(language, 6)) for _ in range(PHRASES)]
        self._phrase_steps = list(accumulate(1 / (n + 30) for n in range(PHRASES)))
        self._tails = [" ".join(self._some(language, 15)) for _ in range(FEEDS)]
        self._recent: deque[str] = deque(maxlen=RECENT)

    def items(self, first: int, last: int) -> Iterator[Made]:
        """Yield the items numbered from ``first`` up to ``last``."""
        for number in range(first, last):
            yield self._item(number)

    def _item(self, number: int) -> Made:
        dice = self.dice
        feed = dice.randrange(FEEDS)
        is_copy = bool(self._recent) and dice.random() < COPIES
        text = self._reprinted() if is_copy else self._written()
        self._recent.append(text)
        if feed % 4 == 0:
            text = f"{text} {self._tails[feed]}."
        at = START + timedelta(seconds=8 * number)
        place = f"https://f{feed}.example/2026/{number}"
        entry = Entry(
            guid=place,
            link=place,
            canonical=place,
            title=" ".join(self._some(dice, 9)).capitalize(),
            summary=text,
            published=at,
            digest=str(number),
        )
        item = Item(
            id=place,
            feed=f"f{feed}",
            key=f"guid:{place}",
            entry=entry,
            first_seen=at,
            published=at,
            updated=at,
            listed=at,
        )
        return Made(item=item, is_copy=is_copy)

    def _written(self) -> str:
        dice = self.dice
        words = dice.randint(150, 500) if dice.random() < FULL else dice.randint(20, 55)
        said: list[str] = []
        while len(said) < words:
            said += self._some(dice, dice.randint(6, 14))
            said += dice.choices(self._phrases, cum_weights=self._phrase_steps)[0].split()
        return f"{' '.join(said).capitalize()}."

    def _reprinted(self) -> str:
        words = self.dice.choice(self._recent).split()
        kept = max(18, round(len(words) * self.dice.uniform(0.6, 1)))
        return " ".join(word if self.dice.random() > 0.03 else "other" for word in words[:kept])

    def _some(self, dice: random.Random, count: int) -> list[str]:
        return dice.choices(self._words, cum_weights=self._steps, k=count)


def main() -> int:
    """Grow, reopen, measure; print a line each."""
    options = _options()
    path: Path = options.file
    with _Opened(path) as store:
        held = store.items.count()
        started = _spent()
        _grow(store, held, options.to - MEASURED)
        grown = max(1, options.to - MEASURED - held)
        print(f"grew from {held}: {(_spent() - started) / grown * 1e6:.0f} µs an item")
    began = time.perf_counter()
    with _Opened(path) as store:
        opened = time.perf_counter()
        _measure(store, options.to, opened - began)
    print(f"file: {path.stat().st_size / options.to:.0f} bytes an item, all tables")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:.0f} MB", flush=True)
    return 0


class _Opened:
    def __init__(self, path: Path) -> None:
        self.store = open_store(f"sqlite:///{path}", root=path.parent)

    def __enter__(self) -> Store:
        return self.store

    def __exit__(self, *_: object) -> None:
        self.store.close()


def _grow(store: Store, held: int, to: int) -> None:
    if held >= to:
        return
    feeds = [Feed(id=f"f{n}", url=f"https://f{n}.example/rss", owner=f"f{n}") for n in range(FEEDS)]
    store.feeds.configure(feeds, now=START)
    made = Newsroom(seed=held)
    for first in range(held, to, GROWN):
        with store.transaction():
            some = [one.item for one in made.items(first, min(to, first + GROWN))]
            _take_in(store, some)
            for seq, item in enumerate(some, first + 1):
                drawn = sketch(item.entry.title, text_of(item.entry))
                store.items.post(seq, drawn.index)
                store.items.file(_filing(seq, item, None))


def _take_in(store: Store, items: Sequence[Item]) -> None:
    state = FeedState(feed="f0", url="https://f0.example/rss", next_due=START)
    store.items.apply(Intake(state=state, at=START, new=tuple(items)))


def _filing(seq: int, item: Item, copy: Copy | None) -> Filing:
    voice = Voice(
        owner=item.feed,
        weight=1,
        first=item.published,
        last=item.published,
        copies_only=copy is not None,
    )
    return Filing(
        seq=seq,
        id=item.id,
        copy=copy,
        story=item.id,
        story_because="",
        merged=(),
        topics=(),
        voice=voice,
        trace="",
    )


def _measure(store: Store, to: int, opening: float) -> None:
    """File the items up to ``to``; print what each step took of the processor."""
    feeds = store.feeds.configured()
    shelf = StoredShelf(store, feeds)
    made = list(Newsroom(seed=to).items(to - MEASURED, to))
    _take_in(store, [one.item for one in made])
    took = dict.fromkeys(("sketch", "find", "post", "file"), 0.0)
    found = right = 0
    first = None
    spent, began = _spent(), time.perf_counter()
    for start in range(0, MEASURED, BATCH):
        with store.transaction():
            for place in range(start, start + BATCH):
                copy = _file(store, shelf, to - MEASURED + place + 1, made[place].item, took)
                if first is None:
                    first = opening + time.perf_counter() - began
                found += copy is not None
                right += copy is not None and made[place].is_copy
            ended = time.perf_counter()
        took["post"] += time.perf_counter() - ended  # what was posted is written
    spent, wall = _spent() - spent, time.perf_counter() - began
    # Asking for the processor's time costs as much as a step: parts are by the clock, scaled.
    each = {name: part / wall * spent / MEASURED * 1e6 for name, part in took.items()}
    filing = each.pop("file")
    print(
        f"{to} items: {sum(each.values()):.0f} µs an item for copies"
        f" ({', '.join(f'{name} {part:.0f}' for name, part in each.items())}),"
        f" {filing:.0f} for the row; first answer {first or 0:.3f} s after opening"
    )
    wanted = sum(one.is_copy for one in made)
    print(f"copies: {found} found, {right} of {wanted} made")


def _file(
    store: Store, shelf: StoredShelf, seq: int, item: Item, took: dict[str, float]
) -> Copy | None:
    text = text_of(item.entry)
    clock = time.perf_counter
    begun = clock()
    drawn = sketch(item.entry.title, text)
    drawing = clock()
    copy = find(_news(item, text), shelf)
    finding = clock()
    store.items.post(seq, drawn.index)
    posting = clock()
    store.items.file(_filing(seq, item, copy))
    took["sketch"] += drawing - begun
    took["find"] += finding - drawing
    took["post"] += posting - finding
    took["file"] += clock() - posting
    return copy


def _news(item: Item, text: str) -> News:
    return News(
        title=item.entry.title,
        text=text,
        canonical=item.entry.canonical,
        feed=item.feed,
        owner=item.feed,
        at=item.published,
    )


def _spent() -> float:
    return time.process_time()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.copies_scale", description=__doc__)
    parser.add_argument("file", type=Path, help="the database to grow")
    parser.add_argument("--to", type=int, default=10_000, help="items to hold")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
