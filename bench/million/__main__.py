"""Do answers take as long when a million items are stored as when 100,000 are?

``python -m bench.million [--engine sqlite|postgres]`` fills a store with made-up items and asks
what pages, outputs, search, explain, the status page and housekeeping ask; fills it on tenfold and
asks again. The times are those on the wall, the median of many, in milliseconds. Exits 1 when an
answer takes more than one and a half times as long as before, but for phrases that are rare.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from statistics import median

from aggregator.service.housekeeping import REMEMBERED
from aggregator.storage import Store, open_store
from bench.million.filling import Filler
from bench.million.questions import PHRASES, TIDY, Question, questions
from tests.postgres import OFFHAND, NoServerError, Server

LITTLE, MUCH = 100_000, 1_000_000
ALLOWED = 1.5
NOISE = 0.2  # ms of difference that mean nothing
ROUNDS, LONG = 40, 1.5  # how often each question is asked at most, and seconds for all of these
ROOM = ("-c", "shared_buffers=1GB", "-c", "maintenance_work_mem=256MB")

Times = Mapping[str, float]


class Undo(Exception):  # noqa: N818 - no error
    """Leave the store as it was."""


def main() -> int:
    """Fill, ask, fill on, ask again; print."""
    options = _options()
    try:
        with _store(options.engine) as store:
            times = [_measured(filler, store, held) for filler in [Filler(store)]
                     for held in (options.little, options.much)]  # fmt: skip
    except NoServerError as error:
        print(f"bench.million: no PostgreSQL server ({error}); nothing measured")
        return 0
    return _told(*times)


@contextmanager
def _store(engine: str) -> Iterator[Store]:
    if engine == "sqlite":
        with (
            tempfile.TemporaryDirectory() as held,
            closing(open_store("sqlite:///million.sqlite3", root=Path(held))) as store,
        ):
            yield store
        return
    server = Server.begin(options=(*OFFHAND, *ROOM))
    try:
        with closing(open_store(server.new(), root=Path())) as store:
            yield store
    finally:
        server.end()


def _measured(filler: Filler, store: Store, held: int) -> Times:
    began = time.monotonic()
    now = filler.fill(held)
    for _ in range(held // 5_000):  # as often as it was done while all this came
        store.tidy(now - REMEMBERED)
    print(f"{held:,} items after {time.monotonic() - began:.0f} s", flush=True)
    with closing(store.reader()) as reader:
        asked = questions(held, filler.room, lambda: reader)
        return {name: _median(name, store, question) for name, question in asked.items()}


def _median(name: str, store: Store, question: Question) -> float:
    """Return the median of many times that ``question`` takes, after the first two."""
    took: list[float] = []
    end = time.monotonic() + LONG
    while len(took) < 5 or (len(took) < ROUNDS and time.monotonic() < end):
        took.append(_took(name, store, question))
    return median(took[2:])


def _took(name: str, store: Store, question: Question) -> float:
    if name == TIDY:
        began = time.perf_counter()
        question(store)
        return 1000 * (time.perf_counter() - began)
    took = 0.0
    with suppress(Undo), store.transaction():
        began = time.perf_counter()
        question(store)
        took = 1000 * (time.perf_counter() - began)
        raise Undo
    return took


def _told(little: Times, much: Times) -> int:
    """Print the table; return 1 if something grew."""
    grown = 0
    print(f"| {'ms':52} | little | much | ratio |")
    print("|---|--:|--:|--:|")
    for name, before in little.items():
        after = much[name]
        grows = after > ALLOWED * before and after - before > NOISE and name not in PHRASES
        grown += grows
        mark = " !" if grows else ""
        print(f"| {name:52} | {before:.2f} | {after:.2f} | {after / before:.2f}{mark} |")
    return 1 if grown else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.million", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--little", type=int, default=LITTLE, help="items at first")
    parser.add_argument("--much", type=int, default=MUCH, help="items in the end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
