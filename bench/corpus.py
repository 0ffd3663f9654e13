"""Does every captured feed give its items, and does no hostile document do harm?

Run as `python -m bench.corpus`. Needs the captured documents, which are not part of the project:
the folder named by AGGREGATOR_DATA, else ../shared/data.
"""

import io
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import feedparser

from aggregator.model.visits import Document, ParsedFeed, Unreadable
from aggregator.service.workers import MIB, ParseWorkers
from bench.data import folder

SECONDS = 20.0
MEMORY = 512 * MIB
URL = "https://publisher.example/feeds/news.xml"
NOTES = ("README.txt", "README.md", "SOURCES.tsv")


def main() -> int:
    root = folder()
    if root is None or not (root / "feeds").is_dir():
        print("corpus: no captured feeds (see AGGREGATOR_DATA); nothing was checked")
        return 0
    data = root / "feeds"
    faults = [
        *check(data / "real", demand_items=True),
        *check(data / "hostile", demand_items=False),
    ]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    if peak > MEMORY:
        faults.append(f"a worker held {peak // MIB} MiB, the limit is {MEMORY // MIB}")
    print(f"corpus: largest worker {peak // MIB} MiB of {MEMORY // MIB}; {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def check(place: Path, *, demand_items: bool) -> Iterator[str]:
    """Parse every file below ``place`` in workers; yield what is wrong, one line each."""
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.name not in NOTES)
    bodies = [path.read_bytes() for path in files]
    started = time.perf_counter()
    workers = ParseWorkers(workers=2, seconds=SECONDS, memory=MEMORY)
    try:
        jobs = ((body, "", URL, None) for body in bodies)
        documents = [reading.document for reading in workers.read_many(jobs)]
    finally:
        workers.close()
    took = time.perf_counter() - started
    feeds = [document for document in documents if isinstance(document, ParsedFeed)]
    items = sum(len(feed.entries) for feed in feeds)
    size = sum(map(len, bodies))
    print(
        f"corpus: {place.name}: {len(files)} documents, {len(feeds)} feeds, {items} items, "
        f"{size / MIB:.1f} MiB in {took:.1f} s"
    )
    for path, body, document in zip(files, bodies, documents, strict=True):
        fault = _one_line(document) or (_lost(body, document) if demand_items else None)
        if fault:
            yield f"{path.relative_to(place.parent)}: {fault}"


def _one_line(document: Document) -> str | None:
    if not isinstance(document, Unreadable):
        return None
    if document.reason and "\n" not in document.reason and len(document.reason) <= 300:
        return None
    return f"the reason is not one line: {document.reason!r}"


def _lost(body: bytes, document: Document) -> str | None:
    wanted = _found_by_feedparser(body)
    if isinstance(document, Unreadable):
        return f"{wanted} entries, but: {document.reason}" if wanted else None
    if len(document.entries) < wanted:
        return f"{wanted} entries, but {len(document.entries)} items"
    return None


def _found_by_feedparser(body: bytes) -> int:
    """Count the entries that say anything at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = feedparser.parse(io.BytesIO(body)).entries
        except Exception:  # noqa: BLE001 - then there is nothing to compare with
            return 0
    said = ("id", "link", "title", "summary", "content")
    return min(2000, sum(any(entry.get(name) for name in said) for entry in found))


if __name__ == "__main__":
    sys.exit(main())
