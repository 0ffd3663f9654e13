"""What is true of a store that is on a server."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from aggregator.items.intake import take_in
from aggregator.model.editions import Rendered
from aggregator.model.errors import StoreError, StoreTooNewError
from aggregator.model.feeds import Feed
from aggregator.service import clock
from aggregator.service.recall import known_of
from aggregator.sources.manners import HostHistory
from aggregator.storage import Store, back_up, open_shared, open_store
from aggregator.storage.shelves import views
from aggregator.storage.sqlite import versions
from tests.fleet import until
from tests.postgres import Server
from tests.service.stage import HOUR, NOW, bring, entry, play

psycopg = pytest.importorskip("psycopg")
schema = pytest.importorskip("aggregator.storage.postgres.schema")

ROOT = Path("/")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(open_store(url, root=ROOT)) as held:
        yield held


def hang_up(url: str) -> None:
    """Cut every other connection to the database, as a restart of the server does."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_lost_connection_is_made_anew_at_the_next_use(store: Store, url: str) -> None:
    store.notes.put("a", "1")
    hang_up(url)
    assert store.notes.get("a") == "1"
    hang_up(url)
    store.notes.put("a", "2")
    with closing(open_store(url, root=ROOT, reading=True)) as reader:
        assert reader.notes.get("a") == "2"
    with pytest.raises(StoreError, match="in use by another"):
        open_store(url, root=ROOT)  # it holds its lock again


def test_a_transaction_that_is_cut_is_lost_as_a_whole(store: Store, url: str) -> None:
    def cut() -> None:
        with store.transaction():
            store.notes.put("a", "1")
            hang_up(url)
            store.notes.put("b", "1")

    with pytest.raises(StoreError, match="polling goes on when it is back"):
        cut()
    assert (store.notes.get("a"), store.notes.get("b")) == (None, None)


def test_who_goes_on_in_a_transaction_that_was_cut_changes_nothing(store: Store, url: str) -> None:
    def cut() -> None:
        with store.transaction():
            store.notes.put("a", "1")
            hang_up(url)
            for name in "bc":
                with suppress(StoreError):
                    store.notes.put(name, "1")

    with pytest.raises(StoreError):
        cut()
    assert [store.notes.get(name) for name in "abc"] == [None] * 3


def test_what_nobody_waits_for_is_said_in_order_and_undone_with_the_rest(store: Store) -> None:
    early, late = (HostHistory(started=NOW + n * HOUR) for n in (0, 1))
    with store.transaction():
        store.hosts.note("a.example", early)
        store.hosts.note("a.example", late)
        assert store.hosts.of(["a.example"]) == {"a.example": late}
        store.hosts.note("b.example", early)
    assert store.hosts.all() == {"a.example": late, "b.example": early}

    def undone() -> None:
        with store.transaction():
            store.hosts.note("a.example", early)
            store.hosts.note("c.example", early)
            raise KeyError

    with pytest.raises(KeyError):
        undone()
    assert store.hosts.all() == {"a.example": late, "b.example": early}


@pytest.mark.usefixtures("postgres")  # so that it is skipped where none can be started
def test_a_server_that_was_away_is_used_again_when_it_is_back() -> None:
    own = Server.begin()
    try:
        with closing(open_store(own.new(), root=ROOT)) as store:
            store.notes.put("a", "1")
            own.stop()
            with pytest.raises(StoreError, match="cannot be reached"):
                store.notes.put("b", "1")
            with pytest.raises(StoreError, match="cannot be reached"):
                store.notes.get("a")
            own.start()
            assert (store.notes.get("a"), store.notes.get("b")) == ("1", None)
    finally:
        own.end()


def test_a_newer_database_is_refused_and_left_alone(url: str) -> None:
    open_store(url, root=ROOT).close()
    with psycopg.connect(url) as newer:
        newer.execute("INSERT INTO migration (name) VALUES ('from_the_future')")
    with pytest.raises(StoreTooNewError, match="from_the_future"):
        open_store(url, root=ROOT)
    with pytest.raises(StoreTooNewError, match="from_the_future"):
        open_store(url, root=ROOT, reading=True)


@pytest.mark.usefixtures("store")
def test_its_migrations_and_views_are_those_of_a_file(url: str) -> None:
    assert tuple(schema.MIGRATIONS) == versions.ORDER
    with psycopg.connect(url) as db:
        for name in views.NAMES:
            db.execute(f"SELECT * FROM {name}")


def test_text_is_compared_byte_by_byte_whatever_language_the_database_speaks(
    postgres: Server,
) -> None:
    name = "of_sweden"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as db:
        try:
            db.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'sv'"
            )
        except psycopg.errors.Error as error:
            pytest.skip(f"this server knows no languages: {error}")
    url = postgres.url(name)
    with closing(open_store(url, root=ROOT)) as store:
        names = ["Z", "a", "B", "_", "z", "å"]
        store.feeds.configure([Feed(id=n, url="https://a.example/") for n in names], now=NOW)
        assert [state.feed for state in store.feeds.states()] == sorted(names)
    postgres.drop(url)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("postgresql://wire:hunter2@127.0.0.1:9/news", "postgresql://127.0.0.1:9/news: cannot be"),
        ("postgresql://wire:hunter2@127.0.0.1:nine/news", "cannot be reached"),
        ("postgresql://wire:hunter2@h/news?colour=red", "write postgresql://HOST/DATABASE"),
    ],
)
def test_a_place_that_cannot_be_used_is_named_without_its_password(address: str, hint: str) -> None:
    with pytest.raises(StoreError, match=hint) as told:
        open_store(address, root=ROOT)
    assert "hunter2" not in str(told.value)
    with pytest.raises(StoreError, match="pg_dump") as told:
        back_up(address, ROOT / "none", root=ROOT)
    assert "hunter2" not in str(told.value)


def test_an_empty_database_that_is_not_ours_to_write_is_said(postgres: Server, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS guest")
        db.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(StoreError, match="let its user own what is in it"):
        open_store(url.replace("user=wire", "user=guest"), root=ROOT)


def test_those_who_share_a_store_keep_others_out_and_one_of_them_leads(url: str) -> None:
    with closing(open_shared(url)) as one, closing(open_shared(url)) as other:
        with pytest.raises(StoreError, match="in use by another"):
            open_store(url, root=ROOT)
        number = one.lead("desk")
        assert number == one.lead("desk") is not None
        assert other.lead("desk") is None
        assert other.lead("schedule") is not None
        one.close()
        until(lambda: other.lead("desk") is not None)
        assert abs(other.time() - clock.exact()) < HOUR


def test_who_leads_by_a_lost_connection_leads_no_more(url: str) -> None:
    with closing(open_shared(url)) as one, closing(open_shared(url)) as other:
        number = one.lead("desk")
        hang_up(url)
        assert number is not None
        until(lambda: other.lead("desk") is not None)
        with pytest.raises(StoreError, match="another may lead"):
            one.notes.put("desk", "mine")
        with pytest.raises(StoreError, match="another may lead"):
            one.time()
        assert one.lead("desk") is None
        assert one.notes.get("desk") is None


def test_only_a_server_is_shared() -> None:
    with pytest.raises(StoreError, match="aggregator migrate"):
        open_shared("sqlite:///t.sqlite3")


def test_who_listens_hears_that_something_else_is_served(url: str) -> None:
    page = Rendered(path="a", media_type="t", body=b"b", etag="e", changed_at=NOW)

    async def scene() -> None:
        stop = asyncio.Event()
        with closing(open_shared(url)) as store:
            heard = store.editions(3600, stop)
            await anext(heard)
            store.outputs.put(page)
            await anext(heard)
            assert store.outputs.etags() == {"a": "e"}
            stop.set()
            assert [word async for word in heard] == []

    play(scene())


def test_numbers_are_given_out_by_one_at_a_time(url: str) -> None:
    """Who has read up to a mark never misses what another was just writing."""
    with closing(open_shared(url)) as one, closing(open_shared(url)) as other:
        feeds = [Feed(id=name, url=f"https://{name}.example/") for name in ("a", "b")]
        one.feeds.configure(feeds, now=NOW)
        with ThreadPoolExecutor() as second:
            with one.transaction():
                bring(one, "a", [entry("a", 1, "First")])
                waiting = second.submit(bring, other, "b", [entry("b", 2, "Second")])
                with pytest.raises(TimeoutError):
                    waiting.result(0.3)
            assert len(waiting.result(30)) == 1
        assert [stored.item.feed for stored in one.items.all()] == ["a", "b"]


def test_an_id_that_was_free_is_so_when_it_is_given(url: str) -> None:
    """Two sections of a publisher list the same report, and are read in the same moment."""
    report = entry("a", 1, "First")
    with closing(open_shared(url)) as one, closing(open_shared(url)) as other:
        feeds = [Feed(id=name, url=f"https://{name}.example/") for name in ("a", "b")]
        one.feeds.configure(feeds, now=NOW)
        with ThreadPoolExecutor() as second:
            with one.transaction():
                state = one.feeds.state("a")
                known = known_of(one, state, [report])
                waiting = second.submit(bring, other, "b", [report])
                with suppress(TimeoutError):
                    waiting.result(0.5)
                one.items.apply(take_in(state, (report,), known, now=NOW))
            assert len(waiting.result(30)) == 1
        assert {(s.item.feed, s.item.entry.guid) for s in one.items.all()} == {
            ("a", report.guid),
            ("b", report.guid),
        }


def test_each_thread_may_have_a_connection_and_a_transaction_of_its_own(url: str) -> None:
    with closing(open_shared(url, many=True)) as store, ThreadPoolExecutor(1) as second:
        with store.transaction():
            store.notes.put("a", "1")
            assert second.submit(store.notes.get, "a").result(30) is None
        assert second.submit(store.notes.get, "a").result(30) == "1"
        hang_up(url)
        second.submit(store.notes.put, "a", "2").result(30)
        assert store.notes.get("a") == "2"
