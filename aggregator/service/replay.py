"""How would a captured day have come out?

Documents named ``YYYYMMDDTHHMMSSZ__FEED.xml`` go through the very pipeline of the service, with
the clock set to each capture's time. No network, and nothing of the present gets in, so that two
replays give equal bytes.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from aggregator.items.identity import placed_by
from aggregator.model.editions import Edition
from aggregator.model.errors import SettingsError
from aggregator.model.feeds import Feed, FeedState
from aggregator.model.items import StoredItem
from aggregator.model.visits import Failed, Fetched
from aggregator.service.building import cadence
from aggregator.service.desk import Desk
from aggregator.service.poll import Visit
from aggregator.service.settling import outcome_of, remark, settle
from aggregator.service.workers import ParseWorkers
from aggregator.settings import Settings
from aggregator.sources.aftermath import digest_of
from aggregator.sources.splitting import Reading
from aggregator.storage import Store

_NAME = re.compile(r"(\d{8}T\d{6}Z)__(.+)\.[A-Za-z0-9]+")


class Capture(Struct, frozen=True, kw_only=True):
    """One captured document: when, of which feed, and where it lies."""

    at: datetime
    feed: str
    path: Path


def captures(folder: Path) -> tuple[Capture, ...]:
    """Return the captures below ``folder`` in time order; `SettingsError` when there are none."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and (named := _NAME.fullmatch(path.name)):
            at = datetime.strptime(named[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            found.append(Capture(at=at, feed=named[2], path=path))
    if not found:
        raise SettingsError(
            (f"{folder}: holds no file named like 20210920T000720Z__bbc.xml; give such a folder",)
        )
    return tuple(sorted(found, key=lambda capture: (capture.at, capture.feed, capture.path)))


def feeds_of(names: Iterable[str], configured: tuple[Feed, ...]) -> tuple[Feed, ...]:
    """Return a feed for each captured name.

    A configured feed is meant when its id, its title or the last part of its address is that
    name; it then lends topics, owner, weight and address. Others are feeds of their own.
    """
    return tuple(_feed(name, configured) for name in sorted(set(names)))


def _feed(name: str, configured: tuple[Feed, ...]) -> Feed:
    for feed in configured:
        stem = Path(urlsplit(feed.url).path).stem
        if name in (feed.id, feed.title, stem) or name == _slug(feed.title or ""):
            return replace(feed, id=name, enabled=True)
    return Feed(id=name, url=f"https://{_slug(name) or 'feed'}.invalid/", title=name, owner=name)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")


class Replay:
    """A day going through the pipeline, round by round."""

    def __init__(
        self, store: Store, settings: Settings, workers: ParseWorkers, feeds: tuple[Feed, ...]
    ) -> None:
        self._store = store
        self._workers = workers
        self._cadence = cadence(settings)
        self._most = settings.service.limits.new_items
        self._addresses = settings.addresses
        self._feeds = {feed.id: feed for feed in feeds}
        # Nobody waits for a fault of a recorded day to pass.
        at_once = settings.service.publish.but(hold=timedelta())
        settings = replace(settings, service=settings.service.but(publish=at_once))
        self._desk = Desk.over(store, settings)
        self._editions: list[dict[str, Any]] = []

    def run(self, day: tuple[Capture, ...]) -> Iterator[Visit]:
        """Take in ``day`` round by round; yield a visit for each capture."""
        self._store.feeds.configure(tuple(self._feeds.values()), now=day[0].at)
        for at, captured in groupby(day, key=lambda capture: capture.at):
            for capture in captured:
                yield self._visit(capture)
            published = self._desk.bring_out(at)
            self._editions.extend(_edition_line(at, edition) for edition in published.editions)

    def _visit(self, capture: Capture) -> Visit:
        feed, state = self._feeds[capture.feed], self._store.feeds.state(capture.feed)
        body = capture.path.read_bytes()
        answer = Fetched(url=feed.url, body=body) if body else Failed(reason="empty body")
        reading = self._read(body, feed, state)
        intake = settle(
            self._store,
            feed,
            state,
            answer,
            reading,
            now=capture.at,
            cadence=self._cadence,
            most=self._most,
        )
        return Visit(
            feed=feed.id,
            outcome=outcome_of(answer, reading, intake.state),
            new=len(intake.new),
            revised=len(intake.revised),
            state=intake.state,
            took=0.0,
            reason=intake.state.last_error,
            remark=remark(state, intake.state),
        )

    def _read(self, body: bytes, feed: Feed, state: FeedState) -> Reading | None:
        """Read ``body`` as the service does: in part, or not at all if it is what came last."""
        if not body or digest_of(body) == state.digest:
            return None
        job = (body, "", feed.url, self._store.feeds.memory(feed.id))
        reading = next(self._workers.read_many([job]))
        return replace(reading, document=placed_by(self._addresses, reading.document))

    def write(self, out: Path) -> None:
        """Write outputs under their served names, ``items.jsonl`` and ``editions.jsonl``."""
        for rendered in self._store.outputs.all():
            path = out / rendered.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rendered.body)
        _write_lines(out / "items.jsonl", map(_item_line, self._store.items.all()))
        _write_lines(out / "editions.jsonl", self._editions)


def _item_line(stored: StoredItem) -> dict[str, Any]:
    item = stored.item
    return {
        "feed": item.feed,
        "guid": item.entry.guid,
        "link": item.entry.link,
        "title": item.entry.title,
        "published": _iso(item.published),
        "first_seen": _iso(item.first_seen),
        "id": item.id,
        "duplicate_of": stored.lead,
        "because": stored.lead_because,
        "story": stored.story,
        "topics": list(stored.topics),
    }


def _edition_line(at: datetime, edition: Edition) -> dict[str, Any]:
    return {
        "time": _iso(at),
        "output": edition.spec.name,
        "ids": [entry.id for entry in edition.entries],
        "updated": [_iso(entry.updated) for entry in edition.entries],
    }


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
