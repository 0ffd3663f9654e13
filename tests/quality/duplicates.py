"""How many copies do we fold, and how many independent reports by mistake?

Labelled pairs of agency texts, of one publisher's articles and of two days' feeds; a set made here
(`printings`); reviewed identities of several days' feeds; and reporters' own accounts of one event.
Pairs and articles are in two parts: rules were tuned on "dev" alone. Shares are 0..1, more is
better.
"""

import csv
import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator.items.duplicates import News
from aggregator.items.likeness import judge
from aggregator.items.sketch import Kind, Sketch, kind_of, sketch
from aggregator.text.urls import canonical
from tests.quality.capture import captured
from tests.quality.deskwork import Desk, Tally
from tests.quality.printings import made

NAME = "duplicates"
CORPUS = (
    "duplicates/*",
    "stories/mmds_dev.jsonl",
    "stories/basil.jsonl",
    "stories/neus_*.jsonl",
    "topics/bbc.jsonl",
    "replay/rumca_*",
)
HERE = Path(__file__).parent
MOST_FOLDED = 0.001  # of pairs of independent reports
COPY_FROM, OWN_BELOW = 0.7, 0.1  # five-gram containment that needs no label
PARTS = ("dev", "test")
KINDS = {Kind.FULL: "text", Kind.TEASER: "teaser", Kind.SHORT: "headline"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Label:
    """What was found by reading two texts: "copy", "own", or "doubt", which is not counted."""

    corpus: str
    a: str
    b: str
    said: str


def scores(data: Path) -> dict[str, float]:
    """Return every score by name; ``data`` is the folder of labelled sets."""
    labels = _labels()
    copies = {frozenset((one.a, one.b)) for one in labels if one.said == "copy"}
    return {
        **_agency_pairs(data, copies),
        **_in_parts(data, labels),
        **_identities(data),
        **_independent(data / "stories/basil.jsonl", "body", copies),
        **_independent(data / "stories/neus_train.jsonl", "summary", copies),
        **_independent(data / "stories/neus_val.jsonl", "summary", copies),
    }


def _labels() -> list[Label]:
    with (HERE / "duplicates_labels.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return [Label(row["set"], row["a"], row["b"], row["label"]) for row in rows]


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# Labelled pairs


def _agency_pairs(data: Path, copies: set[frozenset[str]]) -> dict[str, float]:
    drawn = {row["id"]: _drawn(row, "body") for row in _rows(data / "stories/mmds_dev.jsonl")}
    tally = Tally()
    with (data / "duplicates/mmds_dev_pairs.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            a, b = (f"mmds-dev-{row[key]}" for key in ("id_a", "id_b"))
            alike = float(row["containment5"])
            between = OWN_BELOW <= alike < COPY_FROM  # labelled by hand
            is_copy = frozenset((a, b)) in copies if between else alike >= COPY_FROM
            tally.count(is_copy=is_copy, said=judge(drawn[a], drawn[b]) is not None)
    return tally.named("agency pairs")


def _drawn(row: Row, field: str) -> Sketch:
    return sketch(row["title"] or "", row.get(field) or "")


def _in_parts(data: Path, labels: list[Label]) -> dict[str, float]:
    """Score labelled pairs and made articles, by part and length, alone and together."""
    pairs = _labelled(data, labels)
    found: dict[str, float] = {}
    for part in PARTS:
        full, teasers = made(part)
        for kind, tally in (("text", full), ("teaser", teasers)):
            found |= pairs[kind, part].named(f"pairs {kind} {part}")
            found |= tally.named(f"made {kind} {part}")
            found |= (pairs[kind, part] + tally).named(f"all {kind} {part}")
        found |= pairs["headline", part].named(f"pairs headline {part}")
    return found


def _labelled(data: Path, labels: list[Label]) -> dict[tuple[str, str], Tally]:
    """Count all pairs labelled by hand, by length of the shorter text and by part."""
    tallies = {(kind, part): Tally() for kind in KINDS.values() for part in PARTS}
    texts = {corpus: read(data) for corpus, read in _READ.items()}
    for label in labels:
        if label.said == "doubt":
            continue
        a, b = (texts[label.corpus][name] for name in (label.a, label.b))
        smaller = min(sketch(a.title, a.text).size, sketch(b.title, b.text).size)
        tally = tallies[KINDS[kind_of(smaller)], _part(label)]
        tally.count(is_copy=label.said == "copy", said=_folded(a, b))
    return tallies


def _part(label: Label) -> str:
    """Return the part of a pair; all pairs of a text that is in several are in one."""
    group = label.a.rpartition("-")[0] if label.corpus.startswith("neus") else min(label.a, label.b)
    return PARTS[hashlib.sha256(f"{label.corpus} {group}".encode()).digest()[0] % 2]


def _folded(a: News, b: News) -> bool:
    desk = Desk()
    first = desk.take("a", a.title, a.text, a.canonical, owner=a.owner)
    return desk.take("b", b.title, b.text, b.canonical, owner=b.owner) == first


def _bodies(path: str, field: str = "body") -> Any:
    def read(data: Path) -> Mapping[str, News]:
        rows = _rows(data / path)
        return {row["id"]: _plain(row["title"] or "", row.get(field) or "") for row in rows}

    return read


def _plain(title: str, text: str) -> News:
    return News(title=title, text=text, canonical=None, feed="", owner="")


def _captured(day: str) -> Any:
    def read(data: Path) -> Mapping[str, News]:
        path = data / f"replay/rumca_{day}.jsonl.gz"
        return {str(number): news for number, news in enumerate(captured(path))}

    return read


_READ = {
    "mmds_dev": _bodies("stories/mmds_dev.jsonl"),
    "bbc": _bodies("topics/bbc.jsonl"),
    "neus_train": _bodies("stories/neus_train.jsonl", "summary"),
    "neus_val": _bodies("stories/neus_val.jsonl", "summary"),
    "rumca_2023-02-06": _captured("2023-02-06"),
    "rumca_2023-10-07": _captured("2023-10-07"),
}


# Reporters' own accounts of one event


def _independent(path: Path, field: str, copies: set[frozenset[str]]) -> dict[str, float]:
    by_story: defaultdict[str, list[Row]] = defaultdict(list)
    for row in _rows(path):
        by_story[row["story"]].append(row)
    pairs = folded = 0
    for rows in by_story.values():
        for a, b in itertools.combinations(rows, 2):
            if frozenset((a["id"], b["id"])) in copies:
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
    desk = Desk()
    for row in reversed(rows.values()):
        told = desk.take(row["source"], row["title"], row["body"] or "", canonical(row["url"]))
        roots.append((told, row["story"]))
    tally = Tally()
    for (root, story), (other_root, other_story) in itertools.combinations(roots, 2):
        tally.count(is_copy=story == other_story, said=root == other_root)
    return tally.named("identities")
