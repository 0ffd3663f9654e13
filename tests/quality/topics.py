"""How well does the topic model tell topics, taught by one half and asked about the other?

Both ways round, figures over both.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from aggregator.stories.bayes import Bayes
from aggregator.stories.topics import FLOOR
from aggregator.text.tokens import terms

NAME = "topics"
CORPUS = ("topics/*.jsonl",)
COVERAGE = 0.7

# The sections of that publisher that are topics of ours; the others are forms or communities.
SECTIONS = {
    "BUSINESS": "business",
    "CULTURE & ARTS": "culture",
    "ENTERTAINMENT": "culture",
    "ENVIRONMENT": "science",
    "MONEY": "business",
    "POLITICS": "politics",
    "SCIENCE": "science",
    "SPORTS": "sport",
    "TECH": "technology",
    "WELLNESS": "health",
    "WORLD NEWS": "world",
}

Row = tuple[str, str, str]  # id, topic, text
Told = tuple[str, str, float]  # true topic, told topic, share


def scores(data: Path) -> dict[str, float]:
    """Return macro F1 over all, and how far what clears the floor can be relied on."""
    figures: dict[str, float] = {}
    for name, rows in (("bbc", _bbc(data)), ("huffpost", _huffpost(data))):
        for metric, figure in _measure(list(rows)).items():
            figures[f"{name} / {metric}"] = figure
    return figures


def _measure(rows: list[Row]) -> dict[str, float]:
    halves = [[row for row in rows if _half(row[0]) == half] for half in (0, 1)]
    told = [*_taught(halves[0], halves[1]), *_taught(halves[1], halves[0])]
    told.sort(key=lambda one: -one[2])
    sure = [one for one in told if one[2] >= FLOOR]
    return {
        "macro f1": _macro_f1(told),
        "macro f1 with none": _macro_f1([(t, g if s >= FLOOR else "", s) for t, g, s in told]),
        "precision at .7": _precision(told[: int(COVERAGE * len(told))]),
        "assigned": len(sure) / len(told),
        "precision of it": _precision(sure),
    }


def _taught(lessons: list[Row], questions: list[Row]) -> Iterator[Told]:
    model = Bayes()
    for _, topic, text in lessons:
        model.learn(terms(text), (topic,))
    topics = sorted({topic for _, topic, _ in lessons})
    for _, topic, text in questions:
        guess = model.guess(terms(text), topics)
        yield (topic, guess.topic, guess.share) if guess else (topic, "", 0.0)


def _half(key: str) -> int:
    return hashlib.sha256(key.encode()).digest()[0] % 2


def _precision(told: list[Told]) -> float:
    return sum(topic == guess for topic, guess, _ in told) / len(told)


def _macro_f1(told: list[Told]) -> float:
    topics = {topic for topic, _, _ in told}
    total = 0.0
    for topic in topics:
        right = sum(true == guess == topic for true, guess, _ in told)
        claimed = sum(guess == topic for _, guess, _ in told)
        there = sum(true == topic for true, _, _ in told)
        total += 2 * right / (claimed + there)
    return total / len(topics)


def _bbc(data: Path) -> Iterator[Row]:
    for row in _rows(data / "topics/bbc.jsonl"):
        opening = " ".join(row["body"].split()[:60])
        yield row["id"], row["topic"], f"{row['title']}\n{opening}"


def _huffpost(data: Path) -> Iterator[Row]:
    for row in _rows(data / "topics/huffpost.jsonl"):
        if row["category"] in SECTIONS:
            text = f"{row['headline']}\n{row['short_description']}"
            yield row["link"], SECTIONS[row["category"]], text


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
