"""What is answered at sight is what would be answered anyway, only sooner."""

import asyncio
import gc
import re

import httpx
import pytest

from aggregator.web import serve as listening
from aggregator.web import sight
from aggregator.web.app import Counter, build
from aggregator.web.front import Front
from aggregator.web.served import MemoryShelf, Served
from aggregator.web.sight import Asked, taken_apart
from tests.web.test_app import ETAG, SITE, STAMP, rendered, shelf, story, well
from tests.web.test_serve import connect, served

GET = b"GET /feeds/latest.atom HTTP/1.1\r\nHost: wire.example\r\n"


def counter(standing: MemoryShelf) -> Counter:
    return build(standing, health=well, site=SITE, max_age=300, story=story)


def said(answer: bytes) -> tuple[str, dict[str, str], bytes]:
    """Take an answer apart: status line, fields but the date, body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    pairs = [one.split(": ", 1) for one in lines]
    fields = {name.lower(): value for name, value in pairs}
    assert len(fields) == len(pairs)
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", fields.pop("date"))
    return line, fields, body


async def told(address: str, *pieces: bytes) -> bytes:
    """Send ``pieces`` over one connection that ends with them, and return all that comes back."""
    reader, writer = await connect(address)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)  # so that they come in one by one
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


@pytest.mark.conforms("B50", "B51", "B65")
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"Accept-Encoding: gzip, br\r\n",
        b"Accept-Encoding: gzip\r\nAccept-Encoding: zstd;q=0.5\r\n",
        b"If-None-Match: " + ETAG.encode() + b"\r\n",
        b'if-none-match: "x", W/' + ETAG.encode() + b"\r\n",
        b'If-None-Match: "x"\r\nIf-Modified-Since: ' + STAMP.encode() + b"\r\n",
        b"If-Modified-Since:   " + STAMP.encode() + b"  \r\n",
        b"Range: bytes=0-5\r\n",
        b"Cookie: a=1\r\nConnection: keep-alive\r\nX: \xe9\r\n",
    ],
)
@pytest.mark.parametrize("path", [b"/feeds/latest.atom", b"/news/feeds/latest.atom?x=1", b"/"])
def test_an_answer_at_sight_is_the_ordinary_one(method: bytes, fields: bytes, path: bytes) -> None:
    head = method + b" " + path + b" HTTP/1.1\r\nHost: wire.example\r\n" + fields + b"\r\n"
    app = counter(shelf())

    async def ordinary(scope: object, receive: object, send: object) -> None:
        await app(scope, receive, send)  # type: ignore[arg-type]

    async def story_() -> None:
        async with served(app) as quick, served(ordinary) as plain:
            usual = said(await told(plain, head))
            assert said(await told(quick, head)) == usual
            assert said(await told(quick, head)) == usual  # by heart
        assert app.at_sight(head) is not None

    asyncio.run(story_())


@pytest.mark.conforms("D51")
@pytest.mark.parametrize(
    "head",
    [
        b"",
        GET,
        GET + b"\r\n" + GET + b"\r\n",
        GET + b"\r\nmore",
        GET.replace(b"1.1", b"1.0") + b"\r\n",
        GET.replace(b"GET", b"POST") + b"\r\n",
        GET.replace(b"GET ", b"GET http://wire.example") + b"\r\n",
        GET.replace(b"/feeds", b"/%66eeds") + b"\r\n",
        GET.replace(b"/feeds", b"/ feeds") + b"\r\n",
        GET.replace(b"\r\n", b"\n") + b"\n",
        GET.replace(b"Host", b"Hast") + b"\r\n",
        GET + b"Host: twice\r\n\r\n",
        GET + b"Content-Length: 3\r\n\r\n",
        GET + b"transfer-encoding: chunked\r\n\r\n",
        GET + b"Expect: 100-continue\r\n\r\n",
        GET + b"Upgrade: h2c\r\n\r\n",
        GET + b"Connection: close\r\n\r\n",
        GET + b"Connection: keep-alive, upgrade\r\n\r\n",
        GET + b"X : space\r\n\r\n",
        GET + b"X: a\r\n folded\r\n\r\n",
        GET + b"X: \x00\r\n\r\n",
        GET + b"X: a\rb\r\n\r\n",
        GET + b"X: " + b"a" * sight.MAX_HEAD + b"\r\n\r\n",
    ],
)
def test_what_is_out_of_the_ordinary_takes_the_ordinary_way(head: bytes) -> None:
    assert taken_apart(head) is None


def test_a_plain_head_is_taken_apart() -> None:
    assert taken_apart(GET + b"X-Y:  a \r\n\r\n") == Asked(
        method="GET",
        path="/feeds/latest.atom",
        headers=[(b"host", b"wire.example"), (b"x-y", b"a")],
    )


def test_only_what_stands_on_the_shelf_is_answered_at_sight() -> None:
    app = counter(shelf())
    for path in (b"/healthz", b"/feeds/never.atom", b"/stories/kept", b"/../index.html"):
        assert app.at_sight(GET.replace(b"/feeds/latest.atom", path) + b"\r\n") is None
    everything_refused = b"Accept-Encoding: identity;q=0, *;q=0\r\n\r\n"
    assert app.at_sight(GET + everything_refused) is None


def test_what_is_learned_by_heart_is_forgotten_when_something_else_stands_there() -> None:
    standing = shelf()
    app = counter(standing)
    conditional = GET + b"If-None-Match: " + ETAG.encode() + b"\r\n\r\n"
    for _ in range(2):
        head, body = app.at_sight(conditional) or (b"", b"?")
        assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 304 Not Modified", b"")
    standing.put("feeds/latest.atom", Served.of(rendered(body=b"<feed/>")))
    head, body = app.at_sight(conditional) or (b"", b"")
    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"<feed/>")
    standing.drop("feeds/latest.atom")
    assert app.at_sight(conditional) is None


def test_only_so_many_heads_are_learned_by_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "MOST", 3)
    app = counter(shelf())
    for number in range(10):
        assert app.at_sight(GET + b"X: %d\r\n\r\n" % number) is not None
    assert len(app.at_sight._known) <= 3


def test_answers_come_in_the_order_of_the_questions() -> None:
    other = GET.replace(b"/feeds/latest.atom", b"/healthz")
    top = GET.replace(b"/feeds/latest.atom", b"/feeds.opml")

    async def story_() -> None:
        async with served(counter(shelf())) as address:
            for pieces in (
                [other + b"\r\n" + top + b"\r\n", GET + b"\r\n"],
                [other + b"\r\n" + top, b"\r\n", GET + b"\r\n"],
                [other[:9], other[9:] + b"\r\n", top + b"\r\n", GET + b"\r\n"],
                [other + b"\r\n", top[:9], top[9:] + b"\r\n" + GET + b"\r\n"],
            ):
                answer = await told(address, *pieces)
                places = [answer.index(word) for word in (b'"status"', b"<opml/>", b"<feed>")]
                assert places == sorted(places)
                assert answer.count(b"HTTP/1.1 200 OK") == 3

    asyncio.run(story_())


def test_what_is_easy_waits_for_what_was_asked_before_it() -> None:
    release, calls = asyncio.Event(), 0

    async def slow(key: str) -> Served | str | None:
        nonlocal calls
        calls += 1
        if calls > 1:
            await release.wait()
        return await story(key)

    page = GET.replace(b"/feeds/latest.atom", b"/stories/kept") + b"\r\n"
    app = build(shelf(), health=well, site=SITE, max_age=300, story=slow)

    async def story_() -> None:
        async with served(app) as address:
            reader, writer = await connect(address)
            writer.write(page + page)
            await reader.readuntil(b"<!doctype html>story" + b" " * 900)
            writer.write(GET + b"\r\n")
            await asyncio.sleep(0.05)
            release.set()
            writer.write_eof()
            rest = await asyncio.wait_for(reader.read(), 20)
            assert 0 < rest.index(b"story") < rest.index(b"<feed>")
            writer.close()

    asyncio.run(story_())


@pytest.mark.conforms("D51")
def test_a_client_that_asks_and_never_reads_is_answered_so_much_and_no_more() -> None:
    standing = shelf()
    size = 1_000_000
    large = Served.of(rendered(body=bytes(range(256)) * (size // 256)))
    standing.put("feeds/latest.atom", large)

    async def story_() -> None:
        async with served(counter(standing)) as address:
            _, writer = await connect(address)
            for _ in range(100):
                writer.write(GET + b"\r\n")
                await asyncio.sleep(0.001)
            written = sum(t.get_write_buffer_size() for t in _transports())
            assert written < 10 * size
            writer.transport.abort()

    asyncio.run(story_())


def _transports() -> list[asyncio.WriteTransport]:
    return [one for one in gc.get_objects() if isinstance(one, asyncio.WriteTransport)]


def test_a_connection_that_was_answered_at_sight_is_closed_when_it_idles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "IDLE_SECONDS", 0.2)

    async def story_() -> None:
        async with served(counter(shelf())) as address:
            reader, writer = await connect(address)
            for _ in range(4):
                writer.write(GET + b"\r\n")
                assert b"</feed>" in await reader.readuntil(b"</feed>")
                await asyncio.sleep(0.1)
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()

    asyncio.run(story_())


@pytest.mark.conforms("B65")
def test_httpx_is_answered_at_sight() -> None:
    app = counter(shelf())

    async def story_() -> None:
        async with served(app) as address, httpx.AsyncClient() as client:
            for _ in range(2):
                assert (await client.get(f"{address}/feeds/latest.atom")).text.endswith("</feed>")
        assert len(app.at_sight._known) == 1

    asyncio.run(story_())


def test_what_is_answered_at_sight_is_counted_like_any_other_answer() -> None:
    front = Front(counter(shelf()))
    head = GET + b"User-Agent: Paper/1.0 (3 subscribers)\r\n\r\n"
    again = GET + b"user-agent: Paper/1.0\r\nIf-None-Match: " + ETAG.encode() + b"\r\n\r\n"
    assert front.at_sight(head) is not None
    assert front.at_sight(again) is not None
    assert front.at_sight(b"GET /nothing HTTP/1.1\r\nHost: wire.example\r\n\r\n") is None
    assert front.answers == {200: 1, 304: 1}
    ((path, readers),) = front.audience.feeds()
    assert path == "feeds/latest.atom"
    assert [(r.asked, r.unchanged, r.subscribers) for r in readers.values()] == [(2, 1, 3)]
