"""What every store must be able to find."""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.model.feeds import Feed
from aggregator.model.items import Entry
from aggregator.storage import open_store
from aggregator.storage.postgres.search import PostgresSearch
from aggregator.storage.protocol import Store, Words
from aggregator.storage.sqlite import SqliteStore
from aggregator.storage.sqlite.search import SqliteSearch
from aggregator.text.queries import read_query, searchable
from tests.storage.test_store_contract import NOW, file_all, visit
from tests.stores import Engine

TITLES = {
    1: "Night ferry rows back to port",
    2: "Storms close the ferry port; Málaga waits",
    3: "山間の図書館、百年ぶりに屋根を新調",
    4: "हिन्दी में समाचार",
    5: "The central bank holds its rate",
}


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(engine.address(tmp_path), root=tmp_path)) as held:
        held.feeds.configure([Feed(id="harbour", url="https://harbour.example/feed")], now=NOW)
        visit(held, *(entry(n, title) for n, title in TITLES.items()))
        file_all(held)
        learn(held)
        yield held


def entry(number: int, title: str) -> Entry:
    link = f"https://harbour.example/{number}"
    at = NOW - timedelta(hours=number)
    return Entry(guid=f"g{number}", link=link, title=title, published=at, digest=title)


def learn(store: Store) -> None:
    changed, mark = store.items.changed(store.search.mark())
    words = [
        Words(
            seq=s.seq, title=searchable(s.item.entry.title), text=searchable(s.item.entry.summary)
        )
        for s in changed
    ]
    store.search.learn(words, mark)


def pieced(store: Store) -> Store:
    """Let the index of ``store`` be in pieces of a few items, as that of a large one is."""
    held: Any = store
    if isinstance(store, SqliteStore):
        held.search = SqliteSearch(held._connection, fresh=4)
    else:
        held.search = PostgresSearch(held._connection, stretches=(1, 2, 3), walked=3)
    return store


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9, 40])
def test_those_that_came_last_are_found_wherever_in_the_index_they_are(
    store: Store, limit: int
) -> None:
    """Every second item has the word, one of twenty another, and some are learned again."""
    pieced(store)
    for first in range(10, 40, 3):
        for number in range(first, first + 3):
            word = "bread" if number % 2 else "goats"
            visit(store, entry(number, f"{word} {'rarely' if number % 20 == 1 else ''}"))
        file_all(store)
        learn(store)
    for number in (11, 37):
        visit(store, replace(entry(number, "bread again"), digest="x"))
    learn(store)

    with_bread = [f"g{number}" for number in range(39, 10, -2)]
    newest = {stored.item.entry.guid: stored.seq for stored in store.items.all()}
    with_bread.sort(key=lambda guid: -newest[guid])
    assert found(store, "bread", limit) == set(with_bread[:limit])
    assert found(store, "bread -again", 40) == set(with_bread) - {"g11", "g37"}
    assert found(store, "rarely", limit) <= {"g21"}
    assert found(store, "rarely bread", 9) == {"g21"}
    assert found(store, "goats", 40) == {f"g{number}" for number in range(10, 40, 2)}


def found(store: Store, text: str, limit: int = 10) -> set[str]:
    ids = [match.id for match in store.search.find(read_query(text), limit)]
    assert len(ids) == len(set(ids))
    return {store.items.by_id([one])[one].item.entry.guid or "" for one in ids}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ferry", {"g1", "g2"}),
        ("FERRY port", {"g1", "g2"}),
        ('"night ferry"', {"g1"}),
        ('"ferry night"', set()),
        ("ferry -night", {"g2"}),
        ("storm", {"g2"}),
        ('"storm"', set()),
        ("malaga", {"g2"}),
        ("図書", {"g3"}),
        ("書館", {"g3"}),
        ("図館", set()),
        ("हिन्दी", {"g4"}),
        ("हिन", set()),
        ("-ferry", set()),
        ("", set()),
    ],
)
def test_all_words_must_occur_whatever_the_script_and_the_accents(
    store: Store, text: str, expected: set[str]
) -> None:
    assert found(store, text) == expected


@pytest.mark.conforms("D53")
@pytest.mark.parametrize(
    "text",
    [
        *('"', '""', "*", "NEAR(a b)", "title:ferry", "a AND", "a OR b NOT", "^x", "- -x", "--"),
        *("{a b}:c", "\x00", "\ud800", "(((", "a" * 5000, '"a" + "b', "-", "x' OR 1=1 --"),
    ],
)
def test_no_query_is_an_error(store: Store, text: str) -> None:
    store.search.find(read_query(text), 10)


def test_the_ones_that_came_last_are_found_first(store: Store) -> None:
    assert len(found(store, "the", 1)) == 1
    best = {m.id: m.relevance for m in store.search.find(read_query("ferry"), 10)}
    assert all(relevance > 0 for relevance in best.values())


def test_a_revised_item_is_found_under_its_new_words_only(store: Store) -> None:
    visit(store, entry(1, "Night boat turns round"), now=NOW + timedelta(hours=1))
    learn(store)
    assert found(store, "boat") == {"g1"}
    assert found(store, "night ferry") == set()


@pytest.mark.conforms("E16")
def test_what_was_indexed_is_not_indexed_again_when_nothing_changed(store: Store) -> None:
    mark = store.search.mark()
    visit(store, *(entry(n, title) for n, title in TITLES.items()), now=NOW + timedelta(hours=1))
    assert store.items.changed(mark) == ((), mark)


def test_what_is_pruned_is_not_found_and_cannot_be_indexed(store: Store) -> None:
    seq = {s.item.entry.guid: s.seq for s in store.items.all()}["g2"]
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert store.items.prune(later, 100) > 0
    assert found(store, "storm") == set()
    store.search.learn([Words(seq=seq, title="storm", text="")], store.search.mark())
    assert found(store, "storm") == set()


def test_a_reader_finds_what_was_stored_a_moment_ago_and_writes_nothing(store: Store) -> None:
    with closing(store.reader()) as reader:
        assert found(reader, "night ferry") == {"g1"}
        visit(store, entry(6, "A second night ferry"), now=NOW + timedelta(hours=1))
        file_all(store)
        learn(store)
        assert found(reader, "night ferry") == {"g1", "g6"}


def test_indexing_stands_or_falls_with_its_mark(store: Store) -> None:
    mark = store.search.mark()
    stored = next(iter(store.items.all()))
    with suppress(KeyError), store.transaction():
        store.search.learn([Words(seq=stored.seq, title="undone", text="")], mark + 9)
        raise KeyError
    assert store.search.mark() == mark
    assert found(store, "undone") == set()


def test_a_word_without_end_keeps_no_other_from_being_found(store: Store) -> None:
    """Encoded pictures and keys are words, too."""
    for number, letter in ((6, "x"), (7, "ж"), (8, "書")):
        visit(store, entry(number, f"Harbour {letter * 3_000} opens{number}"))
    file_all(store)
    learn(store)
    assert found(store, "harbour opens7") == {"g7"}
    assert found(store, "harbour") == {"g6", "g7", "g8"}
