"""What does the search cost? An item to index, the room it takes, and a question.

``python -m bench.search [ITEMS]`` fills a store with made-up items (20,000 if nothing is said, of
150 words each, drawn as the words of a language are) and asks it. Processor time of one thread;
a question is everything until the page is printed and compressed.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median

from aggregator.items.intake import Intake
from aggregator.model.editions import Site
from aggregator.model.feeds import Feed
from aggregator.model.items import Entry, Item
from aggregator.model.stories import Voice
from aggregator.service.searching import Asked, Searcher, index_some
from aggregator.storage import Store, open_store
from aggregator.storage.protocol import Filing

ITEMS = 20_000
WORDS = 40_000  # in the made-up language
LENGTH = 150  # words of an item
NOW = datetime(2031, 5, 12, 9, tzinfo=UTC)
ROUNDS = 15


def main(items: int) -> int:
    """Fill, index, ask; print."""
    dice = random.Random(7)
    words = sorted({_word(dice) for _ in range(WORDS)}, key=lambda _: dice.random())
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    with tempfile.TemporaryDirectory() as held:
        path = Path(held) / "s.sqlite3"
        with closing(open_store("sqlite:///s.sqlite3", root=Path(held))) as store:
            store.feeds.configure([Feed(id="f", url="https://f.example/feed")], now=NOW)
            for start in range(0, items, 1000):
                _fill(store, start, lambda: dice.choices(words, cum_weights=weights, k=LENGTH))
            before = path.stat().st_size
            spent = _spent(lambda: _index(store))
            size = path.stat().st_size - before
            print(f"{items:,} items of {LENGTH} words")
            print(f"index {spent / items:.3f} ms and {size / items:,.0f} bytes an item")
            _ask(store, words)
    return 0


def _word(dice: random.Random) -> str:
    syllables = ("ka", "lo", "mi", "ter", "su", "ban", "de", "rin", "o", "pa", "vel", "u")
    return "".join(dice.choices(syllables, k=dice.randint(1, 5)))


def _fill(store: Store, start: int, text: Callable[[], list[str]]) -> None:
    new = []
    for number in range(start, start + 1000):
        said = text()
        entry = Entry(
            guid=f"g{number}",
            link=f"https://f.example/{number}",
            title=" ".join(said[:9]),
            content_html=f"<p>{' '.join(said)}</p>",
            digest=f"{number}",
        )
        at = NOW - timedelta(minutes=number)
        new.append(
            Item(
                id=f"urn:x:{number}",
                feed="f",
                key=f"g{number}",
                entry=entry,
                first_seen=at,
                published=at,
                updated=at,
                listed=at,
            )
        )
    with store.transaction():
        store.items.apply(Intake(state=store.feeds.state("f"), new=tuple(new), at=NOW))
        for stored in store.items.pending(1000):
            at = stored.item.published
            store.items.file(
                Filing(
                    seq=stored.seq,
                    id=stored.item.id,
                    copy=None,
                    story=f"s{stored.seq}",
                    story_because="opened",
                    merged=(),
                    topics=(),
                    voice=Voice(owner="f", weight=1.0, first=at, last=at),
                    trace="{}",
                )
            )


def _index(store: Store) -> None:
    while index_some(store):
        pass
    store.tidy(NOW - timedelta(days=90))


def _ask(store: Store, words: list[str]) -> None:
    site = Site(base_url="https://wire.example")
    with closing(Searcher(store.reader, site=site, topics=(), clock=lambda: NOW, born=NOW)) as one:
        questions = {
            "the most common word": f'"{words[0]}"',
            "three common words": " ".join(f'"{word}"' for word in words[1:4]),
            "a rare word": f'"{words[len(words) // 2]}"',
            "a word and its longer ones": next(w for w in words if 5 <= len(w) <= 6),
            "twelve common words": " ".join(f'"{word}"' for word in words[:12]),
        }
        for name, text in questions.items():
            spent = [_spent(partial(one.answer, Asked.of(text))) for _ in range(ROUNDS)]
            print(f"{name:28} {median(spent):7.1f} ms, at most {max(spent):.1f}")


def _spent(work: Callable[[], object]) -> float:
    """Return the processor time of ``work`` in milliseconds."""
    before = time.process_time()
    work()
    return 1000 * (time.process_time() - before)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS))
