from pathlib import Path

from aggregator.model.feeds import Feed
from aggregator.storage.shelves.identities import SqlIdentities
from aggregator.storage.shelves.postings import SqlPostings
from aggregator.storage.sqlite import SqliteStore
from aggregator.storage.sqlite.connection import Connection
from tests.service.stage import HOUR, NOW, bring, entry


def test_a_sweep_goes_on_where_it_stopped_and_leaves_out_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite3"
    store = SqliteStore(path)
    store.feeds.configure([Feed(id="a", url="https://a.example/")], now=NOW)
    bring(store, "a", [entry("a", 1, "Old")], now=NOW)
    bring(store, "a", [entry("a", 2, "New")], now=NOW + HOUR)
    old, new = (stored.seq for stored in store.items.all())
    store.close()

    connection = Connection(path)
    postings = SqlPostings(connection)
    postings.post(old, range(100), cap=9)
    postings.post(new, range(0, 100, 2), cap=9)
    start: int | None = 0
    steps = 0
    while start is not None:
        start = postings.sweep(NOW + HOUR, start, most=7)
        steps += 1
    assert 150 / 8 < steps < 150 / 6
    assert postings.sharing(range(100), 9, 1) == {new: 50}
    connection.close()


def test_traits_go_with_their_items_though_an_older_item_stays(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite3"
    store = SqliteStore(path)
    store.feeds.configure([Feed(id="a", url="https://a.example/")], now=NOW)
    bring(store, "a", [entry("a", number, f"Headline {number}") for number in range(30)], now=NOW)
    for stored in list(store.items.all()):
        store.items.set_aside(stored.seq)
    pinned = next(store.items.all())
    store.outputs.show("latest", [pinned.item.id])
    assert store.items.prune(NOW + HOUR, 99) == 29
    store.close()

    connection = Connection(path)
    identities = SqlIdentities(connection)
    start: int | None = 0
    steps = 0
    while start is not None:
        start = identities.sweep(start, most=7)
        steps += 1
    assert steps > 3
    left = connection.rows("SELECT DISTINCT item FROM trait")
    assert [row["item"] for row in left] == [pinned.seq]
    connection.close()
