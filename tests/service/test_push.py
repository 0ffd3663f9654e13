"""A hub on loopback, the real web server and a real store: websub.rocks' tests of a subscriber,
and what a subscriber owes to those who never sleep. The clock is set; nobody waits for a tick.
"""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregator.items.intake import Intake
from aggregator.model.feeds import Feed, FeedState
from aggregator.model.push import Pushed, Standing, Subscription
from aggregator.service.house import opened
from aggregator.service.poll import Visit, visit_all
from aggregator.service.push.mailroom import Sorted, take_part
from aggregator.service.push.parts import body_limits
from aggregator.service.push.register import pushed
from aggregator.service.run import Service
from aggregator.sources.websub.quota import BURST, MOST_WAITING
from aggregator.storage import Store
from aggregator.web.callback import Parcel
from aggregator.web.serve import serve
from tests.hub import Hub, sign
from tests.origin import Line, Origin, Reply, answer
from tests.service.stage import (
    HOUR,
    SERVICE,
    SetClock,
    from_outside,
    item,
    play,
    rss,
    settings_for,
    store_in,
)

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
PUSH = "push: {subscribe: on, secret_over_http: true}"


@dataclass
class House:
    """An installation in ``folder``, and the hub and publisher that it deals with."""

    folder: Path
    origin: Origin
    feeds: Sequence[str] = ("a",)
    push: str = PUSH
    base: str = "https://news.example"
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        self.hub = Hub(self.origin, world=self.base)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Service]:
        lines = [
            f"{{id: {name}, url: '{self.origin.url(f'/{name}')}', every: 1h}}"
            for name in self.feeds
        ]
        text = SERVICE.replace("https://news.example", self.base) + self.push
        settings = settings_for(self.folder, lines, service=text)
        async with opened(settings, store_in(self.folder), now=self.clock) as service:
            await service.prepare()
            stop = asyncio.Event()
            address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            web = asyncio.create_task(
                serve(service.application(), "127.0.0.1", 0, stop, ready=address.set_result)
            )
            self.hub.base = await address
            try:
                yield service
            finally:
                stop.set()
                await web

    def publish(
        self, *items: str, path: str = "/a", links: Mapping[str, str] | None = None
    ) -> None:
        """Let the feed list ``items`` and name ``links`` (by relation) in its head."""
        named = links if links is not None else {"hub": "/hub", "self": self.origin.url("/a")}
        told = ", ".join(f'<{where}>; rel="{relation}"' for relation, where in named.items())
        self.origin.script(path, answer(200, rss(*items), {"Link": told} if told else {}))

    def rows(self, sql: str) -> list[Any]:
        with from_outside(self.folder) as db:
            return db.execute(sql).fetchall()

    @property
    def items(self) -> list[str]:
        return [title for (title,) in self.rows("SELECT title FROM item ORDER BY seq")]


@pytest.fixture
def house(origin: Origin, tmp_path: Path) -> House:
    here = House(tmp_path, origin)
    here.hub.at("/hub")
    here.publish(item(1))
    return here


async def poll(service: Service) -> list[Visit]:
    """Visit what is due, and let the service hear of it."""
    due = await service.due_now()
    visits = [v async for v in visit_all(service.poller, due, stop=asyncio.Event())]
    for visit in visits:
        service.heard(visit)
    return visits


async def tick(service: Service) -> None:
    """Do what is due with hubs."""
    await service.push.subscriber.tick()
    while flying := service.push.subscriber.flying():
        await asyncio.gather(*flying)


async def read(service: Service) -> list[Sorted]:
    """Read all deliveries that wait."""
    found = []
    while one := await service.push.mailroom.sort_one():
        found.append(one)
    return found


async def state_of(service: Service, feed: str = "a") -> FeedState:
    return await service.keeper.run(service.keeper.store.feeds.state, feed)


def held(service: Service, feed: str = "a") -> list[Subscription]:
    found = service.keeper._thread.submit(service.keeper.store.pushes.of, feed).result()
    return sorted(found, key=lambda one: one.asked_at)


def pushed_now(service: Service, now: datetime) -> Pushed | None:
    return service.keeper._thread.submit(pushed, service.keeper.store, "a", now).result()


async def subscribed(house: House, service: Service, number: int = 0) -> dict[str, str]:
    """Poll, ask the hub, and let it ask back; return the form that it took."""
    await poll(service)
    await tick(service)
    form = await house.hub.form(number)
    assert (await house.hub.ask(form)).status_code == 200
    return form


async def told(house: House, service: Service, *items: str) -> dict[str, str]:
    """Subscribe, and let the hub prove itself with a delivery of ``items``."""
    form = await subscribed(house, service)
    assert (await house.hub.deliver(form, rss(*items))).status_code == 202
    await read(service)
    return form


@pytest.mark.conforms("A70", "C03", "C07", "C12", "C16", "C37", "C48")
def test_a_feed_with_a_hub_is_told_of_its_news_and_hardly_asked_any_more(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await poll(service)
            before = await state_of(service)
            await tick(service)
            form = await house.hub.form(0)
            confirmed = await house.hub.ask(form)
            assert confirmed.text == "4f8c-<b>challenge</b>&"
            house.clock.at += HOUR / 2

            assert (await house.hub.deliver(form, rss(item(2)))).status_code == 202
            assert await read(service) == [Sorted(feed="a", new=1)]

            after = await state_of(service)
            assert (after.validators, after.digest) == (before.validators, before.digest)
            assert (after.next_due, after.because) == (before.next_due, before.because)
            assert (after.gaps, after.entries, after.failures) == (0, 1, 0)
            house.clock.at = after.next_due
            (visit,) = await poll(service)
            assert (visit.state.because, visit.missed) == ("push", 0)
            assert visit.state.next_due - house.clock.at >= 6 * HOUR

    play(scene())

    assert house.items == ["Ferry 1 leaves", "Ferry 2 leaves"]
    (form,) = house.hub.forms
    assert form["hub.topic"] == house.origin.url("/a")
    assert form["hub.lease_seconds"] == "864000"
    assert house.origin.asked("/hub")[0].value("Content-Type") == (
        b"application/x-www-form-urlencoded"
    )


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Paper</title><id>urn:x:1</id>
<updated>2026-03-02T10:00:00Z</updated>
<link rel="hub" href="{hub}"/><link rel="self" href="{topic}"/>
<entry><id>urn:x:2</id><title>News</title><updated>2026-03-02T10:00:00Z</updated></entry></feed>"""
PAGE = """<!doctype html><title>Paper</title><link rel="hub" href="{hub}">
<link rel="self" href="{topic}"><p>News"""
RSS = """<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Paper</title>
<link>http://x.example/</link><description>d</description><atom:link rel="self" href="{topic}"/>
<atom:link rel="hub" href="{hub}"/><item><title>News</title><guid>2</guid></item></channel></rss>"""


@pytest.mark.parametrize(
    ("document", "headers", "topic"),
    [
        pytest.param(RSS.replace("atom:link", "atom:x"), True, "/a", id="100-headers",
                     marks=pytest.mark.conforms("C37")),
        pytest.param(PAGE, False, "/a", id="101-page", marks=pytest.mark.conforms("C38")),
        pytest.param(ATOM, False, "/a", id="102-atom", marks=pytest.mark.conforms("C39")),
        pytest.param(RSS, False, "/a", id="103-rss", marks=pytest.mark.conforms("C40")),
        pytest.param(RSS, True, "/a", id="104-headers-first", marks=pytest.mark.conforms("C41")),
        pytest.param(ATOM, False, "/a?self=other", id="200-other-self",
                     marks=pytest.mark.conforms("C42")),
    ],
)  # fmt: skip
def test_hub_and_topic_are_found_where_the_publisher_put_them(
    house: House, document: str, headers: bool, topic: str
) -> None:
    """Hub and self in the head win; the wrong hub in the body answers 400."""
    here, wrong = house.origin.url(topic), house.hub.at("/wrong", answer(400, b"wrong tag"))
    hub = wrong if headers else house.origin.url("/hub")
    body = document.format(hub=hub, topic=here).encode()
    link = {"Link": f'</hub>; rel="hub", <{here}>; rel="self"'} if headers else {}
    house.origin.script("/a", answer(200, body, {"Content-Type": "text/xml", **link}))

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            assert form["hub.topic"] == here
            assert (await house.hub.deliver(form, body)).status_code == 202

    play(scene())

    assert house.origin.asked("/wrong") == []


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(302, marks=pytest.mark.conforms("C43"), id="201-topic-302"),
        pytest.param(301, marks=pytest.mark.conforms("C44"), id="202-topic-301"),
    ],
)
def test_the_topic_is_what_a_redirected_feed_calls_itself(house: House, status: int) -> None:
    there = house.origin.url("/there?redirect=complete")
    house.publish(item(1), path="/there", links={"hub": "/hub", "self": there})
    house.origin.script("/a", answer(status, headers={"Location": there}))

    async def scene() -> None:
        async with house.open() as service:
            assert (await subscribed(house, service))["hub.topic"] == there

    play(scene())


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(307, marks=pytest.mark.conforms("C45"), id="203-hub-307"),
        pytest.param(308, marks=pytest.mark.conforms("C46"), id="204-hub-308"),
    ],
)
def test_a_hub_that_moved_is_asked_where_it_is(house: House, status: int) -> None:
    house.hub.at("/hub", answer(status, headers={"Location": "/there"}))
    house.hub.at("/there")

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            assert house.hub.forms == [form, form]
            assert (await house.hub.deliver(form, rss(item(2)))).status_code == 202

    play(scene())


@pytest.mark.conforms("C07", "C08", "C19", "C47")
def test_the_callback_confirms_what_was_asked_and_nothing_else(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await poll(service)
            await tick(service)
            form = await house.hub.form(0)
            topic = form["hub.topic"]
            assert topic == house.origin.url("/a")
            for wrong in (
                {"topic": f"{topic}?invalid"},
                {"mode": "unsubscribe"},
                {"challenge": "x" * 2000},
                {"challenge": None},
                {"topic": None},
            ):
                assert (await house.hub.ask(form, **wrong)).status_code == 404
            nobody = {**form, "hub.callback": f"{house.base}/push/{'A' * 32}"}
            assert (await house.hub.ask(nobody)).status_code == 404
            assert (await house.hub.deliver(form, rss(item(2)))).status_code == 404  # not yet

            found = await house.hub.ask(form, challenge="<script>alert(1)</script>")
            assert (found.status_code, found.content) == (200, b"<script>alert(1)</script>")
            assert found.headers["content-type"] == "text/plain; charset=utf-8"
            assert found.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in found.headers["content-security-policy"]
            assert (await house.hub.ask(form)).status_code == 404  # a replay

    play(scene())


@pytest.mark.conforms("C19")
@pytest.mark.parametrize("stripped", [True, False])
def test_the_callback_is_found_behind_a_prefix_and_never_redirects(
    origin: Origin, tmp_path: Path, stripped: bool
) -> None:
    house = House(tmp_path, origin, base="https://news.example/wire")
    house.hub.at("/hub")
    house.publish(item(1))
    house.hub.world = "https://news.example/wire" if stripped else "https://news.example"

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            assert form["hub.callback"].startswith("https://news.example/wire/push/")
            assert (await house.hub.deliver(form, rss(item(2)))).status_code == 202
            callback = form["hub.callback"]
            for method in ("HEAD", "GET", "POST", "PUT", "OPTIONS"):
                for end in ("", "/", "/x", "//", "?a=b"):
                    found = await house.hub.call(method, callback + end)
                    assert found.status_code in {202, 403, 404, 405}, (method, end)

    play(scene())


@pytest.mark.conforms("C14", "C48", "C49", "C50")
def test_a_delivery_that_is_not_signed_with_our_secret_is_refused_and_not_read(
    house: House,
) -> None:
    body = rss(item(66))

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            right = sign(form["hub.secret"], body)
            for wrong in (None, f"{right}1234", "sha256=", sign(form["hub.secret"], body, "sha1")):
                assert (await house.hub.deliver(form, body, signature=wrong)).status_code == 403
            assert await read(service) == []
            assert house.rows("SELECT deliveries FROM subscription") == [(0,)]
            for name in ("sha256", "sha384", "sha512"):
                good = sign(form["hub.secret"], body, name)
                assert (await house.hub.deliver(form, body, signature=good)).status_code == 202

    play(scene())


@pytest.mark.conforms("C21")
def test_nobody_waits_for_the_signature_of_a_delivery(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            token = form["hub.callback"].rpartition("/")[2]
            parcel = Parcel(body=bytes(1000), signatures=("sha256=00",))
            looking = asyncio.create_task(service.push.door.deliver(token, parcel))
            await asyncio.sleep(0)  # it has begun
            assert not looking.done()
            assert await looking == 403

    play(scene())


@pytest.mark.conforms("C13")
def test_a_hub_that_signs_with_sha_1_is_believed_where_ops_allow_it(
    origin: Origin, tmp_path: Path
) -> None:
    house = House(
        tmp_path, origin, push="push: {subscribe: on, secret_over_http: true, allow_sha1: true}"
    )
    house.hub.at("/hub")
    house.publish(item(1))

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            body = rss(item(2))
            old = sign(form["hub.secret"], body, "sha1")
            assert (await house.hub.deliver(form, body, signature=old)).status_code == 202

    play(scene())


@pytest.mark.conforms("C15")
def test_links_in_a_delivery_do_not_choose_the_feed(house: House) -> None:
    house.feeds = ("a", "b")
    house.publish(item(5), path="/b", links={})

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            forged = f'<{house.origin.url("/b")}>; rel="self"'
            await house.hub.deliver(form, rss(item(2)), Link=forged)
            assert await read(service) == [Sorted(feed="a", new=1)]

    play(scene())


@pytest.mark.conforms("C16", "C20")
def test_what_is_delivered_again_or_late_or_in_parts_changes_nothing_twice(house: House) -> None:
    def dated(hour: int, text: str) -> str:
        when = f"<a:updated xmlns:a='http://www.w3.org/2005/Atom'>2026-03-02T{hour:02}:00:00Z</a:updated>"
        return item(2, text).replace("</item>", f"{when}</item>")

    async def scene() -> list[Sorted]:
        async with house.open() as service:
            form = await subscribed(house, service)
            bodies = [rss(dated(11, "late news")), rss(), rss(dated(9, "early news")), rss(item(1))]
            for body in (*bodies, *bodies[:1] * 5):
                await house.hub.deliver(form, body)
            return await read(service)

    found = play(scene())

    assert [(one.new, one.revised) for one in found] == [(1, 0)] + [(0, 0)] * 8
    assert house.rows("SELECT summary FROM item WHERE title LIKE '%2%'") == [("late news",)]
    assert house.items == ["Ferry 1 leaves", "Ferry 2 leaves"]


@pytest.mark.conforms("C20")
def test_a_delivery_that_two_processes_have_in_hand_is_taken_in_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when one that gave no sign of life for a while goes on after all."""
    taken: list[str] = []

    def counted(store: Store, feed: Feed, *told: Any, **more: Any) -> Intake:
        taken.append(feed.id)
        return take_part(store, feed, *told, **more)

    monkeypatch.setattr("aggregator.service.push.mailroom.take_part", counted)

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            assert (await house.hub.deliver(form, rss(item(2)))).status_code == 202
            sort_of = service.push.mailroom.sort_of
            found = await asyncio.gather(sort_of("a"), sort_of("a"))
            assert sorted(one.new for one in found if one) == [0, 1]
            assert await sort_of("a") is None

    play(scene())
    assert taken == ["a"]


@pytest.mark.conforms("C12")
def test_what_came_for_a_feed_that_others_know_already_is_left_to_them(house: House) -> None:
    """An edit reaches processes one after another; what was accepted must not be lost by that."""

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            assert (await house.hub.deliver(form, rss(item(2)))).status_code == 202
            told, mailroom = service.settings, service.push.mailroom
            rules = {"limits": body_limits(told), "most": 9, "addresses": told.addresses}
            mailroom.adopt([], **rules)  # type: ignore[arg-type]
            assert await mailroom.sort_of("a") is None
            mailroom.adopt(told.feeds, **rules)  # type: ignore[arg-type]
            assert await mailroom.sort_of("a") == Sorted(feed="a", new=1)

    play(scene())


@pytest.mark.conforms("C16", "C20")
@pytest.mark.parametrize("anew", [True, False], ids=["document-changed", "document-as-before"])
def test_a_change_that_was_pushed_is_put_right_by_the_next_poll(house: House, anew: bool) -> None:
    """The publisher takes it back, and what it lists is what we have read there before."""
    house.publish(item(1, "early"))

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            await house.hub.deliver(form, rss(item(1, "late")))
            assert await read(service) == [Sorted(feed="a", revised=1)]
            if anew:
                house.publish(item(2), item(1, "early"))
            house.clock.at = (await state_of(service)).next_due
            (visit,) = await poll(service)
            assert visit.revised == 1

    play(scene())

    assert house.rows("SELECT summary FROM item WHERE title LIKE '%1%'") == [("early",)]


@pytest.mark.conforms("C12")
def test_a_delivery_that_was_acknowledged_outlives_a_crash(house: House) -> None:
    async def first() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            assert (await house.hub.deliver(form, rss(item(2)))).status_code == 202

    async def second() -> list[Sorted]:
        async with house.open() as service:
            return await read(service)

    play(first())
    assert house.items == ["Ferry 1 leaves"]
    assert play(second()) == [Sorted(feed="a", new=1)]
    assert house.items == ["Ferry 1 leaves", "Ferry 2 leaves"]


def _bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    return b"".join([*(packer.compress(zeros) for _ in range(64)), packer.flush()])


@pytest.mark.conforms("C13", "C17")
def test_a_delivery_has_the_limits_of_a_polled_document(house: House) -> None:
    """The signature is over the bytes as they came, compressed or not."""

    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            deliver = house.hub.deliver
            packed = gzip.compress(rss(item(2)))
            await deliver(form, packed, Content_Encoding="gzip")
            await deliver(form, packed)  # without saying so
            await deliver(form, rss(item(3)), Content_Type="text/plain; charset=utf-8")
            await deliver(form, rss(item(4)), Content_Type="")
            for body, coding in (
                (_bomb(), "gzip"),
                (packed[:-9], "gzip"),
                (packed, "gzip, gzip"),
                (b"<html><body>", ""),
                (b"", ""),
            ):
                found = await deliver(form, body, Content_Encoding=coding)
                assert found.status_code == 202
            outcomes = await read(service)
            assert [one.new for one in outcomes] == [1, 0, 1, 1, 0, 0, 0, 0, 0]
            assert all(one.reason for one in outcomes[4:])
            assert "bomb" in str(outcomes[4].reason)

            most = service.settings.service.limits.body_bytes
            too_much = await deliver(form, bytes(most + 1))
            assert too_much.status_code == 413

    play(scene())


@pytest.mark.conforms("C21")
def test_a_flood_is_turned_away_and_what_waits_is_bounded(house: House) -> None:
    """Five hundred deliveries: those beyond a burst, or beyond what may wait, are refused."""

    async def scene() -> tuple[list[int], int]:
        async with house.open() as service:
            form = await subscribed(house, service)
            body = rss(item(2))
            headers = {"X-Hub-Signature": sign(form["hub.secret"], body)}
            url = form["hub.callback"].replace(house.base, house.hub.base)
            async with httpx.AsyncClient(timeout=60) as client:
                found = []
                for _ in range(50):
                    some = await asyncio.gather(
                        *(client.post(url, content=body, headers=headers) for _ in range(10))
                    )
                    found += [one.status_code for one in some]
            house.clock.at += 2 * HOUR
            await poll(service)  # goes on meanwhile
            return found, len(await read(service))

    statuses, waited = play(scene())

    assert set(statuses) <= {202, 429, 503}
    assert statuses.count(202) == waited <= MOST_WAITING < BURST
    assert statuses.count(429) > 450
    assert len(house.origin.asked("/a")) == 2


@pytest.mark.conforms("C05", "C09", "C10", "C18")
def test_a_renewal_looks_at_the_feed_and_is_a_new_subscription_that_ends_the_old(
    house: House,
) -> None:
    """Over restarts: everything that was agreed is in the store."""

    async def first() -> None:
        async with house.open() as service:
            await told(house, service, item(2))

    async def second() -> None:
        async with house.open() as service:
            (live,) = held(service)
            assert live.expires is not None
            assert live.due - house.clock.at >= 5 * DAY - HOUR
            house.clock.at = live.due
            state = await state_of(service)
            if state.next_due > house.clock.at:
                await service.keeper.run(service.keeper.store.feeds.recall, "a", now=live.due)
            form = await subscribed(house, service, 1)
            assert form["hub.callback"] != house.hub.forms[0]["hub.callback"]
            assert form["hub.secret"] != house.hub.forms[0]["hub.secret"]
            assert [one.standing for one in held(service)] == [Standing.LEAVING, Standing.LIVE]
            assert pushed_now(service, house.clock.at) is not None  # still proven

            for old in (house.hub.forms[0], form):  # no news is lost meanwhile
                assert (await house.hub.deliver(old, rss(item(3)))).status_code == 202
            await tick(service)
            farewell = await house.hub.form(2)
            assert farewell["hub.mode"] == "unsubscribe"
            assert farewell["hub.callback"] == house.hub.forms[0]["hub.callback"]
            assert (await house.hub.ask(farewell)).status_code == 200
            assert (await house.hub.ask(farewell)).status_code == 404
            assert [one.standing for one in held(service)] == [Standing.LIVE]
            assert (await house.hub.deliver(farewell, rss(item(4)))).status_code == 404

    play(first())
    play(second())

    assert house.rows("SELECT count(*) FROM subscription") == [(1,)]


@pytest.mark.conforms("C10")
def test_a_feed_that_changes_its_hub_is_followed_and_the_old_hub_is_told(house: House) -> None:
    house.hub.at("/new-hub")

    async def scene() -> None:
        async with house.open() as service:
            await told(house, service, item(2))
            house.publish(item(2), item(1), links={"hub": "/new-hub", "self": "/a?new"})
            house.clock.at = (await state_of(service)).next_due
            form = await subscribed(house, service, 1)
            assert form["hub.topic"] == house.origin.url("/a?new")
            assert len(house.origin.asked("/new-hub")) == 1
            await tick(service)
            farewell = await house.hub.form(2)
            assert (farewell["hub.mode"], farewell["hub.topic"]) == (
                "unsubscribe",
                house.origin.url("/a"),
            )
            assert len(house.origin.asked("/hub")) == 2
            # The new hub has to prove itself.
            assert pushed_now(service, house.clock.at) is None

    play(scene())


@pytest.mark.conforms("A70", "C11")
def test_a_hub_that_denies_is_left_alone_for_a_day_and_the_feed_is_polled(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            form = await told(house, service, item(2))
            house.publish(item(2), item(1))
            house.clock.at = (await state_of(service)).next_due
            (visit,) = await poll(service)
            assert visit.state.because == "push"
            usual = visit.state.usual_due
            assert usual is not None

            assert (await house.hub.deny(form, "not yours")).status_code == 200
            state = await state_of(service)
            assert (state.because, state.next_due) == ("lapsed", usual)
            assert (await house.hub.deliver(form, rss(item(3)))).status_code == 404
            for _ in range(20):
                house.clock.at += HOUR
                await poll(service)
                await tick(service)
            assert len(house.hub.forms) == 1
            house.clock.at += 4 * HOUR
            await tick(service)
            assert len(house.hub.forms) == 2

    play(scene())


@pytest.mark.conforms("C11", "C21")
def test_a_hub_that_denies_over_and_over_is_written_down_and_told_of_once(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scene() -> None:
        async with house.open() as service:
            form = await subscribed(house, service)
            await asyncio.gather(*(house.hub.deny(form, f"no {n}") for n in range(20)))
            before = house.rows("SELECT * FROM subscription")
            house.clock.at += HOUR
            again = await house.hub.deny(form, "once more")
            assert (again.status_code, again.text) == (200, "")
            assert house.rows("SELECT * FROM subscription") == before

    play(scene())

    assert capsys.readouterr().out.count("push denied") == 1


@pytest.mark.conforms("C07")
def test_of_many_confirmations_at_once_one_is_taken(house: House) -> None:
    """What is judged is what is written over, whoever else writes meanwhile."""

    async def scene() -> None:
        async with house.open() as service:
            await poll(service)
            await tick(service)
            form = await house.hub.form(0)
            found = await asyncio.gather(*(house.hub.ask(form) for _ in range(9)))
            assert sorted(one.status_code for one in found) == [200] + [404] * 8
            assert [one.standing for one in held(service)] == [Standing.LIVE]

    play(scene())


@pytest.mark.conforms("A70", "C09")
def test_when_a_lease_lapses_the_feed_is_asked_at_its_usual_pace_again(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            await told(house, service, item(2))
            house.publish(item(2), item(1))
            house.hub.at("/hub", answer(500, b"down"))
            (live,) = held(service)
            assert live.expires is not None
            while (due := (await state_of(service)).next_due) < live.expires:
                house.clock.at = due
                await poll(service)
                await tick(service)
            assert (await state_of(service)).because == "push"
            house.clock.at = live.expires
            await tick(service)
            state = await state_of(service)
            assert state.because == "lapsed"
            assert state.next_due - house.clock.at <= HOUR
            assert len(house.hub.forms) > 3  # it did try

    play(scene())


@pytest.mark.conforms("A70", "C22")
def test_a_hub_that_tells_nothing_is_found_out_and_the_feed_is_polled(house: House) -> None:
    async def scene() -> None:
        async with house.open() as service:
            form = await told(house, service, item(2))
            house.publish(item(2), item(1))
            house.clock.at = (await state_of(service)).next_due
            assert (await poll(service))[0].state.because == "push"
            house.publish(item(4), item(3), item(2), item(1))
            house.clock.at = (await state_of(service)).next_due
            (visit,) = await poll(service)
            assert (visit.new, visit.missed) == (2, 2)
            assert visit.state.because != "push"
            assert "did not tell of 2" in str(visit.remark)
            await tick(service)

            for number, tells in ((5, False), (6, True)):  # two in a row are wanted now
                await house.hub.deliver(form, rss(item(number)))
                await read(service)
                found = pushed_now(service, house.clock.at)
                assert (found is not None) is tells

    play(scene())


@pytest.mark.conforms("C18")
def test_a_feed_that_left_the_configuration_is_unsubscribed(house: House) -> None:
    async def first() -> None:
        async with house.open() as service:
            await told(house, service, item(2))

    async def second() -> None:
        house.feeds = ("b",)
        house.publish(item(5), path="/b", links={})
        async with house.open() as service:
            await tick(service)
            farewell = await house.hub.form(1)
            assert farewell["hub.mode"] == "unsubscribe"
            assert (await house.hub.deliver(farewell, b"<rss/>")).status_code == 403
            assert (await house.hub.ask(farewell)).status_code == 200
            assert held(service) == []

    play(first())
    play(second())

    assert house.items == ["Ferry 1 leaves", "Ferry 2 leaves"]
    assert house.rows("SELECT count(*) FROM subscription") == [(0,)]


@pytest.mark.conforms("C18")
def test_two_that_look_at_a_feed_at_once_ask_and_leave_its_hub_once(house: House) -> None:
    """And whether it is configured is what the store says: others may know of an edit before us."""

    async def scene() -> None:
        async with house.open() as service:
            look, keeper = service.push.subscriber.look, service.keeper
            await poll(service)
            await asyncio.gather(look("a"), look("a"))
            form = await house.hub.form(0)
            assert (await house.hub.ask(form)).status_code == 200
            await keeper.run(keeper.store.feeds.configure, [], now=house.clock.at)
            await asyncio.gather(look("a"), look("a"))
            assert [form["hub.mode"] for form in house.hub.forms] == ["subscribe", "unsubscribe"]
            await look("a")
            assert len(house.hub.forms) == 2
            assert [one.standing for one in held(service)] == [Standing.LEAVING]

    play(scene())


@pytest.mark.parametrize(
    ("base", "push", "asked"),
    [
        ("http://localhost:8080", "", 0),
        ("https://news.example.org", "", 1),
        ("https://news.example.org", "push: {subscribe: off}", 0),
        ("http://localhost:8080", "push: {subscribe: on}", 1),
    ],
)
def test_no_hub_is_asked_that_could_not_reach_us_unless_ops_say_so(
    origin: Origin, tmp_path: Path, base: str, push: str, asked: int
) -> None:
    house = House(tmp_path, origin, base=base, push=push)
    house.hub.at("/hub")
    house.publish(item(1))

    async def scene() -> None:
        async with house.open() as service:
            await poll(service)
            await tick(service)

    play(scene())

    assert len(origin.asked("/hub")) == asked
    assert [form for form in house.hub.forms if "hub.secret" in form] == []  # it is plain http


@pytest.mark.conforms("C04")
def test_a_hub_is_not_asked_in_the_open_because_it_failed_under_https_once(house: House) -> None:
    """Asking it there is refused before anything is sent, which is no sign of a missing port."""
    house.publish(item(1), links={"hub": "http://10.0.0.1/hub", "self": "/a"})

    async def scene() -> None:
        async with house.open() as service:
            await poll(service)
            await tick(service)
            assert [one.hub for one in held(service)] == ["https://10.0.0.1/hub"]

    play(scene())


def test_a_hub_that_fails_is_tried_later_and_later_and_another_one_at_once(house: House) -> None:
    down: Reply = answer(500, b"down")
    house.hub.at("/down", down)
    house.hub.at("/hub", down, down, answer(202))
    house.publish(item(1), links={})
    link = f"</down>; rel=hub, </hub>; rel=hub, <{house.origin.url('/a')}>; rel=self"
    house.origin.script("/a", answer(200, rss(item(1)), {"Link": link}))

    async def scene() -> None:
        async with house.open() as service:
            await poll(service)
            for wait in (timedelta(), 10 * HOUR, DAY):
                house.clock.at += wait
                await tick(service)
            assert [one.standing for one in held(service)] == [Standing.ASKED]
            assert (await house.hub.ask(house.hub.forms[-1])).status_code == 200

    play(scene())

    asked = [seen.target for seen in house.origin.log if seen.method == "POST"]
    assert asked == ["/down", "/hub"] * 3
    tokens = {form["hub.callback"] for form in house.hub.forms}
    assert len(tokens) == 6


@pytest.mark.conforms("C12")
def test_a_push_reaches_subscribers_of_ours_at_once_while_the_service_runs(house: House) -> None:
    """Nothing is driven by hand here: ticks, desk and web server run as they always do."""

    async def scene() -> None:
        stop = asyncio.Event()
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        lines = [f"{{id: a, url: '{house.origin.url('/a')}'}}"]
        settings = settings_for(house.folder, lines, service=SERVICE + PUSH)
        async with opened(settings, store_in(house.folder)) as service, httpx.AsyncClient() as web:
            run = asyncio.create_task(
                service.run(stop, host="127.0.0.1", port=0, ready=address.set_result)
            )
            house.hub.base = await address
            form = await house.hub.form(0)
            assert (await house.hub.ask(form)).status_code == 200
            assert (await house.hub.deliver(form, rss(item(2)))).status_code == 202
            latest = f"{house.hub.base}/feeds/latest.json"
            while "Ferry 2 leaves" not in (await web.get(latest)).text:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            stop.set()
            await run

    play(scene())

    assert len(house.origin.asked("/a")) == 1


def test_it_stops_while_a_delivery_hangs_and_reads_it_at_the_next_start(house: House) -> None:
    hanging = b"<rss><channel><item><title>" + b"<a " * 400_000

    async def scene() -> int:
        async with house.open() as service:
            form = await subscribed(house, service)
            await house.hub.deliver(form, hanging)
            stop = asyncio.Event()
            sorting = asyncio.create_task(service.push.mailroom.keep_sorting(stop, lambda _: None))
            turns = service.push.mailroom._workers._turns
            while not turns.locked():  # noqa: ASYNC110 - there is one worker
                await asyncio.sleep(0.01)
            stop.set()
            async with asyncio.timeout(5):
                await sorting
            return len(house.rows("SELECT seq FROM delivery"))

    assert play(scene()) == 1


@pytest.mark.conforms("C07")
@pytest.mark.parametrize("status", [202, 500])
def test_a_hub_may_ask_back_before_it_answers_and_whatever_it_answers_then(
    house: House, status: int
) -> None:
    async def asking(line: Line) -> None:
        assert (await house.hub.ask(house.hub.forms[-1])).status_code == 200
        await answer(status)(line)

    house.hub.at("/hub", asking)
    link = f"</hub>; rel=hub, </other>; rel=hub, <{house.origin.url('/a')}>; rel=self"
    house.origin.script("/a", answer(200, rss(item(1)), {"Link": link}))

    async def scene() -> None:
        async with house.open() as service:
            await poll(service)
            await tick(service)
            assert [one.standing for one in held(service)] == [Standing.LIVE]
            await tick(service)
            assert len(house.hub.forms) == 1

    play(scene())

    assert house.origin.asked("/other") == []
