"""What every store must remember of hubs, on a real file."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model.errors import StoreError
from aggregator.model.feeds import Feed, Skips
from aggregator.model.push import Delivery, HubLinks, Standing, Subscription
from aggregator.storage import open_store
from aggregator.storage.protocol import Store
from tests.stores import Engine

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEED = Feed(id="harbour", url="https://harbour.example/feed", owner="harbour")
ASKED = Subscription(
    token="t1",
    feed="harbour",
    hub="https://hub.example/",
    topic=FEED.url,
    callback="https://news.example/push/t1",
    secret="s" * 64,
    standing=Standing.ASKED,
    asked_at=NOW,
    due=NOW + HOUR,
)
LIVE = replace(
    ASKED,
    standing=Standing.LIVE,
    tries=2,
    since=NOW - HOUR,
    expires=NOW + 99 * HOUR,
    deliveries=7,
    misses=1,
)
BROUGHT = Delivery(
    feed="harbour",
    received_at=NOW,
    content_type="application/rss+xml",
    coding="gzip",
    body=b"\x1f\x8b\x00",
)


@pytest.fixture
def store(engine: Engine, tmp_path: Path) -> Iterator[Store]:
    held = open_store(engine.address(tmp_path), root=tmp_path)
    held.feeds.configure([FEED, replace(FEED, id="north", url="https://n.example/")], now=NOW)
    yield held
    held.close()


@pytest.mark.conforms("C09")
def test_subscriptions_outlive_a_restart(store: Store, engine: Engine, tmp_path: Path) -> None:
    store.pushes.put(ASKED)
    assert store.pushes.all() == (ASKED,)
    store.pushes.put(LIVE)
    store.close()
    again = open_store(engine.address(tmp_path), root=tmp_path)
    assert again.pushes.all() == (LIVE,)
    again.pushes.drop("t1")
    again.pushes.drop("t1")
    assert again.pushes.all() == ()
    again.close()


def test_a_subscription_is_found_by_its_callback_and_by_its_feed(store: Store) -> None:
    other = replace(LIVE, token="t2")
    for one in (other, ASKED, replace(ASKED, token="t3", feed="north")):
        store.pushes.put(one)
    assert store.pushes.get("t2") == other
    assert store.pushes.get("nobody") is None
    assert store.pushes.of("harbour") == (ASKED, other)
    assert store.pushes.of("nobody") == ()


def test_hubs_of_feeds_that_are_configured_no_more_are_to_be_told_once(store: Store) -> None:
    gone = replace(LIVE, token="t2", feed="north")
    for one in (LIVE, gone, replace(gone, token="t3", standing=Standing.LEAVING)):
        store.pushes.put(one)
    assert store.pushes.orphans(9) == ()
    store.feeds.configure([FEED], now=NOW)
    assert store.pushes.orphans(9) == (gone,)
    assert store.pushes.orphans(0) == ()


def test_what_is_due_of_subscriptions_comes_the_longest_overdue_first(store: Store) -> None:
    later = replace(LIVE, token="t2", feed="north", due=NOW + 2 * HOUR)
    for one in (later, ASKED, replace(ASKED, token="t3", due=NOW + 9 * HOUR)):
        store.pushes.put(one)
    assert store.pushes.due(NOW, 9) == ()
    assert store.pushes.due(NOW + 2 * HOUR, 9) == (ASKED, later)
    assert store.pushes.due(NOW + 2 * HOUR, 1) == (ASKED,)


@pytest.mark.conforms("C12")
def test_deliveries_wait_in_the_order_in_which_they_came_until_they_are_settled(
    store: Store,
) -> None:
    other = replace(BROUGHT, feed="north", body=b"more", coding="")
    assert store.pushes.oldest() is None
    for one in (BROUGHT, other, replace(BROUGHT, body=b"third")):
        store.pushes.deliver(one)
    assert store.pushes.waiting() == {"harbour": (2, 8), "north": (1, 4)}
    assert list(store.pushes.mail(9)) == ["harbour", "north"]
    assert list(store.pushes.mail(1)) == ["harbour"]
    oldest = store.pushes.oldest_of("north")
    assert oldest is not None
    assert oldest[1] == other
    assert store.pushes.oldest_of("nobody") is None
    taken = []
    while found := store.pushes.oldest():
        number, delivery = found
        taken.append(delivery.body)
        store.pushes.settle(number)
    assert taken == [b"\x1f\x8b\x00", b"more", b"third"]
    assert store.pushes.waiting() == {}
    assert store.pushes.mail(9) == {}


@pytest.mark.conforms("C21")
def test_feeds_take_turns_with_what_waits(store: Store) -> None:
    for feed, body in (("harbour", b"1"), ("harbour", b"2"), ("north", b"3"), ("harbour", b"4")):
        store.pushes.deliver(replace(BROUGHT, feed=feed, body=body))
    last, taken = "", []
    while found := store.pushes.oldest(after=last):
        number, delivery = found
        last = delivery.feed
        taken.append(delivery.body)
        store.pushes.settle(number)
    assert taken == [b"1", b"3", b"2", b"4"]


def test_a_delivery_is_settled_once(store: Store) -> None:
    store.pushes.deliver(BROUGHT)
    found = store.pushes.oldest()
    assert found is not None
    assert store.pushes.settle(found[0])
    assert not store.pushes.settle(found[0])


def test_a_feed_is_configured_until_it_is_taken_out_or_disabled(store: Store) -> None:
    store.feeds.configure([FEED, replace(FEED, id="south", enabled=False)], now=NOW)
    names = ("harbour", "north", "south", "nobody")
    assert [store.feeds.is_configured(name) for name in names] == [True, False, False, False]


def test_a_delivery_that_cannot_be_taken_in_still_waits(store: Store) -> None:
    store.pushes.deliver(BROUGHT)
    found = store.pushes.oldest()
    assert found is not None
    with pytest.raises(StoreError), store.transaction():  # noqa: PT012
        store.pushes.settle(found[0])
        store.feeds.state("nobody")
    assert store.pushes.oldest() == found


def test_what_a_feed_says_of_hubs_reads_back_and_is_forgotten_with_its_address(
    store: Store,
) -> None:
    told = replace(
        store.feeds.state("harbour"),
        links=HubLinks(hubs=("https://hub.example/", "http://b.example/"), topic=FEED.url),
        usual_due=NOW + HOUR,
        missed=3,
    )
    store.feeds.save(told)
    assert store.feeds.state("harbour") == told
    store.feeds.configure([replace(FEED, url="https://harbour.example/new")], now=NOW)
    state = store.feeds.state("harbour")
    assert (state.links, state.usual_due, state.missed) == (HubLinks(), None, 0)


@pytest.mark.conforms("A70")
def test_a_feed_that_was_put_off_is_due_again_when_it_would_have_been(store: Store) -> None:
    rarely = replace(
        store.feeds.state("harbour"), next_due=NOW + 12 * HOUR, because="push", usual_due=NOW + HOUR
    )

    def recalled(**changes: object) -> tuple[datetime, str]:
        store.feeds.save(replace(rarely, **changes))
        store.feeds.recall("harbour", now=NOW + 2 * HOUR)
        state = store.feeds.state("harbour")
        return state.next_due, state.because

    assert recalled() == (NOW + 2 * HOUR, "lapsed")
    assert recalled(usual_due=NOW + 5 * HOUR) == (NOW + 5 * HOUR, "lapsed")
    assert recalled(usual_due=None, because="max-age") == (NOW + 12 * HOUR, "max-age")
    store.feeds.save(rarely)
    store.feeds.begin("harbour", now=NOW, next_due=NOW + 9 * HOUR, because="attempt")
    store.feeds.recall("harbour", now=NOW)
    assert store.feeds.state("harbour").next_due == NOW + 9 * HOUR


@pytest.mark.conforms("A70")
def test_nor_is_it_due_in_the_hours_at_which_its_publisher_wants_peace(store: Store) -> None:
    hour = (NOW + 2 * HOUR).hour
    rarely = replace(
        store.feeds.state("harbour"),
        next_due=NOW + 12 * HOUR,
        usual_due=NOW + HOUR,
        skips=Skips(hours=frozenset({hour, hour + 1})),
    )
    store.feeds.save(rarely)
    store.feeds.recall("harbour", now=NOW + 2 * HOUR)
    assert store.feeds.state("harbour").next_due.hour == hour + 2
