"""Does a real day go through without losing, doubling or reviving anything?

``python -m bench.day`` replays the captured day twice and checks the promises against the raw
files, which it reads with feedparser alone. Exits 1 when one is broken.
"""

import filecmp
import io
import json
import resource
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import feedparser

from aggregator.model.editions import MILESTONES
from bench.data import folder
from tests.quality.capture import unpacked

OWNERS = 22  # publishers of that day
EXPECTED = 1769  # distinct guid-or-link per feed in the raw files of that day


def main() -> int:
    """Run all checks; print a line each."""
    data = folder()
    if data is None:
        print("bench.day: no data folder (set AGGREGATOR_DATA); nothing checked")
        return 0
    with unpacked(data / "replay" / "2021-09-20.tar.xz") as work:
        day = next(path for path in work.iterdir() if path.is_dir())
        first, second = work / "first", work / "second"
        seconds = _replay(day, first)
        _replay(day, second)
        return _report(day, first, second, seconds)


def _replay(day: Path, out: Path) -> float:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "aggregator", "replay", str(day), "--out", str(out)],
        check=False,
        capture_output=True,
        text=True,
    )
    took = time.monotonic() - started
    errors = [line for line in done.stderr.splitlines() if "error" in line.casefold()]
    if done.returncode or errors:
        sys.exit(f"replay ended with {done.returncode}: {errors[:3] or done.stderr[-2000:]}")
    return took


def _report(day: Path, first: Path, second: Path, seconds: float) -> int:
    raw = set(_raw(day))
    items = [json.loads(line) for line in (first / "items.jsonl").open(encoding="utf-8")]
    kept = {(item["feed"], item["guid"] or item["link"]) for item in items}
    editions = [json.loads(line) for line in (first / "editions.jsonl").open(encoding="utf-8")]
    twice = sum(max(Counter(e["ids"]).values(), default=0) > 1 for e in editions)
    revived = list(_revived(editions))
    hurried = list(_told_too_often(editions))
    different = [path for path in _files(first) if not _same(first / path, second / path)]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    copies = sum(item["duplicate_of"] is not None for item in items)
    print(
        f"raw items {len(raw)} (expected {EXPECTED}), stored {len(items)}, lost {len(raw - kept)}"
    )
    print(f"folded as copies {copies}, stories {len({item['story'] for item in items})}")
    print(f"editions {len(editions)}, listing an id twice {twice}, ids revived {len(revived)}")
    print(f"stories dated anew more often than at a milestone each {len(hurried)}")
    for output in ("top", "topics/world/top"):
        print(f"{output}: {_churn(editions, output)}")
    print(f"files that differ between two runs {len(different)} of {len(_files(first))}")
    print(f"replay took {seconds:.1f} s, peak memory of one process {peak} MB")
    good = raw <= kept and len(raw) == EXPECTED == len(items)
    return 0 if good and not (twice or revived or hurried or different) else 1


def _raw(day: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(day.iterdir()):
        feed = path.stem.partition("__")[2]
        parsed: Any = feedparser.parse(
            io.BytesIO(path.read_bytes()), sanitize_html=False, resolve_relative_uris=False
        )
        for entry in parsed.entries:
            yield feed, entry.get("id") or entry.get("link")


def _revived(editions: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield (output, id) for each id that appears after it had vanished."""
    gone: dict[str, set[str]] = defaultdict(set)
    shown: dict[str, set[str]] = defaultdict(set)
    for edition in editions:
        output, ids = edition["output"], set(edition["ids"])
        yield from ((output, held) for held in ids & gone[output])
        gone[output] |= shown[output] - ids
        shown[output] = ids


def _told_too_often(editions: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield (output, id) for each entry of a Top output that was dated anew without a milestone.

    Counted from outside: a story of so many owners has passed so many milestones at most.
    """
    dates: dict[tuple[str, str], set[str]] = defaultdict(set)
    for edition in editions:
        if edition["output"].endswith("top"):
            for name, date in zip(edition["ids"], edition["updated"], strict=True):
                dates[edition["output"], name].add(date)
    for told, found in dates.items():
        if len(found) - 1 > sum(step <= OWNERS for step in MILESTONES):
            yield told


def _churn(editions: list[dict[str, Any]], output: str) -> str:
    """Say how restless the first ten are: who is new among them, who changed places, an hour."""
    hours = {e["time"][:13]: e["ids"][:10] for e in editions if e["output"] == output}
    first = [hours[hour] for hour in sorted(hours)]
    new = moved = 0
    for before, after in pairwise(first):
        new += len(set(after) - set(before))
        stayed = [name for name in before if name in after]
        moved += sum(a != b for a, b in zip(stayed, (n for n in after if n in before), strict=True))
    spans = max(1, len(first) - 1)
    return f"{new / spans:.2f} new in the first ten an hour, {moved / spans:.2f} changed places"


def _files(out: Path) -> list[Path]:
    return sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())


def _same(one: Path, other: Path) -> bool:
    return other.exists() and filecmp.cmp(one, other, shallow=False)


if __name__ == "__main__":
    sys.exit(main())
