"""How is asked for what is asked again and again? By an index, however much has been stored.

The statements are caught as the shelves make them, and SQLite is asked how it would go about them:
with the planner's guesses of a new database, and with the figures that housekeeping gathers. A
plan tells what is gone through, not how far; for that, the steps of SQLite's own machine are
counted, which are the same on every computer.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.items.intake import Alias, Intake, Revision
from aggregator.items.known import Waiting
from aggregator.model.editions import Rendered
from aggregator.model.feeds import Feed
from aggregator.model.following import Errand, Task
from aggregator.model.items import Copy, Entry, Item
from aggregator.model.published import Stay
from aggregator.model.stories import TopicScore, Voice
from aggregator.model.visits import Logged
from aggregator.sources.manners import HostHistory
from aggregator.storage import Store
from aggregator.storage.protocol import Choice, Filing
from aggregator.storage.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ITEMS, WAITING = 600, 20  # one a minute; the newest wait to be filed
FEEDS = [Feed(id=f"f{n}", url=f"https://f{n}.example/", owner=f"f{n}") for n in range(20)]

DOCUMENT = Rendered(
    path="feeds/top.atom", media_type="text/plain", body=b"x", etag='"x"', changed_at=NOW
)
ERRAND = Errand(
    task=Task.BRING, path=DOCUMENT.path, address="https://r.example/", what="x", due=NOW, since=NOW
)
VISIT = Logged(at=NOW, due=NOW, because="new", place=1, conditional=False)

# What goes through all of a table by design: feeds do not grow by themselves; the newest items,
# until there are enough; deliveries, until one is of another feed: at most twenty of each wait; the
# topics of one item, put in order.
WALKS = {
    "SCAN feed USING INDEX feed_due",
    "SCAN item USING INDEX item_latest",
    "SCAN delivery",
    "SCAN surest",
}

Question = Callable[[Store], object]

QUESTIONS: dict[str, Question] = {
    "feeds.asking": lambda store: store.feeds.asking("https://f1.example/"),
    "feeds.due": lambda store: store.feeds.due(NOW, 50),
    "hosts.note": lambda store: store.hosts.note("f1.example", HostHistory(started=NOW)),
    "visits.begin": lambda store: store.visits.begin("f1", VISIT),
    "visits.end": lambda store: store.visits.end("f1", VISIT),
    "items.known": lambda store: store.items.known("f1", ["guid:1", "guid:x"], ["urn:x:1"]),
    "items.recall": lambda store: store.items.recall([1, 2, 3]),
    "items.waiting": lambda store: store.items.waiting("f1"),
    "items.apply": lambda store: store.items.apply(changed(store)),
    "items.pending": lambda store: store.items.pending(10),
    "items.latest": lambda store: store.items.latest(topic=None, limit=100),
    "items.latest of a topic": lambda store: store.items.latest(topic="sea", limit=100),
    "items.changed": lambda store: store.items.changed(store.items.mark() - 5),
    "items.mark": lambda store: store.items.mark(),
    "items.filed": lambda store: store.items.filed(),
    "items.choose": lambda store: store.items.choose([Choice(output="sea", seq=7)]),
    "items.unchoose": lambda store: store.items.unchoose("sea", keep=50),
    "items.chosen": lambda store: store.items.chosen("sea", 100),
    "items.by_id": lambda store: store.items.by_id(["urn:x:1", "urn:x:2"]),
    "items.copies": lambda store: store.items.copies(["urn:x:8", "urn:x:2"]),
    "items.at_address": lambda store: store.items.at_address("https://f.example/7"),
    "items.sharing": lambda store: store.items.sharing([2, 500], 10),
    "items.post": lambda store: store.items.post(5, [2, 9_999]),
    "items.file": lambda store: file(store, store.items.pending(1)[0].seq - 1, NOW),
    "items.count": lambda store: store.items.count(),
    "items.forget_names": lambda store: store.items.forget_names("f1", NOW - 2000 * MINUTE),
    "items.prune of a feed": lambda store: store.items.prune_of("f1", 9, before=NOW, most=9),
    "items.prune": lambda store: store.items.prune(NOW - 90 * MINUTE, 100),
    "stories.facts": lambda store: store.stories.facts(NOW - 60 * MINUTE),
    "stories.traces": lambda store: list(store.stories.traces(NOW - 60 * MINUTE)),
    "stories.items": lambda store: store.stories.items(["s1", "s2"]),
    "stories.facts_of": lambda store: store.stories.facts_of(["s1", "s2"]),
    "stories.chosen": lambda store: store.stories.chosen("sea", NOW - 60 * MINUTE),
    "stories.passed": lambda store: store.stories.passed("sea", "s1"),
    "stories.forwards": lambda store: store.stories.forwards(),
    "stories.current": lambda store: store.stories.current("s1"),
    "outputs.issues": lambda store: store.outputs.issues("noon", 9),
    "feeds.is_configured": lambda store: store.feeds.is_configured("f1"),
    "pushes.due": lambda store: store.pushes.due(NOW, 50),
    "pushes.oldest": lambda store: store.pushes.oldest(),
    "pushes.get": lambda store: store.pushes.get("t"),
    "pushes.of": lambda store: store.pushes.of("f1"),
    "followers.get": lambda store: store.followers.get("feeds/top.atom", "https://r.example/"),
    "followers.due": lambda store: store.followers.due(NOW),
    "followers.announce": lambda store: store.followers.announce([DOCUMENT], now=NOW),
    "followers.dismiss": lambda store: store.followers.dismiss(DOCUMENT.path, "x", now=NOW),
    "followers.settle": lambda store: store.followers.settle(ERRAND),
    "outputs.members": lambda store: store.outputs.members("top"),
    "outputs.standing": lambda store: store.outputs.standing("top"),
    "outputs.left": lambda store: store.outputs.left("top", NOW),
    "outputs.stays_of": lambda store: store.outputs.stays_of("top", ["s1", "s2"]),
}


def stocked(folder: Path, items: int) -> SqliteStore:
    """Return a store in which ``items`` came in, the older of which were filed."""
    store = SqliteStore(folder / "t.sqlite3")
    store.feeds.configure(FEEDS, now=NOW)
    with store.transaction():
        new = tuple(brought(number, items) for number in range(items))
        store.items.apply(Intake(state=store.feeds.state("f0"), at=NOW, new=new))
        for number in range(items - WAITING):
            file(store, number, new[number].published)
        store.outputs.show("latest", [f"urn:x:{n}" for n in range(100)])
        newest = range(items - WAITING - 99, items - WAITING)
        store.items.choose([Choice(output="sea", seq=n, barred=n % 5 == 0) for n in newest])
        store.outputs.enrol([stay(n) for n in range(100)])
    return store


def changed(store: Store) -> Intake:
    """Return a visit that changes a headline, gives an item another key, and defers an entry."""
    entry = Entry(guid="5", title="another", digest="x")
    return Intake(
        state=store.feeds.state("f0"),
        at=NOW,
        revised=(Revision(id="urn:x:5", entry=entry, updated=NOW),),
        aliases=(Alias(key="guid:other", item="urn:x:5", rule="same-title", figure=1.0),),
        waiting=(Waiting(entry=entry, since=NOW, backlog=False),),
    )


def brought(number: int, items: int) -> Item:
    at = NOW - (items - number) * MINUTE
    return Item(
        id=f"urn:x:{number}",
        feed=f"f{number % 20}",
        key=f"guid:{number}",
        entry=Entry(
            guid=f"urn:x:{number}", title=f"t{number}", canonical=f"https://f.example/{number}"
        ),
        first_seen=at,
        published=at,
        updated=at,
        listed=at,
    )


def file(store: Store, number: int, at: datetime) -> None:
    """File an item: every tenth is a copy, every third is about the sea, three make a story."""
    store.items.post(number + 1, [number % 7, 1000 + number])
    store.items.file(
        Filing(
            seq=number + 1,
            id=f"urn:x:{number}",
            copy=Copy(lead=f"urn:x:{number - 1}", rule="r", figure=1) if number % 10 == 9 else None,
            story=f"s{number // 3}",
            story_because="",
            merged=(),
            topics=(TopicScore(topic="sea", score=1.0, because=""),) if number % 3 == 0 else (),
            voice=Voice(owner=f"f{number % 20}", weight=1.0, first=at, last=at),
            trace="{}",
        )
    )


def stay(number: int) -> Stay:
    return Stay(
        output="top",
        story=f"s{number}",
        entered=NOW,
        updated=NOW,
        milestone=0,
        face="",
        entry="",
        left=NOW if number < 70 else None,
    )


class Undo(Exception):  # noqa: N818 - no error
    """Leave the store as it was."""


def answer(store: SqliteStore, question: Question) -> None:
    with suppress(Undo), store.transaction():
        question(store)
        raise Undo


def asked(store: SqliteStore, question: Question) -> list[str]:
    """Return the statements that ``question`` makes."""
    said: list[str] = []
    connection = store._connection.db
    connection.set_trace_callback(said.append)
    answer(store, question)
    connection.set_trace_callback(None)
    return [sql for sql in said if re.match(r"\s*(SELECT|UPDATE|DELETE|INSERT)", sql)]


def steps(store: SqliteStore, question: Question) -> int:
    """Return how many steps of SQLite's machine it takes to answer ``question``."""
    counted = 0

    def count() -> None:
        nonlocal counted
        counted += 1

    connection = store._connection.db
    connection.set_progress_handler(count, 1)
    answer(store, question)
    connection.set_progress_handler(None, 0)
    return counted


def scans(store: SqliteStore, sql: str) -> list[str]:
    """Return the steps of the plan for ``sql`` that go through all of something stored."""
    rows = store._connection.db.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
    found = [row[3] for row in rows if row[3].startswith("SCAN ")]
    return [step for step in found if "(subquery" not in step and step not in WALKS]


@pytest.fixture(scope="module", params=["guessing", "knowing"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqliteStore]:
    """Yield a store whose planner guesses, or knows what there is."""
    with closing(stocked(tmp_path_factory.mktemp("plans"), ITEMS)) as held:
        if request.param == "knowing":
            held._connection.db.execute("ANALYZE")
        yield held


@pytest.mark.parametrize("name", QUESTIONS)
def test_nothing_that_grows_is_gone_through_for_an_answer(store: SqliteStore, name: str) -> None:
    statements = asked(store, QUESTIONS[name])

    assert statements
    for sql in statements:
        assert scans(store, sql) == [], sql


def test_an_answer_takes_as_many_steps_where_three_times_as_much_is_stored(tmp_path: Path) -> None:
    for name in ("little", "much"):
        (tmp_path / name).mkdir()
    with (
        closing(stocked(tmp_path / "little", ITEMS)) as little,
        closing(stocked(tmp_path / "much", 3 * ITEMS)) as much,
    ):
        grown = {
            name: (few, many)
            for name, question in QUESTIONS.items()
            if (many := steps(much, question)) > 1.1 * (few := steps(little, question))
        }
    assert grown == {}
