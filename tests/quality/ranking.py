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
from msgspec.structs import replace

from aggregator.model.stories import StoryFacts, Voice
from aggregator.service.building import parse_workers
from aggregator.service.replay import Replay, captures, feeds_of
from aggregator.settings import load
from aggregator.storage import open_store
from aggregator.stories.clustering import Clusters, Piece
from aggregator.stories.ranking import ranked
from tests.quality.capture import unpacked

NAME = "ranking"
CORPUS = ("replay/*",)
HOURS = range(8, 24)
FIRST = 10
# Feeds of the captured day that belong to one house.
SISTERS = {
    "24oras": "gmanews",
    "cnntv": "cnn",
    "foxnewstv": "fox",
    "gmanewstv": "gmanews",
    "rnzcovid19": "rnz",
}


@dataclass(slots=True)
class Report:
    """One item: its story (as known at the end of the day), owner, time, and when it was seen."""

    story: str
    owner: str
    at: datetime
    seen: datetime
    copy: bool = False


@dataclass(slots=True)
class Day:
    """Sums over the hours of a day."""

    ndcg: dict[str, float] = field(default_factory=dict)
    changed: float = 0.0


def scores(data: Path) -> dict[str, float]:
    """Return the mean NDCG@10 of three orders and the changes among the first ten an hour."""
    figures: dict[str, float] = {}
    for path in sorted((data / "replay").iterdir()):
        read = _captured if path.suffix == ".xz" else _listed
        for metric, figure in _day(sorted(read(path), key=lambda report: report.seen)).items():
            figures[f"{path.name.partition('.')[0]} / {metric}"] = figure
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
    start = reports[0].seen.replace(hour=0, minute=0, second=0)
    totals = {"ndcg": 0.0, "most items": 0.0, "newest": 0.0}
    changes, before = 0, set[str]()
    for hour in HOURS:
        now = start + timedelta(hours=hour)
        past = [report for report in reports if report.seen <= now]
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
        last[report.story] = report.seen
    return {
        "ndcg": [one.story for one in ranked(_facts(past), now=now)],
        "most items": sorted(counts, key=lambda story: (-counts[story], story)),
        "newest": sorted(last, key=lambda story: (last[story], story), reverse=True),
    }


def _facts(past: list[Report]) -> Iterator[StoryFacts]:
    voices: dict[str, list[Voice]] = {}
    for report in past:
        voice = Voice(
            owner=report.owner, weight=1, first=report.at, last=report.at, copies_only=report.copy
        )
        voices.setdefault(report.story, []).append(voice)
    for story, heard in voices.items():
        yield StoryFacts(id=story, opened=heard[0].first, voices=tuple(heard))


def _captured(path: Path) -> list[Report]:
    """Return what the service itself makes of a day of captured documents."""
    with unpacked(path) as work:
        day = captures(work)
        settings = replace(load(feeds=None, config=work, environ={}), outputs=())
        feeds = [
            replace(feed, owner=SISTERS.get(feed.id, feed.id))
            for feed in feeds_of((capture.feed for capture in day), ())
        ]
        owners = {feed.id: feed.owner or feed.id for feed in feeds}
        store, workers = open_store("sqlite:///day.sqlite3", root=work), parse_workers(settings)
        try:
            for _ in Replay(store, settings, workers, tuple(feeds)).run(day):
                pass
            return [
                Report(
                    story=stored.story or stored.item.id,
                    owner=owners[stored.item.feed],
                    at=stored.item.published,
                    seen=stored.item.first_seen,
                    copy=stored.lead is not None,
                )
                for stored in store.items.all()
            ]
        finally:
            workers.close()
            store.close()


def _listed(path: Path) -> list[Report]:
    """Return what clustering makes of a day's list of items."""
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
        found.append(Report(story=placement.story, owner=owner, at=at, seen=at))
    for report in found:
        report.story = clusters.current(report.story)
    return found
