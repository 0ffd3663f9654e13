"""How well do stories agree with labelled ones? One setting for all sets and languages."""

import json
import math
from collections import Counter
from pathlib import Path

from aggregator.cli.stories import assign, read

NAME = "stories"
CORPUS = ("stories/*.jsonl",)
GUARDED = ("b3 f1", "pair f1")
SMALLEST = 50  # items; below that a set says nothing


def scores(data: Path) -> dict[str, float]:
    """Return B-cubed P, R, F1, pairwise F1, ARI and the numbers of stories for each set."""
    figures: dict[str, float] = {}
    for path in sorted((data / "stories").glob("*.jsonl")):
        gold, found = _labels(path)
        if len(gold) < SMALLEST:
            continue
        for metric, figure in agreement(gold, found).items():
            figures[f"{path.stem} / {metric}"] = figure
    return figures


def agreement(gold: list[str], found: list[str]) -> dict[str, float]:
    """Return how two groupings of the same items agree; both give a label to each item."""
    n = len(gold)
    both, by_gold, by_found = Counter(zip(gold, found, strict=True)), Counter(gold), Counter(found)
    precision = sum(k * k / by_found[f] for (_, f), k in both.items()) / n
    recall = sum(k * k / by_gold[g] for (g, _), k in both.items()) / n
    together = sum(math.comb(k, 2) for k in both.values())
    in_gold = sum(math.comb(k, 2) for k in by_gold.values())
    in_found = sum(math.comb(k, 2) for k in by_found.values())
    chance = in_gold * in_found / max(1, math.comb(n, 2))
    mean = (in_gold + in_found) / 2
    return {
        "b3 p": precision,
        "b3 r": recall,
        "b3 f1": 2 * precision * recall / (precision + recall),
        "pair f1": together / mean if mean else 1.0,
        "ari": (together - chance) / (mean - chance) if mean != chance else 1.0,
        "found count": float(len(by_found)),
        "gold count": float(len(by_gold)),
    }


def _labels(path: Path) -> tuple[list[str], list[str]]:
    with path.open(encoding="utf-8") as file:
        faults: list[str] = []
        lines = list(read(file, faults))
    if faults:
        raise ValueError(faults[0])
    rows = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    placed = assign(lines)
    return [row["story"] for row in rows], [placed[line.number] for line in lines]
