"""Which items of captured days are folded, and which long passages have two that are not?

``python -m bench.copies`` replays the recorded day and files the entries of two more days in the
order of their capture; it prints each pair that was folded, with its rule and figure, both
headlines, feeds and addresses, to be looked at one by one. ``--missed`` adds pairs that were not
folded though they share 15 words in a row or a long headline.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from aggregator.items.duplicates import Candidate, find
from aggregator.items.likeness import is_telling
from aggregator.items.shelf import MemoryShelf
from aggregator.items.sketch import sketch
from bench.data import folder
from tests.quality.capture import captured, unpacked

MANY = 40  # articles that share a phrase: it is nobody's
IN_A_ROW = 12  # four-word phrases shared: fifteen words


@dataclass(frozen=True)
class Pair:
    """Two items; why they were folded, '' when they were not."""

    because: str
    titles: tuple[str, str]
    owners: tuple[str, str]
    places: tuple[str, str]


def main() -> int:
    """Print the folds of each day."""
    options = _options()
    data = folder()
    if data is None:
        print("bench.copies: no data folder (set AGGREGATOR_DATA); nothing looked at")
        return 0
    _tell("2021-09-20", _replayed(data / "replay" / "2021-09-20.tar.xz"))
    for path in sorted((data / "replay").glob("rumca_*.jsonl.gz")):
        folded, missed = _filed(path)
        _tell(path.name, folded)
        if options.missed:
            _tell(f"{path.name}, not folded", missed)
    return 0


def _tell(day: str, pairs: list[Pair]) -> None:
    rules = Counter(pair.because.partition(" ")[0] for pair in pairs)
    print(f"\n{day}: {len(pairs)} pairs", *(f"{rule} {count}" for rule, count in rules.items()))
    for pair in pairs:
        print(pair.because or "apart", *(f"\n    {line}" for line in _lines(pair)))


def _lines(pair: Pair) -> Iterator[str]:
    for title, owner, place in zip(pair.titles, pair.owners, pair.places, strict=True):
        yield f"{title} [{owner}] {place}"


def _replayed(archive: Path) -> list[Pair]:
    """File the recorded day by the whole pipeline."""
    with unpacked(archive) as work:
        (day,) = work.iterdir()
        out = work / "out"
        command = [sys.executable, "-m", "aggregator", "replay", str(day), "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        rows = [json.loads(line) for line in (out / "items.jsonl").open(encoding="utf-8")]
    by_id: dict[str, Any] = {row["id"]: row for row in rows}
    return [
        Pair(
            because=row["because"],
            titles=(lead["title"], row["title"]),
            owners=(lead["feed"], row["feed"]),
            places=(lead["link"], row["link"]),
        )
        for row in rows
        if row["duplicate_of"] and (lead := by_id[row["duplicate_of"]])
    ]


def _filed(path: Path) -> tuple[list[Pair], list[Pair]]:
    """File a day's entries in memory; return what was folded, and what is alike and was not."""
    shelf = MemoryShelf()
    items: dict[str, Candidate] = {}
    folded: list[Pair] = []
    for number, news in enumerate(captured(path)):
        copy = find(news, shelf)
        one = Candidate(
            id=str(number),
            seq=number,
            lead=copy.lead if copy else None,
            title=news.title,
            text=news.text,
            canonical=news.canonical,
            feed=news.feed,
            owner=news.owner,
            at=news.at,
            on_page=news.on_page,
        )
        shelf.add(one)
        items[one.id] = one
        if copy:
            folded.append(_pair(items[copy.lead], one, f"{copy.rule} {copy.figure:.2f}"))
    return folded, list(_alike(list(items.values())))


def _alike(items: list[Candidate]) -> Iterator[Pair]:
    holders: defaultdict[object, list[int]] = defaultdict(list)
    for number, one in enumerate(items):
        drawn = sketch(one.title, one.text)
        for value in drawn.shingles:
            holders[value].append(number)
        if is_telling(drawn.title):
            holders[drawn.title].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for key, numbers in holders.items():
        worth = IN_A_ROW if isinstance(key, tuple) else 1
        if len(numbers) <= MANY:
            shared.update(dict.fromkeys(combinations(numbers, 2), worth))
    for (a, b), count in sorted(shared.items()):
        one, other = items[a], items[b]
        if count >= IN_A_ROW and (one.lead or one.id) != (other.lead or other.id):
            yield _pair(one, other, "")


def _pair(lead: Candidate, copy: Candidate, because: str) -> Pair:
    return Pair(
        because=because,
        titles=(lead.title, copy.title),
        owners=(lead.owner, copy.owner),
        places=(lead.canonical or "", copy.canonical or ""),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.copies", description=__doc__)
    parser.add_argument("--missed", action="store_true", help="also what may have been missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
