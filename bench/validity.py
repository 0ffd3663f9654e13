"""Would a validator find fault with what we publish? ``python -m bench.validity``

Every captured and every hostile document is read, taken in and published as an output of its own,
in all formats; then the captured day is replayed, and everything that it served is looked at. The
rules are those of ``tests/outputs/validator``. Exits 1 when one is broken. Needs the captured
documents, which are not part of the project (see ``bench.data``).
"""

import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from aggregator.model.editions import Format, Kind, OutputSpec, Rendered, Site
from aggregator.model.feeds import Feed
from aggregator.model.items import StoredItem
from aggregator.model.visits import Fetched
from aggregator.outputs import addresses, documents, gate, opml
from aggregator.outputs.editions import latest
from aggregator.service.archiving import ArchivePages
from aggregator.service.building import cadence
from aggregator.service.replay import Replay, captures, feeds_of
from aggregator.service.settling import settle
from aggregator.service.workers import MIB, ParseWorkers
from aggregator.settings import Settings, load
from aggregator.storage import Store, open_store
from bench.data import folder
from tests.outputs.validator import Finding, validate
from tests.quality.capture import unpacked

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SITE = Site(base_url="https://wire.example", installation="bench", title="The Wire")
NOTES = ("README.txt", "README.md", "SOURCES.tsv")
MOST = 1000  # entries of an output, the most that ops can ask for
SHOWN = 12  # faults that are printed for each kind


class Judged:
    """Counts documents and their faults by what they say."""

    def __init__(self) -> None:
        self.documents = self.entries = 0
        self.faults: Counter[str] = Counter()
        self.shown: dict[str, list[str]] = defaultdict(list)

    def look_at(self, rendered: Rendered, now: datetime) -> None:
        self.documents += 1
        self.entries += len(gate.entries_of(rendered))
        verdict = gate.judge(None, rendered)
        if isinstance(verdict, gate.Reject):
            self.note(rendered.path, f"refused by the gate: {verdict.reason}")
        location = f"{SITE.base_url}/{rendered.path}"
        for fault in validate(rendered.body, rendered.media_type, location=location, now=now):
            self.note(rendered.path, str(fault), fault)

    def note(self, path: str, told: str, fault: Finding | None = None) -> None:
        level = fault.level if fault else "error"
        self.faults[level] += 1
        self.shown[level].append(f"{path}: {told}")

    def report(self, name: str) -> int:
        errors, warnings = self.faults["error"], self.faults["warning"]
        print(
            f"validity: {name}: {self.documents} documents, {self.entries} entries: "
            f"{errors} errors, {warnings} warnings",
            flush=True,
        )
        for lines in self.shown.values():
            for line in lines[:SHOWN]:
                print(f"  {line[:300]}")
        return errors + warnings


def main() -> int:
    data = folder()
    if data is None or not (data / "feeds").is_dir():
        print("validity: no captured feeds (see AGGREGATOR_DATA); nothing was checked")
        return 0
    started = time.monotonic()
    faults = sum(_documents(data / "feeds" / kind) for kind in ("real", "hostile"))
    faults += _day(data / "replay" / "2021-09-20.tar.xz")
    print(f"validity: {faults} faults in {time.monotonic() - started:.0f} s")
    return 1 if faults else 0


def _documents(place: Path) -> int:
    """Publish every document below ``place`` by itself; return how many faults that has."""
    paths = sorted(path for path in place.rglob("*") if path.is_file() and path.name not in NOTES)
    feeds = tuple(
        Feed(id=f"f{number}", url=f"https://publisher.example/{number}/feed", owner=f"o{number}")
        for number, _ in enumerate(paths)
    )
    judged = Judged()
    with tempfile.TemporaryDirectory() as held:
        store = open_store("sqlite:///t.sqlite3", root=Path(held))
        settings = _settings(Path(held))
        store.feeds.configure(feeds, now=NOW)
        _take_in(store, settings, feeds, paths)
        by_feed: dict[str, list[StoredItem]] = defaultdict(list)
        for stored in store.items.all():
            by_feed[stored.item.feed].append(stored)
        for rendered in _outputs(store, by_feed):
            judged.look_at(rendered, NOW)
        judged.look_at(_rendered(opml.PATH, opml.MEDIA_TYPE, _opml(store, feeds)), NOW)
        store.close()
    return judged.report(place.name)


def _take_in(store: Store, settings: Settings, feeds: tuple[Feed, ...], paths: list[Path]) -> None:
    bodies = [path.read_bytes() for path in paths]
    workers = ParseWorkers(workers=2, seconds=20.0, memory=512 * MIB)
    try:
        jobs = ((body, "", feed.url, None) for body, feed in zip(bodies, feeds, strict=True))
        for feed, body, reading in zip(feeds, bodies, workers.read_many(jobs), strict=True):
            answer = Fetched(url=feed.url, body=body)
            state = store.feeds.state(feed.id)
            settle(store, feed, state, answer, reading, now=NOW, cadence=cadence(settings))
    finally:
        workers.close()


def _outputs(store: Store, by_feed: dict[str, list[StoredItem]]) -> Iterator[Rendered]:
    sources = store.feeds.sources()
    for name, items in by_feed.items():
        spec = OutputSpec(name=name, kind=Kind.LATEST, title=f"Latest of {name}", limit=MOST)
        edition = latest(spec, items[:MOST], {}, sources, born=NOW)
        for form in Format:
            printed = documents.render(edition, form, SITE)
            path = addresses.path(spec, form)
            yield _rendered(path, addresses.MEDIA_TYPES[form], printed.body)


def _opml(store: Store, feeds: tuple[Feed, ...]) -> bytes:
    return opml.render(feeds, store.feeds.sources(), SITE, updated=NOW)


def _rendered(path: str, media_type: str, body: bytes) -> Rendered:
    etag = documents.etag_of(body)
    return Rendered(path=path, media_type=media_type, body=body, etag=etag, changed_at=NOW)


def _day(archive: Path) -> int:
    """Replay the captured day; look at what was served at noon, and at the end."""
    judged = Judged()
    with unpacked(archive) as work:
        day = captures(work)
        settings = _settings(work)
        store = open_store("sqlite:///t.sqlite3", root=work)
        workers = ParseWorkers(workers=2, seconds=20.0, memory=512 * MIB)
        try:
            run = Replay(store, settings, workers, feeds_of((c.feed for c in day), ()))
            visits = run.run(day)
            while list(islice(visits, len(day) // 2)):
                _look_at_all(store, judged, day[-1].at + timedelta(hours=1))
            _look_at_all(store, judged, day[-1].at + timedelta(hours=1))
            for page in ArchivePages(store, outputs=settings.outputs, site=SITE).lasting():
                judged.look_at(page.render(), day[-1].at + timedelta(hours=1))
        finally:
            workers.close()
            store.close()
    return judged.report("replay")


def _look_at_all(store: Store, judged: Judged, now: datetime) -> None:
    for rendered in store.outputs.all():
        if rendered.path == opml.PATH or rendered.path.startswith("feeds/"):
            judged.look_at(rendered, now)


def _settings(nowhere: Path) -> Settings:
    found = load(feeds=None, config=nowhere / "none", environ={})
    return replace(found, site=SITE)


if __name__ == "__main__":
    sys.exit(main())
