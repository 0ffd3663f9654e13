"""Which entries of a real day are recognised under another id, and is any of them another story?

``python -m bench.identity`` takes the captured day in as it was, and prints every entry that was
recognised under a key that was new. Then it has all publishers change their ids in one way after
another, and counts stories that were taken for new, that were put under another's item, and that
were lost. Arguments choose ways, and have what was wrong in them printed. Exits 1 when a story is
lost other than to guids that are places.
"""

import sys
import tarfile
import tempfile
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from aggregator.items.intake import Intake
from aggregator.model.feeds import Feed
from aggregator.model.items import Entry
from aggregator.model.visits import FeedMeta, Fetched, ParsedFeed
from aggregator.service.settling import settle
from aggregator.sources.parse import parse
from aggregator.sources.schedule import Cadence
from aggregator.sources.splitting import Reading
from aggregator.storage import Store, open_store
from aggregator.text.urls import canonical
from bench.data import folder

NOON = datetime(2021, 9, 20, 8, tzinfo=UTC)  # the captures before and after are as many
Visit = tuple[datetime, str, tuple[Entry, ...]]
Change = Callable[[Entry, datetime, int], Entry]


def main() -> int:
    data = folder()
    if data is None:
        print("bench.identity: no data folder (set AGGREGATOR_DATA); nothing measured")
        return 0
    day = list(_visits(data / "replay" / "2021-09-20.tar.xz"))
    plain = _go(day, lambda entry, _at, _place: entry)
    print(f"as it was: {plain.told()}")
    for line in plain.recognised:
        print(f"  {line}")
    lost = plain.lost
    for name, change in CHANGES.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        tally = _go(day, change)
        print(f"{name}: {tally.told()}")
        if name in sys.argv[1:]:
            print(*(f"  {line}" for line in tally.wrong), sep="\n")
            print(*(f"  new again: {line}" for line in tally.twice), sep="\n")
        lost += tally.lost if change is not _by_place else 0
    return 1 if lost else 0


def _visits(archive: Path) -> Iterator[Visit]:
    with tarfile.open(archive) as tar:
        names = sorted(name for name in tar.getnames() if "__" in name)
        for name in names:
            file = tar.extractfile(name)
            body = file.read() if file else b""
            stamp, _, feed = Path(name).stem.partition("__")
            document = parse(body, "", f"https://{feed}.example/feed") if body else None
            if isinstance(document, ParsedFeed):
                at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
                yield at, feed, _once(document.entries)


def _once(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Mark each entry with what it truly is, where no rule looks; of two the first."""
    by_truth: dict[str, Entry] = {}
    for entry in entries:
        by_truth.setdefault(entry.guid or entry.link or "", entry)
    return tuple(replace(entry, authors=(truth,)) for truth, entry in by_truth.items())


@dataclass(kw_only=True)
class Tally:
    """What became of the stories of a day."""

    truths: set[tuple[str, str]] = field(default_factory=set)
    owner: dict[str, tuple[str, str]] = field(default_factory=dict)
    title: dict[str, str] = field(default_factory=dict)
    recognised: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)

    def note(self, feed: str, entries: tuple[Entry, ...], intake: Intake) -> None:
        self.truths |= {(feed, entry.authors[0]) for entry in entries}
        for item in intake.new:
            self.owner[item.id] = (feed, item.entry.authors[0])
            self.title[item.id] = item.entry.title
        for alias in intake.aliases:
            self.rules[alias.rule] += 1
        rules = {alias.item: f"{alias.rule} {alias.figure:.2f}" for alias in intake.aliases}
        for revision in intake.revised:
            entry, truth = revision.entry, (feed, revision.entry.authors[0])
            line = f"{feed}: {rules.get(revision.id, 'same key')}: {self.title[revision.id]!r}"
            line += f" {self.owner[revision.id][1]} = {entry.title!r} {entry.authors[0]}"
            if revision.id in rules:
                self.recognised.append(line)
            if self.owner[revision.id] != truth:
                self.wrong.append(line)

    @property
    def twice(self) -> list[str]:
        held = defaultdict(list)
        for item, truth in self.owner.items():
            held[truth].append(self.title[item])
        return [f"{truth}: {titles}" for truth, titles in held.items() if len(titles) > 1]

    @property
    def lost(self) -> int:
        return len(self.truths - set(self.owner.values()))

    def told(self) -> str:
        split = len(self.owner) - len(set(self.owner.values()))
        rules = ", ".join(f"{rule} {times}" for rule, times in self.rules.most_common()) or "none"
        keys = ", ".join(f"{key} {times}" for key, times in self.keys.most_common())
        return (
            f"{len(self.truths)} stories, {len(self.owner)} items, new again {split}, under"
            f" another story's item {len(self.wrong)}, lost {self.lost}; recognised: {rules};"
            f" feeds by key: {keys}"
        )


def _go(day: list[Visit], change: Change) -> Tally:
    tally = Tally()
    feeds = {
        name: Feed(id=name, url=f"https://{name}.example/feed", owner=name)
        for name in sorted({feed for _, feed, _ in day})
    }
    with tempfile.TemporaryDirectory() as held:
        store = open_store("sqlite:///bench.sqlite3", root=Path(held))
        store.feeds.configure(tuple(feeds.values()), now=day[0][0])
        for at, name, entries in day:
            changed = tuple(change(entry, at, place) for place, entry in enumerate(entries))
            tally.note(name, changed, _settled(store, feeds[name], changed, at))
        tally.keys.update(state.habits.key.value for state in store.feeds.states())
        store.close()
    return tally


def _settled(store: Store, feed: Feed, entries: tuple[Entry, ...], at: datetime) -> Intake:
    document = ParsedFeed(meta=FeedMeta(), entries=entries)
    answer = Fetched(url=feed.url, body=repr((at, entries)).encode())
    state, reading = store.feeds.state(feed.id), Reading(document=document)
    return settle(store, feed, state, answer, reading, now=at, cadence=Cadence())


# How publishers change their ids


def _placed(entry: Entry, link: str | None, guid: str | None) -> Entry:
    return replace(entry, link=link, guid=guid, canonical=canonical(link) if link else None)


def _after_noon(change: Callable[[Entry], Entry]) -> Change:
    return lambda entry, at, _place: change(entry) if at >= NOON else entry


def _named(text: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, text).urn


def _edition(entry: Entry, _at: datetime, _place: int) -> Entry:
    """Number the guid by the edition of the words, as the BBC does; any number will do."""
    number = int(entry.digest[:8], 16) % 10
    return replace(entry, guid=f"{entry.link}#{number}")


def _other_guid(entry: Entry) -> Entry:
    return replace(entry, guid=_named(f"new {entry.authors[0]}"))


def _other_scheme(entry: Entry) -> Entry:
    link = (entry.link or "").replace("https://www.", "http://").replace("https://", "http://")
    return _placed(entry, link, link)


def _link_is_guid(change: Change) -> Change:
    def changed(entry: Entry, at: datetime, place: int) -> Entry:
        return change(replace(entry, guid=entry.link), at, place)

    return changed


def _other_host(entry: Entry) -> Entry:
    link = (entry.link or "").replace("https://www.", "https://news.").replace(".com", ".example")
    return _placed(entry, link, _named(link))


def _marked(entry: Entry, at: datetime, _place: int) -> Entry:
    link = entry.link or ""
    if at >= NOON:
        link += ("&" if "?" in link else "?") + f"utm_source=rss&utm_content={at:%H%M}"
    return _placed(entry, link, None)


def _never_the_same(entry: Entry, at: datetime, _place: int) -> Entry:
    return replace(entry, guid=_named(f"{at} {entry.authors[0]}"))


def _redated(entry: Entry, at: datetime, place: int) -> Entry:
    if at < NOON:
        return entry
    return replace(_other_guid(entry), published=at - timedelta(seconds=place))


def _by_place(entry: Entry, _at: datetime, place: int) -> Entry:
    return replace(entry, guid=f"item-{place}")


CHANGES: dict[str, Change] = {
    "guids end in #0, #1, #2": _edition,
    "all guids change once": _after_noon(_other_guid),
    "https becomes http, www goes": _link_is_guid(_after_noon(_other_scheme)),
    "another host and other guids": _after_noon(_other_host),
    "no guids, links gain utm_": _marked,
    "no guid lasts": _never_the_same,
    "all guids change and all are dated anew": _redated,
    "guids are places in the document": _by_place,
}


if __name__ == "__main__":
    sys.exit(main())
