"""Is parsing only what changed equal to parsing all, and what does it save?

``python -m bench.splitting [FOLDER ...]`` reads every captured and hostile document with random
parts of it known, and a captured day feed by feed as it came, and compares entry by entry with the
whole, which feedparser alone reads; then the documents of each FOLDER, such as the ``tests`` of
feedparser's source distribution. Exits 1 at a difference. Needs the data folder, see `bench.data`.
"""

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import mean, quantiles
from typing import Any, TypeVar

from aggregator.items.identity import key_of
from aggregator.model.items import Entry
from aggregator.model.visits import Document, ParsedFeed
from aggregator.sources import rereading
from aggregator.sources.envelope import Opened, open_body
from aggregator.sources.familiar.reading import Familiar
from aggregator.sources.familiar.tape import Event
from aggregator.sources.found import wire_of
from aggregator.sources.parse import _feedparser, parse
from aggregator.sources.rereading import _drive, _in_utf8, _Reader, parse_changed
from aggregator.sources.splitting import Memory, Pieces, Reading, split, standing
from bench.data import folder
from tests.quality.capture import unpacked

URL = "https://publisher.example/feeds/news.xml"
NOTES = ("README.txt", "README.md", "SOURCES.tsv")
_Found = TypeVar("_Found")

SUBSETS = 4  # of each captured feed


@dataclass(kw_only=True)
class Tally:
    """What was found over many documents. Times in ms of processor time."""

    faults: list[str] = field(default_factory=list)
    because: Counter[str] = field(default_factory=Counter)
    whole: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    stored: dict[str, int] = field(default_factory=dict)
    read: int = 0  # entries
    alone: int = 0  # those of them that feedparser was not asked about


def main() -> int:
    """Run all; print a line a figure."""
    vars(rereading)["Familiar"] = _Counting
    given = [fault for place in sys.argv[1:] for fault in _captured(Path(place))]
    data = folder()
    if data is None:
        print("bench.splitting: no data folder (set AGGREGATOR_DATA)")
        return _told(given)
    faults = given + _captured(data / "feeds" / "real") + _captured(data / "feeds" / "hostile")
    with unpacked(data / "replay" / "2021-09-20.tar.xz") as work:
        faults += _day(work)
    return _told(faults)


class _Counting(Familiar):
    """Counts the entries that are read without feedparser."""

    seen = alone = 0

    def read(self, events: Sequence[Event]) -> dict[str, Any] | None:
        found = super().read(events)
        _Counting.seen += 1
        _Counting.alone += found is not None
        return found


def _told(faults: list[str]) -> int:
    for fault in faults:
        print(f"DIFFERENT: {fault}")
    return 1 if faults else 0


def _captured(place: Path) -> list[str]:
    tally, dice = Tally(), random.Random(7)
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.name not in NOTES)
    for path in files:
        body = path.read_bytes()
        cost, whole = _timed(partial(parse, body, "", URL))
        tally.whole.append(cost)
        before = _Counting.seen, _Counting.alone
        cost, first = _timed(partial(parse_changed, body, "", URL, None))
        tally.read += _Counting.seen - before[0]
        tally.alone += _Counting.alone - before[1]
        tally.changed.append(cost)
        tally.because[first.because] += 1
        if first.document != whole:
            tally.faults.append(f"{path.name} without memory")
        if not _reads_alike(body):
            tally.faults.append(f"{path.name}: an entry before it is normalised")
        for memory in _parts(first, dice):
            again = parse_changed(body, "", URL, memory)
            if not _agrees(again, whole):
                tally.faults.append(f"{path.name} with {len(memory.marks)} known")
    print(f"{place.name}: {len(files)} documents, {SUBSETS} random sets of known entries each")
    print(f"  different from the whole: {len(tally.faults)}")
    print(f"  first reading: whole {sum(tally.whole):.0f} ms, cut {sum(tally.changed):.0f} ms")
    print(f"  read without feedparser: {tally.alone} of {tally.read} entries")
    _tell_reasons(tally.because)
    return tally.faults


def _reads_alike(body: bytes) -> bool:
    """Whether entries say what feedparser says, those too that say nothing to us."""
    try:
        opened = open_body(body, "")
        assert isinstance(opened, Opened)
        pieces = split(_in_utf8(opened))
        assert isinstance(pieces, Pieces)
        _, found = _drive(_Reader(URL), pieces.head, pieces.entries, pieces.tail)
    except Exception:  # noqa: BLE001 - then the whole is read by feedparser
        return True
    headers = {"content-type": opened.media_type, "content-location": URL}
    whole = _feedparser(opened.body, headers).entries
    return [wire_of(one, URL) for one in found] == [wire_of(one, URL) for one in whole]


def _parts(first: Reading, dice: random.Random) -> Iterator[Memory]:
    for share in (1.0, *(dice.random() for _ in range(SUBSETS - 1))):
        marks = {digest: b"marked.." for digest in first.digests if dice.random() <= share}
        if first.digests:
            yield Memory(context=first.context, marks=marks)


def _agrees(reading: Reading, whole: Document) -> bool:
    """Whether ``reading`` is ``whole`` less the known entries; remarks are about what was read."""
    if not isinstance(whole, ParsedFeed) or not isinstance(reading.document, ParsedFeed):
        return reading.document == whole
    if not reading.digests:
        return reading.document == whole
    if len(reading.digests) != len(whole.entries) or reading.document.meta != whole.meta:
        return False
    return reading.document.entries == tuple(whole.entries[place] for place in reading.places)


def _day(place: Path) -> list[str]:
    feeds: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(place.rglob("*.xml")):
        feeds[path.stem.partition("__")[2]].append(path)
    tally = Tally()
    for name, paths in feeds.items():
        _follow(name, paths, tally)
    updates = len(tally.whole)
    print(f"replay day: {len(feeds)} feeds, {updates} changed documents with one before them")
    print(f"  different from the whole: {len(tally.faults)}")
    _tell_reasons(tally.because)
    print(f"  entries parsed: {mean(tally.shares):.1%} of a document in the mean")
    for label, costs in (("whole", tally.whole), ("changed", tally.changed)):
        print(f"  {label}: {mean(costs):.2f} ms a document, 90th percentile {_p90(costs):.2f}")
    sizes = sorted(tally.stored.values())
    print(f"  memory of a feed: {mean(sizes):.0f} bytes in the mean, {sizes[-1]} at most")
    return tally.faults


def _follow(name: str, paths: list[Path], tally: Tally) -> None:
    """Read the documents of one feed as they came; count from the second readable one on."""
    url = URL.replace("news", name)
    last, memory, known = b"", None, False
    held: dict[tuple[bytes, bytes], Entry] = {}
    for path in paths:
        body = path.read_bytes()
        if body == last:
            continue
        last = body
        full, whole = _timed(partial(parse, body, "", url))
        less, reading = _timed(partial(parse_changed, body, "", url, memory))
        if not _agrees(reading, whole):
            tally.faults.append(path.name)
        if not isinstance(reading.document, ParsedFeed) or not isinstance(whole, ParsedFeed):
            continue
        if not _stay(reading, whole, held):
            tally.faults.append(f"{path.name}: a known entry says something else")
        if known:
            tally.whole.append(full)
            tally.changed.append(less)
            tally.because[reading.because or _first(reading, memory)] += 1
            tally.shares.append(_share(reading))
        known = True
        _, memory = standing(reading, [key_of(entry) for entry in reading.document.entries])
        tally.stored[name] = len(memory.to_bytes()) if memory else 0


def _stay(reading: Reading, whole: ParsedFeed, held: dict[tuple[bytes, bytes], Entry]) -> bool:
    """Whether entries with the same bytes in the same context said the same all day (``held``)."""
    known = ((reading.context, digest) for digest in reading.digests)
    pairs = zip(known, whole.entries, strict=False)  # not cut: no pairs
    return all(held.setdefault(bytes_of, entry) == entry for bytes_of, entry in pairs)


def _share(reading: Reading) -> float:
    return len(reading.places) / len(reading.digests) if reading.digests else 1.0


def _first(reading: Reading, memory: Memory | None) -> str:
    return "context changed" if memory and memory.context != reading.context else ""


def _timed(work: Callable[[], _Found]) -> tuple[float, _Found]:
    started = time.process_time()
    found = work()
    return (time.process_time() - started) * 1000, found


def _p90(costs: list[float]) -> float:
    return quantiles(costs, n=10)[-1]


def _tell_reasons(because: Counter[str]) -> None:
    total = because.total()
    print(f"  cut at entries: {because['']} of {total} ({because[''] / total:.1%})")
    for reason, count in because.most_common():
        if reason:
            print(f"    whole: {reason}: {count}")


if __name__ == "__main__":
    sys.exit(main())
