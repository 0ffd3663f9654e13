"""Our hub over the real web server and a real store: websub.rocks' tests of a hub, and what a hub
owes to those who did not ask for it. The clock is set; nobody waits for a tick.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from aggregator.model.editions import Rendered
from aggregator.outputs.documents import etag_of
from aggregator.outputs.hub import PAUSES, PING_AFTER
from aggregator.service.house import opened
from aggregator.service.hub import courier, reception
from aggregator.service.push.mailroom import Sorted
from aggregator.service.run import Service
from aggregator.sources.websub.quota import BURST
from aggregator.web.serve import serve
from aggregator.web.served import Served
from tests.follower import Followers, Query
from tests.hub import sign
from tests.origin import Origin, Reply, answer, hang
from tests.service.newsroom import tell
from tests.service.stage import SERVICE, SetClock, from_outside, play, settings_for, store_in

pytestmark = pytest.mark.slow

BASE = "https://news.example"
TOPIC = f"{BASE}/feeds/latest.atom"
DAY = timedelta(days=1)
HUB = "hub: {serve: on, allow_private: [127.0.0.0/8]}"


@dataclass
class House:
    """An installation in ``folder`` with a hub, and those who follow it."""

    folder: Path
    origin: Origin
    hub: str = HUB
    outputs: str | None = None
    clock: SetClock = field(default_factory=SetClock)
    address: str = ""
    told: int = 0

    def __post_init__(self) -> None:
        self.followers = Followers(self.origin)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Service]:
        feeds = [f"{{id: {name}, url: 'https://{name}.example/'}}" for name in "abc"]
        settings = settings_for(self.folder, feeds, self.outputs, service=SERVICE + self.hub)
        async with opened(settings, store_in(self.folder), now=self.clock) as service:
            await service.prepare()
            await service.bring_out()
            stop = asyncio.Event()
            address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            web = asyncio.create_task(
                serve(service.application(), "127.0.0.1", 0, stop, ready=address.set_result)
            )
            self.address = await address
            try:
                yield service
            finally:
                stop.set()
                await web

    async def ask(
        self, callback: str, mode: str = "subscribe", topic: str = TOPIC, **more: str
    ) -> httpx.Response:
        form = {"hub.callback": callback, "hub.mode": mode, "hub.topic": topic}
        form |= {name.replace("_", ".", 1): value for name, value in more.items()}
        return await self.send(form)

    async def send(self, form: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.post(f"{self.address}/hub", data=form)

    async def get(self, topic: str = TOPIC) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(topic.replace(BASE, self.address))

    async def news(self, service: Service, title: str = "") -> None:
        """Let something be reported, and bring it out."""
        self.told += 1
        number, store = self.told, service.keeper.store
        story, now = f"s{number}", self.clock()
        words = {"story": story, "title": title or f"News {number}", "now": now}
        await service.keeper.run(tell, store, "a", number, **words)  # type: ignore[arg-type]
        await service.bring_out()

    def rows(self, sql: str) -> list[tuple[str, ...]]:
        with from_outside(self.folder) as db:
            return db.execute(sql).fetchall()


async def idle(service: Service) -> None:
    """Wait until nothing is under way."""
    assert service.hub is not None
    while flying := service.hub.courier.flying():
        await asyncio.gather(*flying)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - it comes in another thread; `play` bounds the whole
        await asyncio.sleep(0.01)


async def tick(service: Service) -> None:
    assert service.hub is not None
    service.hub.courier.wake()
    await idle(service)


async def subscribed(house: House, service: Service, callback: str, **more: str) -> Query:
    assert (await house.ask(callback, **more)).status_code == 202
    await idle(service)
    return house.followers.asked[-1]


@pytest.fixture
def house(origin: Origin, tmp_path: Path) -> House:
    return House(tmp_path, origin)


@pytest.mark.conforms("C24", "C28", "C29", "C32", "C51", "C52")
def test_100_who_subscribes_is_asked_back_and_then_brought_the_feed_as_it_is(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            callback = house.followers.at("/cb")
            question = await subscribed(house, service, callback)
            assert question["hub.mode"] == "subscribe"
            assert question["hub.topic"] == TOPIC
            assert len(question["hub.challenge"]) >= 32
            assert question["hub.lease_seconds"] == "864000"
            assert house.followers.brought == []

            await house.news(service)
            await idle(service)

            (brought,) = house.followers.brought
            topic = await house.get()
            assert brought.body == topic.content
            assert b"News 1" in brought.body
            assert brought.fields["content-type"] == topic.headers["content-type"]
            assert "x-hub-signature" not in brought.fields
            links = f'<{BASE}/hub>; rel="hub", <{TOPIC}>; rel="self"'
            assert brought.fields["link"] == links
            head = topic.headers["link"]
            assert head.startswith(f'<{TOPIC}>; rel="self", <{BASE}/hub>; rel="hub"')
            assert (head.count('rel="self"'), head.count('rel="hub"')) == (1, 1)
            assert f'<link rel="hub" href="{BASE}/hub"/>'.encode() in topic.content

    play(scene())


@pytest.mark.conforms("C26")
def test_what_is_stored_reaches_a_reader_with_no_clock_or_tick_in_between(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await subscribed(house, service, house.followers.at("/cb"))
            stop = asyncio.Event()
            desk = asyncio.create_task(service._keep_desk(stop))
            store, words = service.keeper.store, {"story": "s1", "title": "News 1"}
            await service.keeper.run(tell, store, "a", 1, **words)  # type: ignore[arg-type]
            service.brought(Sorted(feed="a", new=1))
            await until(lambda: bool(house.followers.brought))
            assert b"News 1" in house.followers.brought[0].body
            stop.set()
            service.brought(Sorted(feed="a", new=1))
            await desk

    play(scene())


@pytest.mark.conforms("C32", "C53")
def test_101_who_gave_a_secret_is_brought_what_is_signed_with_it(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await subscribed(house, service, house.followers.at("/cb"), hub_secret="s3cret")
            await house.news(service)
            await idle(service)
            (brought,) = house.followers.brought
            assert brought.fields["x-hub-signature"] == sign("s3cret", brought.body)

    play(scene())


@pytest.mark.conforms("C28", "C54")
def test_102_other_parameters_are_ignored(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            callback = house.followers.at("/cb")
            assert (await house.ask(callback, foo="bar", hub_foo="hub.bar")).status_code == 202
            await idle(service)
            assert len(house.rows("SELECT * FROM follower")) == 1
            assert "foo" not in house.followers.asked[0]

    play(scene())


@pytest.mark.conforms("C30", "C55")
def test_103_to_subscribe_again_changes_secret_and_lease_once_it_is_confirmed(
    house: House,
) -> None:
    async def scene() -> None:
        means_it = [True, False, True]

        def says(query: Query) -> Reply:
            challenge = query["hub.challenge"].encode()
            return answer(200, challenge) if means_it.pop(0) else answer(404)

        async with house.open() as service:
            callback = house.followers.at("/cb", says=says)
            await subscribed(house, service, callback, hub_secret="first")
            first = house.rows("SELECT * FROM follower")
            await subscribed(house, service, callback, hub_secret="second")
            assert house.rows("SELECT * FROM follower") == first
            house.clock.at += DAY
            more = {"hub_secret": "third", "hub_lease_seconds": "172800"}
            assert (await house.ask(callback, **more)).status_code == 202
            await idle(service)
            query = "SELECT secret, since, expires FROM follower"
            ((secret, since, expires),) = house.rows(query)
            assert (secret, since[:10], expires[:10]) == ("third", "2026-03-02", "2026-03-05")
            await house.news(service)
            await idle(service)
            (brought,) = house.followers.brought
            assert brought.fields["x-hub-signature"] == sign("third", brought.body)

    play(scene())


@pytest.mark.conforms("C56")
def test_104_who_unsubscribes_and_means_it_is_brought_no_more(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            callback = house.followers.at("/cb")
            await subscribed(house, service, callback)
            assert (await house.ask(callback, "unsubscribe")).status_code == 202
            await idle(service)
            question = house.followers.asked[-1]
            assert question["hub.mode"] == "unsubscribe"
            assert "hub.lease_seconds" not in question
            await house.news(service)
            await idle(service)
            assert house.followers.brought == []

    play(scene())


@pytest.mark.conforms("C25", "C32", "C57", "C58")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("plain.txt", "text/plain; charset=utf-8"),
        ("latest.json", "application/feed+json; charset=utf-8"),
        ("latest.rss", "application/rss+xml; charset=utf-8"),
    ],
)
def test_105_106_whatever_a_topic_is_it_is_brought_unchanged(
    house: House, name: str, kind: str
) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await service.keeper.run(stand, service, "first")
            topic = f"{BASE}/feeds/{name}"
            assert (await house.ask(house.followers.at("/cb"), topic=topic)).status_code == 202
            await idle(service)
            await service.keeper.run(stand, service, "second")
            await house.news(service)
            await idle(service)
            (brought,) = house.followers.brought
            served = await house.get(topic)
            assert brought.body == served.content
            assert brought.fields["content-type"] == served.headers["content-type"] == kind
            assert brought.fields["link"].endswith(f'<{topic}>; rel="self"')

    play(scene())


def stand(service: Service, text: str) -> None:
    """Publish a document that is no feed."""
    body, path = text.encode(), "feeds/plain.txt"
    plain = Rendered(
        path=path,
        media_type="text/plain",
        body=body,
        etag=etag_of(body),
        changed_at=service.clock(),
    )
    service.keeper.store.followers.announce([plain], now=service.clock())
    service.window.shelf.put(path, Served.of(plain))


@pytest.mark.conforms("C29")
def test_a_callback_keeps_its_own_query(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            callback = house.followers.at("/cb") + "?user=7&hub=mine"
            question = await subscribed(house, service, callback)
            assert (question["user"], question["hub"]) == ("7", "mine")
            await house.news(service)
            await idle(service)
            assert house.origin.log[-1].target == "/cb?user=7&hub=mine"

    play(scene())


@pytest.mark.conforms("C29", "C34")
@pytest.mark.parametrize(
    "says",
    [
        lambda query: answer(200, b"yes, yes"),
        lambda query: answer(200, query["hub.challenge"].encode() + b"!"),
        lambda query: answer(404, query["hub.challenge"].encode()),
        lambda query: answer(302, b"", {"Location": "/echo"}),
        lambda query: answer(200, b"x" * 100_000),
    ],
    ids=["else", "more", "404", "redirect", "flood"],
)
def test_who_does_not_send_the_challenge_back_did_not_mean_it_and_is_asked_once(
    house: House, says: object
) -> None:
    async def scene() -> None:
        async with house.open() as service:
            house.followers.at("/echo")
            callback = house.followers.at("/cb", says=says)  # type: ignore[arg-type]
            await subscribed(house, service, callback)
            house.clock.at += DAY
            await tick(service)
            assert len(house.followers.asked) == 1
            assert house.rows("SELECT * FROM follower") == []
            assert house.rows("SELECT * FROM errand") == []

    play(scene())


@pytest.mark.conforms("C26", "C27")
def test_what_did_not_change_is_brought_to_nobody(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await subscribed(house, service, house.followers.at("/cb"))
            house.clock.at += DAY / 24
            await service.bring_out()
            await idle(service)
            assert house.followers.brought == []
            assert house.rows("SELECT * FROM errand") == []

    play(scene())


@pytest.mark.conforms("C26")
def test_what_a_crash_kept_from_being_brought_is_brought_after_the_restart(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await subscribed(house, service, house.followers.at("/cb"))
            assert service.hub is not None
            service.hub.courier.begin_no_more()  # what is published now is told to nobody
            await house.news(service)
            assert house.followers.brought == []
        async with house.open() as service:
            await tick(service)
            (brought,) = house.followers.brought
            assert b"News 1" in brought.body
            assert house.rows("SELECT * FROM errand") == []

    play(scene())


@pytest.mark.conforms("C26")
def test_what_is_not_published_after_all_is_told_to_nobody(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await subscribed(house, service, house.followers.at("/cb"))
            with from_outside(house.folder) as db:
                db.refuse("INSERT", "errand")
            with pytest.raises(Exception, match="no room"):
                await house.news(service)
            assert b"News 1" not in (await house.get()).content
            with from_outside(house.folder) as db:
                db.accept("errand")
            await service.bring_out()
            await idle(service)
            (brought,) = house.followers.brought
            assert brought.body == (await house.get()).content

    play(scene())


@pytest.mark.conforms("C33")
def test_what_cannot_be_brought_is_tried_later_and_later_and_comes_once(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            elsewhere = answer(302, b"", {"Location": house.followers.at("/else")})
            callback = house.followers.at("/cb", answer(500), elsewhere, answer(204))
            await subscribed(house, service, callback)
            await house.news(service)
            await idle(service)
            for number, pause in enumerate(PAUSES[:2], start=1):
                house.clock.at += pause - timedelta(seconds=1)
                await tick(service)
                assert len(house.followers.brought) == number
                house.clock.at += timedelta(seconds=1)
                await tick(service)
            assert [one.path for one in house.followers.brought] == ["/cb"] * 3
            house.clock.at += DAY
            await tick(service)
            assert len(house.followers.brought) == 3

    play(scene())


@pytest.mark.conforms("C33")
def test_a_reader_that_is_down_is_given_up_for_this_news_but_not_for_the_next(
    house: House,
) -> None:
    async def scene() -> None:
        async with house.open() as service:
            refusals = [answer(500)] * (len(PAUSES) + 1)
            await subscribed(house, service, house.followers.at("/cb", *refusals, answer(200)))
            await house.news(service)
            await idle(service)
            for pause in (*PAUSES, DAY):
                house.clock.at += pause
                await tick(service)
            assert len(house.followers.brought) == len(refusals)
            assert house.rows("SELECT * FROM errand") == []
            await house.news(service)
            await idle(service)
            assert b"News 2" in house.followers.brought[-1].body
            assert len(house.followers.brought) == len(refusals) + 1

    play(scene())


@pytest.mark.conforms("C33")
def test_a_busy_reader_is_left_alone_for_as_long_as_it_wants(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            busy = answer(429, b"", {"Retry-After": "300"})
            await subscribed(house, service, house.followers.at("/cb", busy, answer(200)))
            await house.news(service)
            await idle(service)
            house.clock.at += timedelta(seconds=290)
            await tick(service)
            assert len(house.followers.brought) == 1
            house.clock.at += timedelta(seconds=10)
            await tick(service)
            assert len(house.followers.brought) == 2

    play(scene())


@pytest.mark.conforms("C33")
def test_a_callback_that_is_gone_ends_its_subscription(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await subscribed(house, service, house.followers.at("/cb", answer(410)))
            await house.news(service)
            await idle(service)
            await house.news(service)
            await idle(service)
            assert len(house.followers.brought) == 1
            assert house.rows("SELECT * FROM follower") == []
            assert house.rows("SELECT * FROM errand") == []

    play(scene())


@pytest.mark.conforms("C31", "C59")
def test_a_lease_ends(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            callback = house.followers.at("/cb")
            question = await subscribed(house, service, callback, hub_lease_seconds="7200")
            assert question["hub.lease_seconds"] == "86400"
            house.clock.at += DAY - timedelta(seconds=1)
            await house.news(service)
            await idle(service)
            house.clock.at += timedelta(seconds=1)
            await house.news(service)
            await idle(service)
            assert len(house.followers.brought) == 1

    play(scene())


@pytest.mark.conforms("C34")
def test_only_feeds_of_this_site_can_be_followed_and_only_from_outside_of_it(house: House) -> None:
    async def scene() -> None:
        async with house.open():
            callback = house.followers.at("/cb")
            for topic in (
                "https://elsewhere.example/feeds/latest.atom",
                f"{BASE}/feeds/never.atom",
                f"{BASE}/feeds/latest%2Eatom",
                f"{BASE}/feeds/../feeds/latest.atom",
                f"{BASE}/",
                f"{BASE}/feeds.opml",
                "",
            ):
                refused = await house.ask(callback, topic=topic)
                assert refused.status_code == 404
                assert refused.headers["content-type"] == "text/plain; charset=utf-8"
            for inside in ("http://10.0.0.1/cb", "https://169.254.169.254/", "http://[::1]/cb"):
                refused = await house.ask(inside)
                assert (refused.status_code, refused.text) == (
                    403,
                    "hub.callback is not at a public address\n",
                )
            assert (await house.ask("http://127.0.0.1:99999/cb")).status_code == 400
            assert (await house.ask(callback, "publish")).status_code == 403
            assert (await house.ask(callback, "delight")).status_code == 400
        assert house.followers.asked == []

    play(scene())


@pytest.mark.conforms("C34")
def test_a_name_that_leads_inside_is_not_called(house: House) -> None:
    async def scene() -> None:
        house.hub = "hub: {serve: on}"
        async with house.open() as service:
            callback = house.followers.at("/cb").replace("127.0.0.1", "localhost")
            assert (await house.ask(callback)).status_code == 202
            await idle(service)
            assert house.rows("SELECT * FROM errand") == []
        assert house.origin.log == []

    play(scene())


@pytest.mark.conforms("C34")
def test_a_flood_of_requests_does_not_become_a_flood_of_calls(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            callback = house.followers.at("/cb")
            answers = [await house.ask(f"{callback}?{number}") for number in range(BURST + 9)]
            assert [one.status_code for one in answers[:BURST]] == [202] * BURST
            assert {one.status_code for one in answers[BURST:]} == {429}
            assert answers[-1].headers["retry-after"]
            await idle(service)
            assert len(house.followers.asked) == BURST

    play(scene())


@pytest.mark.conforms("C34")
def test_there_is_room_for_so_many_and_for_a_fourth_of_them_at_one_host(house: House) -> None:
    async def scene() -> None:
        house.hub = "hub: {serve: on, allow_private: [127.0.0.0/8], subscribers: 8}"
        async with house.open() as service:
            callback = house.followers.at("/cb")
            for number in range(2):
                await subscribed(house, service, f"{callback}?{number}")
            assert (await house.ask(f"{callback}?2")).status_code == 503
            assert (await house.ask(f"{callback}?1")).status_code == 202
            assert (await house.ask("https://elsewhere.example/cb")).status_code == 202

    play(scene())


@pytest.mark.conforms("C34")
def test_only_so_many_requests_wait_to_be_confirmed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "MOST_PENDING", 2)

    async def scene() -> None:
        async with house.open():
            callback = house.followers.at("/cb", says=lambda _: hang())
            codes = [(await house.ask(f"{callback}?{n}")).status_code for n in range(3)]
            assert codes == [202, 202, 503]

    play(scene())


@pytest.mark.conforms("C35")
def test_who_followed_an_output_that_is_no_more_is_told_so(house: House) -> None:
    async def scene() -> None:
        house.outputs = "outputs: [{kind: latest}, {kind: latest, name: sea, title: Sea}]"
        topic = f"{BASE}/feeds/sea.atom"
        async with house.open() as service:
            await house.ask(house.followers.at("/cb") + "?mine=1", topic=topic)
            await idle(service)
        house.outputs = "outputs: [{kind: latest}]"
        async with house.open() as service:
            await tick(service)
            told = house.followers.asked[-1]
            assert (told["hub.mode"], told["hub.topic"]) == ("denied", topic)
            assert told["hub.reason"]
            assert house.rows("SELECT * FROM follower") == []
            assert house.rows("SELECT * FROM errand") == []

    play(scene())


@pytest.mark.conforms("C36")
def test_callbacks_that_hang_hold_up_no_other(tmp_path: Path) -> None:
    async def scene(house: House) -> None:
        async with house.open() as service:
            slow = house.followers.at("/slow", hang())
            for number in range(courier.AT_ONCE_EACH + 1):
                await subscribed(house, service, f"{slow}?{number}")
            quick = house.followers.at("/quick").replace("127.0.0.1", "127.0.0.2")
            await subscribed(house, service, quick)
            await house.news(service)
            await until(lambda: "/quick" in [one.path for one in house.followers.brought])
            hanging = [one for one in house.followers.brought if one.path == "/slow"]
            assert len(hanging) <= courier.AT_ONCE_EACH

    origin = Origin(also=("127.0.0.2",))
    origin.start()
    try:
        play(scene(House(tmp_path, origin)))
    finally:
        origin.stop()


def test_news_that_come_while_news_are_brought_are_brought_after_them(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            release = asyncio.Event()
            loop = asyncio.get_running_loop()

            async def slow(line: object) -> None:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(release.wait(), loop))
                await answer(200)(line)  # type: ignore[arg-type]

            await subscribed(house, service, house.followers.at("/cb", slow, answer(200)))
            await house.news(service)
            await until(lambda: bool(house.followers.brought))
            await house.news(service)
            await house.news(service)
            release.set()
            await idle(service)
            first, second = house.followers.brought
            assert b"News 2" not in first.body
            assert second.body == (await house.get()).content
            assert b"News 3" in second.body

    play(scene())


def test_one_reader_is_brought_so_much_and_then_slower_and_nothing_is_lost(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await subscribed(house, service, house.followers.at("/cb"))
            for _ in range(BURST + 2):
                await house.news(service)
                await idle(service)
            assert len(house.followers.brought) == BURST
            house.clock.at += timedelta(seconds=2)
            await tick(service)
            assert len(house.followers.brought) == BURST + 1
            assert house.followers.brought[-1].body == (await house.get()).content

    play(scene())


@pytest.mark.conforms("C26", "C27")
def test_outside_hubs_are_pinged_once_for_all_changes_of_half_a_minute(house: House) -> None:
    async def scene() -> None:
        taken = house.origin.script("/outside", answer(500), answer(204))
        house.hub = f"hub: {{serve: off, ping: ['{taken}']}}"
        house.outputs = "outputs: [{kind: latest}]"
        async with house.open() as service:
            house.clock.at += PING_AFTER  # what is new at the very start
            await tick(service)
            pinged = len(house.origin.asked("/outside"))
            house.clock.at += 3 * DAY
            await tick(service)
            before = len(house.origin.asked("/outside"))
            assert before > pinged
            assert house.rows("SELECT * FROM errand") == []

            await house.news(service)
            await house.news(service)
            await tick(service)
            assert len(house.origin.asked("/outside")) == before
        async with house.open() as service:  # it is remembered over a restart
            house.clock.at += PING_AFTER
            await tick(service)
            assert len(house.origin.asked("/outside")) == before + 3
            await service.bring_out()
            house.clock.at += PING_AFTER
            await tick(service)
            assert len(house.origin.asked("/outside")) == before + 3
            topic = await house.get()
            assert topic.headers["link"].split(", ")[1] == f'<{taken}>; rel="hub"'

    play(scene())


@pytest.mark.conforms("C24")
def test_without_a_hub_none_is_named_and_none_listens(house: House) -> None:
    async def scene() -> None:
        house.hub = ""
        async with house.open() as service:
            assert service.hub is None
            assert (await house.ask(house.followers.at("/cb"))).status_code == 404
            topic = await house.get()
            assert "hub" not in topic.headers["link"]
            assert b"hub" not in topic.content

    play(scene())
