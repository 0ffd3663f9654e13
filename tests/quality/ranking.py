"""Does the rank, told from the past alone, put first what most independent owners will report?

Each hour of a day of many publishers: the stories so far, ranked, against the number of owners
that each has by the end of the day. Beside it, counting items and newest first.
"""

import gzip
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from dateutil.parser import isoparse

from aggregator.model.stories import StoryFacts, Voice
from aggregator.stories.clustering import Clusters, Piece
from aggregator.stories.ranking import ranked

NAME = "ranking"
CORPUS = ("replay/rumca_*.jsonl.gz",)
HOURS = range(8, 24)
FIRST = 10


@dataclass(slots=True)
class Report:
    """One item: its story (as known at the end of the day), owner and time."""

    story: str
    owner: str
    at: datetime


@dataclass(slots=True)
class Day:
    """Sums over the hours of a day."""

    ndcg: dict[str, float] = field(default_factory=dict)
    changed: float = 0.0


def scores(data: Path) -> dict[str, float]:
    """Return the mean NDCG@10 of three orders and the changes among the first ten an hour."""
    figures: dict[str, float] = {}
    for path in sorted((data / "replay").glob("rumca_*.jsonl.gz")):
        name = path.name.removesuffix(".jsonl.gz")
        for metric, figure in _day(list(_reports(path))).items():
            figures[f"{name} / {metric}"] = figure
    return figures


def ndcg(order: Sequence[str], gains: dict[str, int], first: int = FIRST) -> float:
    """Return the normalised discounted gain of the ``first`` places of ``order``."""
    best = sorted(gains.values(), reverse=True)[:first]
    ideal = sum(gain / math.log2(n + 2) for n, gain in enumerate(best))
    reached = sum(gains[story] / math.log2(n + 2) for n, story in enumerate(order[:first]))
    return reached / ideal if ideal else 0.0


def _day(reports: list[Report]) -> dict[str, float]:
    final: dict[str, set[str]] = {}
    for report in reports:
        final.setdefault(report.story, set()).add(report.owner)
    start = reports[0].at.replace(hour=0, minute=0, second=0)
    totals = {"ndcg": 0.0, "most items": 0.0, "newest": 0.0}
    changes, before = 0, set[str]()
    for hour in HOURS:
        now = start + timedelta(hours=hour)
        past = [report for report in reports if report.at <= now]
        gains = {story: len(final[story]) for story in {report.story for report in past}}
        orders = _orders(past, now)
        for name, order in orders.items():
            totals[name] += ndcg(order, gains)
        top = set(orders["ndcg"][:FIRST])
        changes += len(top - before) if before else 0
        before = top
    means = {name: total / len(HOURS) for name, total in totals.items()}
    return {
        "ndcg": means["ndcg"],
        "beside most items": means["most items"],
        "beside newest": means["newest"],
        "new in ten a day count": float(changes),
    }


def _orders(past: list[Report], now: datetime) -> dict[str, list[str]]:
    counts: dict[str, int] = {}
    last: dict[str, datetime] = {}
    for report in past:
        counts[report.story] = counts.get(report.story, 0) + 1
        last[report.story] = report.at
    return {
        "ndcg": [one.story for one in ranked(_facts(past), now=now)],
        "most items": sorted(counts, key=lambda story: (-counts[story], story)),
        "newest": sorted(last, key=lambda story: (last[story], story), reverse=True),
    }


def _facts(past: list[Report]) -> Iterator[StoryFacts]:
    voices: dict[str, dict[str, Voice]] = {}
    for report in past:
        of_story = voices.setdefault(report.story, {})
        known = of_story.get(report.owner)
        first = known.first if known else report.at
        of_story[report.owner] = Voice(owner=report.owner, weight=1, first=first, last=report.at)
    for story, by_owner in voices.items():
        owners = tuple(by_owner.values())
        yield StoryFacts(id=story, opened=min(voice.first for voice in owners), voices=owners)


def _reports(path: Path) -> Iterator[Report]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    rows.sort(key=lambda row: isoparse(row["date_published"]))
    clusters = Clusters()
    found: list[Report] = []
    for n, row in enumerate(rows):
        at = isoparse(row["date_published"])
        piece = Piece(
            id=str(n),
            title=row.get("title") or "",
            summary=row.get("description") or "",
            language=row.get("language"),
            at=at,
        )
        placement, _ = clusters.place(piece, now=at)
        host = urlsplit(row["source"]).hostname or ""
        owner = ".".join(host.split(".")[-2:])
        found.append(Report(story=placement.story, owner=owner, at=at))
    for report in found:
        report.story = clusters.current(report.story)
        yield report
