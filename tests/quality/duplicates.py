"""How many copies do we fold, and how many independent reports by mistake?

Four sets: labelled agency pairs, a set made here from invented articles, reviewed identities of a
day's feeds, and reporters' own accounts of one event. Shares are 0..1, more is better.
"""

import csv
import itertools
import json
import random
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aggregator.items.duplicates import Candidate, find, judge
from aggregator.items.shelf import MemoryShelf
from aggregator.items.sketch import Sketch, sketch
from aggregator.model.items import Entry
from aggregator.text.urls import canonical

NAME = "duplicates"
CORPUS = (
    "duplicates/*",
    "stories/mmds_dev.jsonl",
    "stories/basil.jsonl",
    "stories/neus_*.jsonl",
)
HERE = Path(__file__).parent
ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
MOST_FOLDED = 0.001  # of pairs of independent reports
COPY_FROM, OWN_BELOW = 0.7, 0.1  # five-gram containment that needs no label

Row = dict[str, Any]


def scores(data: Path) -> dict[str, float]:
    """Return every score by name; ``data`` is the folder of labelled sets."""
    labels = _labels()
    return {
        **_agency_pairs(data, labels),
        **_identities(data),
        **_independent(data / "stories/basil.jsonl", "body", labels),
        **_independent(data / "stories/neus_train.jsonl", "summary", labels),
        **_independent(data / "stories/neus_val.jsonl", "summary", labels),
        **_made("dev"),
        **_made("test"),
    }


def _labels() -> dict[frozenset[str], bool]:
    with (HERE / "duplicates_labels.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {frozenset((row["a"], row["b"])): row["label"] == "copy" for row in rows}


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@dataclass
class Tally:
    """Right and wrong answers to "is it a copy?"."""

    found: int = 0
    missed: int = 0
    wrong: int = 0

    def count(self, *, is_copy: bool, said: bool) -> None:
        self.found += is_copy and said
        self.missed += is_copy and not said
        self.wrong += said and not is_copy

    def named(self, name: str) -> dict[str, float]:
        recall = self.found / max(1, self.found + self.missed)
        precision = self.found / max(1, self.found + self.wrong)
        return {f"{name} / recall": recall, f"{name} / precision": precision}


# Labelled agency pairs


def _agency_pairs(data: Path, labels: dict[frozenset[str], bool]) -> dict[str, float]:
    drawn = {row["id"]: _drawn(row, "body") for row in _rows(data / "stories/mmds_dev.jsonl")}
    tally = Tally()
    with (data / "duplicates/mmds_dev_pairs.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            a, b = (f"mmds-dev-{row[key]}" for key in ("id_a", "id_b"))
            alike = float(row["containment5"])
            is_copy = labels.get(frozenset((a, b)), alike >= COPY_FROM)
            if OWN_BELOW <= alike < COPY_FROM and frozenset((a, b)) not in labels:
                raise LookupError(f"duplicates_labels.tsv: label {a} and {b} as copy or own")
            tally.count(is_copy=is_copy, said=judge(drawn[a], drawn[b]) is not None)
    return tally.named("agency pairs")


def _drawn(row: Row, field: str) -> Sketch:
    return sketch(row["title"] or "", row.get(field) or "")


# Reporters' own accounts of one event


def _independent(path: Path, field: str, labels: dict[frozenset[str], bool]) -> dict[str, float]:
    by_story: defaultdict[str, list[Row]] = defaultdict(list)
    for row in _rows(path):
        by_story[row["story"]].append(row)
    pairs = folded = 0
    for rows in by_story.values():
        for a, b in itertools.combinations(rows, 2):
            if labels.get(frozenset((a["id"], b["id"]))):
                continue  # two outlets that print one agency
            pairs += 1
            folded += judge(_drawn(a, field), _drawn(b, field)) is not None
    return {
        f"{path.stem} / kept apart": float(folded <= MOST_FOLDED * pairs),
        f"{path.stem} / folded count": folded,
        f"{path.stem} / pairs count": pairs,
    }


# Reviewed identities


def _identities(data: Path) -> dict[str, float]:
    rows = {
        (row["source"], row["url"], row["title"]): row
        for row in reversed(_rows(data / "duplicates/scoop_items.jsonl"))
    }
    roots: list[tuple[str, str]] = []
    shelf = Desk()
    for row in reversed(rows.values()):
        place = canonical(row["url"])
        roots.append(
            (shelf.take(row["source"], row["title"], row["body"] or "", place), row["story"])
        )
    tally = Tally()
    for (root, story), (other_root, other_story) in itertools.combinations(roots, 2):
        tally.count(is_copy=story == other_story, said=root == other_root)
    return tally.named("identities")


class Desk:
    """Items in order of arrival, each folded under what it repeats."""

    def __init__(self) -> None:
        self.shelf = MemoryShelf()
        self.taken = 0

    def take(self, feed: str, title: str, text: str, place: str | None) -> str:
        """Take an item in; return the id it goes by: its lead's, or its own."""
        entry = Entry(title=title, summary=text, canonical=place)
        copy = find(entry, text, owner=feed, feed=feed, shelf=self.shelf)
        self.taken += 1
        one = Candidate(
            id=str(self.taken),
            seq=self.taken,
            lead=copy.lead if copy else None,
            owner=feed,
            feed=feed,
            canonical=place,
            title=title,
            text=text,
            first_seen=ANY_DAY,
        )
        self.shelf.add(one)
        return one.lead or one.id


# The set made here


@dataclass(frozen=True)
class Version:
    """One printing of an article, or something that must not be taken for one."""

    title: str
    text: str
    is_copy: bool


def _made(part: str) -> dict[str, float]:
    with (HERE / "made_articles.toml").open("rb") as file:
        articles = [row for row in tomllib.load(file)["article"] if row["part"] == part]
    full, teasers = Tally(), Tally()
    dice = random.Random(part)
    shortened = [_as_teaser(article) for article in articles]
    for article in articles:
        _try_out(article, articles, _printings(article, dice), full)
        _try_out(_as_teaser(article), shortened, _teasers(article, dice), teasers)
    _try_formulas(full, teasers)
    return {**full.named(f"made text {part}"), **teasers.named(f"made teaser {part}")}


def _try_out(article: Row, crowd: list[Row], versions: Iterator[Version], tally: Tally) -> None:
    for number, version in enumerate(versions):
        desk = Desk()
        leads = {
            row["name"]: desk.take("agency", row["headline"], row["text"], None) for row in crowd
        }
        for other in crowd:  # the paper has printed other things, with the same lines around them
            if other is not article and other["name"] != article["name"]:
                text = _furnished(_sentences(other, "own"), other["headline"])
                desk.take(
                    "paper", other["others"][0], text, f"https://paper.example/{other['name']}"
                )
        told = desk.take("paper", version.title, version.text, f"https://paper.example/{number}")
        tally.count(is_copy=version.is_copy, said=told == leads[article["name"]])


def _printings(article: Row, dice: random.Random) -> Iterator[Version]:
    sentences, place = _sentences(article), article["place"]
    first, second = article["others"]
    whole = " ".join(sentences)
    gap = "" if article.get("language") == "zh" else " "

    def some(share: float) -> str:
        return gap.join(sentences[: max(2, round(len(sentences) * share))])

    yield Version(first, f"{place.upper()}, Sept 20 (ANI) - {whole} (ANI)", is_copy=True)
    yield Version(second, f"{whole}\nALSO READ: {first}\n…reports Example Lite News", is_copy=True)
    yield Version(first, f"{place}: {some(0.5)}", is_copy=True)
    yield Version(second, f"{some(0.6)} Read more at paper.example", is_copy=True)
    yield Version(first, _furnished(sentences, second), is_copy=True)
    yield Version(second, gap.join(_edited(sentences, dice, 0.04)), is_copy=True)
    yield Version(first, gap.join(_edited(sentences[1:], dice, 0.08)), is_copy=True)
    yield Version(article["headline"], gap.join(_moved(sentences)), is_copy=True)
    yield Version(second, some(0.25), is_copy=True)
    for _ in range(5):
        yield Version(second, gap.join(_edited(sentences, dice, 0.12)), is_copy=True)
    yield Version(first, article["own"], is_copy=False)
    yield Version(article["headline"], _furnished(_sentences(article, "own"), ""), is_copy=False)


def _as_teaser(article: Row) -> Row:
    return {**article, "text": _opening(article, 45)}


def _teasers(article: Row, dice: random.Random) -> Iterator[Version]:
    first, second = article["others"]
    opening, place = _opening(article, 45), article["place"]
    yield Version(first, opening, is_copy=True)
    yield Version(second, f"{place.upper()} (Reuters) - {opening}", is_copy=True)
    yield Version(first, f"{_opening(article, 26)}… Continue reading", is_copy=True)
    yield Version(article["headline"], f"{_opening(article, 18)} [...]", is_copy=True)
    yield Version(second, f"{opening}\nThe post {second} appeared first on Example.", is_copy=True)
    for _ in range(4):
        yield Version(second, " ".join(_edited([opening], dice, 0.06)), is_copy=True)
    shorter = _opening(article, 26)
    for _ in range(2):
        yield Version(article["headline"], " ".join(_edited([shorter], dice, 0.06)), is_copy=True)
    yield Version(first, _opening(article, 45, "own"), is_copy=False)
    yield Version(article["headline"], _opening(article, 45, "own"), is_copy=False)
    yield Version(second, _opening(article, 25, "own"), is_copy=False)


def _try_formulas(full: Tally, teasers: Tally) -> None:
    """Texts that are the same every day but for their figures."""
    cases = (
        "The health ministry reported {} new infections and {} deaths on {}, bringing the total"
        " since the beginning of the year to {}. The number of people in hospital is {}."
    )
    market = (
        "The main index closed {} percent lower at {} points on {} as investors took profits."
        " Banks lost {} percent, miners {} percent. Turnover was {} million crowns, against a"
        " thirty-day average of {} million. Among the winners were makers of machines with a gain"
        " of {} percent. The crown stood at {} to the dollar. The yield of the ten-year bond"
        " rose to {} percent. Traders said the week's figures on prices would set the tone."
    )
    for formula, tally in ((cases, teasers), (market, full)):
        days = [formula.format(*(seed * 37 + place * 11 for place in range(12))) for seed in (3, 4)]
        desk = Desk()
        first = desk.take("agency", "Daily figures: day 3", days[0], None)
        told = desk.take("paper", "Daily figures: day 4", days[1], "https://paper.example/4")
        tally.count(is_copy=False, said=told == first)


def _sentences(article: Row, field: str = "text") -> list[str]:
    return re.split(r"(?<=[.!?])\s+|(?<=。)", article[field].strip())


def _opening(article: Row, words: int, field: str = "text") -> str:
    text: str = article[field].strip()
    return text[: words * 2] if article.get("language") == "zh" else " ".join(text.split()[:words])


def _furnished(sentences: list[str], elsewhere: str) -> str:
    half = len(sentences) // 2
    return "\n".join((
        "3 mins read",
        " ".join(sentences[:half]),
        f"Read also: {elsewhere}",
        "Sign up for our newsletter and never miss a story again.",
        " ".join(sentences[half:]),
        "(With inputs from agencies)",
        "Photo: A view of the scene. Credit: Somebody/Agency",
        "This story has been published from a wire agency feed without modifications to the text.",
    ))  # fmt: skip


def _edited(sentences: list[str], dice: random.Random, share: float) -> Iterator[str]:
    """Change every so many words, as a copy editor does."""
    for sentence in sentences:
        parts = re.findall(r"\w+|\W+", sentence)
        yield "".join(
            "other" if part.isalpha() and len(part) < 12 and dice.random() < share else part
            for part in parts
        )


def _moved(sentences: list[str]) -> list[str]:
    """Put the third sentence first and leave the last one out."""
    return [sentences[2], *sentences[:2], *sentences[3:-1]]
