"""Does a subscriber see each article of several days' feeds once?

Feed items with reviewed identities, taken in as they were: a visit for each feed and day, through
the whole of identity, revisions and the search for copies, over a real database. Stories are in
two parts, by a hash of their names; rules were tuned on "dev" alone. Shares are 0..1.
"""

import itertools
import json
import tempfile
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from aggregator.items.intake import listed_by
from aggregator.model.feeds import Feed
from aggregator.model.items import Entry
from aggregator.model.visits import FeedMeta, Fetched, ParsedFeed
from aggregator.service.organise import Organiser
from aggregator.service.recall import known_of
from aggregator.service.settling import settle
from aggregator.sources.schedule import Cadence
from aggregator.sources.splitting import Reading
from aggregator.storage import Store, open_store
from aggregator.text.urls import canonical
from tests.quality.deskwork import Tally

NAME = "identities"
CORPUS = ("duplicates/scoop_items.jsonl",)
START = datetime(2026, 2, 8, 12, tzinfo=UTC)

Row = dict[str, Any]


def scores(data: Path) -> dict[str, float]:
    """Return every score by name; ``data`` is the folder of labelled sets."""
    text = (data / "duplicates/scoop_items.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    with (
        tempfile.TemporaryDirectory() as held,
        closing(open_store("sqlite:///quality.sqlite3", root=Path(held))) as store,
    ):
        shown = _shown(store, rows)
    found: dict[str, float] = {}
    for part in ("dev", "test"):
        told = [(row, root) for row, root in zip(rows, shown, strict=True) if _part(row) == part]
        found |= {**_pairs(told).named(f"articles {part}"), **_relisted(told, part)}
    return found


def _part(row: Row) -> str:
    return ("dev", "test")[blake2b(row["story"].encode(), digest_size=1).digest()[0] % 2]


def _shown(store: Store, rows: list[Row]) -> list[str]:
    """Return for each row the id of what a subscriber sees of it."""
    sources = sorted({row["source"] for row in rows})
    feeds = {name: Feed(id=name, url=f"https://{n}.example/") for n, name in enumerate(sources)}
    store.feeds.configure(tuple(feeds.values()), now=START)
    organiser = Organiser(store, topics=())
    visits: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        visits[row["file"].split("/")[2], row["source"]].append(place)
    ids = [""] * len(rows)
    for turn, ((_, source), places) in enumerate(sorted(visits.items())):
        now = START + turn * timedelta(hours=1)
        told = _visit(store, feeds[source], [_entry(rows[place]) for place in places], now)
        for place, id_ in zip(places, told, strict=True):
            ids[place] = id_
        while organiser.organise(100, now=now):
            pass
    items = store.items.by_id(set(ids))
    return [items[id_].lead or id_ for id_ in ids]


def _visit(store: Store, feed: Feed, entries: list[Entry], now: datetime) -> list[str]:
    reading = Reading(document=ParsedFeed(meta=FeedMeta(), entries=tuple(entries)))
    answer = Fetched(url=feed.url, body=repr((now, entries)).encode())
    state = store.feeds.state(feed.id)
    settle(store, feed, state, answer, reading, now=now, cadence=Cadence())
    state = store.feeds.state(feed.id)
    known = known_of(store, state, entries)
    by_place = {one.link: key for key, one in listed_by(state, entries).items()}
    items = [known.item(by_place[one.link]) for one in entries]
    return [item.id for item in items if item is not None]


def _entry(row: Row) -> Entry:
    body = row["body"] or ""
    return Entry(
        link=row["url"],
        canonical=canonical(row["url"]),
        title=row["title"],
        summary=body,
        published=datetime.fromisoformat(row["published_at"]),
        digest=blake2b(f"{row['title']}\n{body}".encode()).hexdigest(),
    )


def _pairs(told: list[tuple[Row, str]]) -> Tally:
    """Tell of each two different listings whether they are one article, and are shown as one."""
    distinct = {(row["source"], row["url"], row["title"]): (row, root) for row, root in told}
    tally = Tally()
    for (a, one), (b, other) in itertools.combinations(distinct.values(), 2):
        tally.count(is_copy=a["story"] == b["story"], said=one == other)
    return tally


def _relisted(told: list[tuple[Row, str]], part: str) -> dict[str, float]:
    """Tell how many listings of an article that its feed had listed before brought nothing new."""
    seen: dict[tuple[str, str], str] = {}
    again = same = 0
    for row, root in told:
        held = seen.setdefault((row["source"], row["story"]), root)
        if held is not root:
            again += 1
            same += held == root
    return {f"relisted {part} / share": same / max(1, again), f"relisted {part} / count": again}
