import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.web import serve as listening
from aggregator.web.serve import ListenError, serve


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@asynccontextmanager
async def served(
    app: ASGIApp = hello, host: str = "127.0.0.1", proxies: Sequence[str] = ()
) -> AsyncIterator[str]:
    stop = asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        serve(app, host, 0, stop, ready=address.set_result, proxies=proxies)
    )
    try:
        yield await address
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def go() -> None:
        await story()

    asyncio.run(go())


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = httpx.URL(address)
    return await asyncio.open_connection(url.host, url.port)


def test_it_answers_then_stops_and_frees_the_port() -> None:
    async def story() -> None:
        async with served() as address, httpx.AsyncClient() as client:
            answer = await client.get(address)
            assert answer.text == "hello"
            assert "server" not in answer.headers
            assert "date" in answer.headers
        with socket.create_server(("127.0.0.1", httpx.URL(address).port or 0)):
            pass

    run(story)


def test_the_signals_stay_with_the_host() -> None:
    async def story() -> None:
        before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
        async with served():
            assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before

    run(story)


@pytest.mark.parametrize(
    ("proxies", "said", "asks"),
    [
        (["127.0.0.0/8", "10.0.0.0/8"], "192.0.2.7", "192.0.2.7"),
        (["127.0.0.0/8", "10.0.0.0/8"], "203.0.113.9, 192.0.2.7, 10.1.2.3", "192.0.2.7"),
        (["10.0.0.0/8"], "192.0.2.7", "127.0.0.1"),
        ([], "192.0.2.7", "127.0.0.1"),
    ],
)
def test_who_asks_is_told_by_a_proxy_only_if_it_is_ours(
    proxies: list[str], said: str, asks: str
) -> None:
    async def whoever(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["client"][0].encode()})

    async def story() -> None:
        async with served(whoever, proxies=proxies) as address, httpx.AsyncClient() as client:
            answer = await client.get(address, headers={"X-Forwarded-For": said})
            assert answer.text == asks

    run(story)


def test_a_taken_port_is_named_with_what_to_do() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ListenError, match=f"127.0.0.1:{port}: another program does"):
                await serve(hello, "127.0.0.1", port, asyncio.Event(), ready=print)

    run(story)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70_000)])
def test_an_address_that_is_not_ours_is_an_error_for_people(host: str, port: int) -> None:
    async def story() -> None:
        with pytest.raises(ListenError, match="cannot listen on"):
            await serve(hello, host, port, asyncio.Event(), ready=print)

    run(story)


def test_an_answer_under_way_is_finished_before_stopping() -> None:
    async def story() -> None:
        begun, release = asyncio.Event(), asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            begun.set()
            await release.wait()
            await hello(scope, receive, send)

        async with httpx.AsyncClient() as client:
            async with served(slow) as address:
                asking = asyncio.create_task(client.get(address))
                await begun.wait()
                asyncio.get_running_loop().call_later(0.3, release.set)
            assert (await asking).text == "hello"

    run(story)


def test_clients_that_say_nothing_or_read_nothing_do_not_hold_up_a_stop() -> None:
    async def much(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 50_000_000})

    async def story() -> None:
        async with served(much) as address:
            silent, deaf = await connect(address), await connect(address)
            deaf[1].write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            assert await deaf[0].readexactly(8) == b"HTTP/1.1"
        for _, writer in (silent, deaf):
            writer.transport.abort()

    run(story)


def test_a_client_that_does_not_read_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "FLUSH_SECONDS", 0.05)
    ended = asyncio.Event()

    async def much(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 50_000_000})
        ended.set()

    async def story() -> None:
        async with served(much) as address:
            _, writer = await connect(address)
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            await asyncio.wait_for(ended.wait(), 20)
            writer.transport.abort()

    run(story)


def test_a_cancelled_server_lets_go_of_its_port() -> None:
    async def story() -> None:
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(
            serve(hello, "127.0.0.1", 0, asyncio.Event(), ready=address.set_result)
        )
        port = httpx.URL(await address).port
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with socket.create_server(("127.0.0.1", port or 0)):
            pass

    run(story)


@pytest.mark.conforms("D51")
def test_a_header_without_end_is_refused() -> None:
    async def story() -> None:
        async with served() as address:
            reader, writer = await connect(address)
            writer.write(b"GET / HTTP/1.1\r\nx: " + b"a" * 40_000)
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
            writer.close()

    run(story)


@pytest.mark.conforms("D51")
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nhost: a\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc",
    ],
)
def test_a_request_that_never_ends_is_hung_up_on(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "REQUEST_SECONDS", 0.2)

    async def story() -> None:
        async with served() as address:
            reader, writer = await connect(address)
            writer.write(sent)
            with suppress(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 10)
            writer.close()

    run(story)


def test_one_connection_carries_many_requests_within_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "REQUEST_SECONDS", 0.2)

    async def story() -> None:
        async with served() as address:
            reader, writer = await connect(address)
            for _ in range(4):
                writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                assert b"hello" in await reader.readuntil(b"hello\r\n0\r\n\r\n")
                await asyncio.sleep(0.1)
            writer.close()

    run(story)
