"""How do the made-up publishers come to have addresses?

One small HTTP server for each, so that each is an origin of its own, as in life.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Self

import h11
from msgspec.structs import replace

from aggregator.model.feeds import Feed
from aggregator.service.demo.answers import Reply, answer, unchanged
from aggregator.service.demo.newsroom import Newsroom, Publisher
from aggregator.service.demo.pages import FEED_PATHS, Press

LOOPBACK = "127.0.0.1"
PATIENCE = timedelta(seconds=10)  # for a request to be complete

_REFUSAL = Reply(body=b"", status=HTTPStatus.METHOD_NOT_ALLOWED, more=(("Allow", "GET, HEAD"),))
_EVERY = timedelta(minutes=1)  # nobody watches a demo for an hour


class Publishers:
    """The made-up publishers, on free ports of the loopback interface.

    Also a context manager: ``async with Publishers(now) as publishers``. ``now`` is aware UTC;
    everything printed is dated within the ten hours before it.
    """

    def __init__(self, now: datetime) -> None:
        self._newsroom = Newsroom(now)
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.StreamWriter] = set()
        self._homes: dict[str, str] = {}
        self._press = Press(self._homes)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. Raises OSError if the loopback interface gives no port."""
        for publisher in self._newsroom.publishers:
            server = await asyncio.start_server(partial(self._converse, publisher), LOOPBACK, 0)
            self._servers.append(server)
            port = server.sockets[0].getsockname()[1]
            self._homes[publisher.id] = f"http://{LOOPBACK}:{port}"

    async def stop(self) -> None:
        """Close every port and every connection. May be called twice."""
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):
            connection.close()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    def feeds(self) -> tuple[Feed, ...]:
        """List the publishers as ops would in ``feeds.yaml``; empty before ``start()``."""
        return tuple(
            self._feed(publisher)
            for publisher in self._newsroom.publishers
            if publisher.id in self._homes
        )

    def advance(self) -> None:
        """Let the news move on: one story gets a new report, one agency entry is revised.

        Both are dated at the ``now`` that the publishers were made with. A second call changes
        nothing.
        """
        self._newsroom.updated = True

    def _feed(self, publisher: Publisher) -> Feed:
        return Feed(
            id=publisher.id,
            url=self._homes[publisher.id] + FEED_PATHS[publisher.format],
            title=publisher.title,
            topics=publisher.topics,
            owner=publisher.owner,
            weight=publisher.weight,
            every=_EVERY,
            language=publisher.language,
        )

    async def _converse(
        self, publisher: Publisher, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One request, one answer, goodbye."""
        self._connections.add(writer)
        talk = h11.Connection(h11.SERVER)
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                request = await _request(talk, reader)
                writer.write(self._respond(publisher, talk, request))
                await writer.drain()
        except (h11.ProtocolError, ConnectionError, TimeoutError):
            pass  # a visitor who does not speak HTTP, or has left: nothing is owed
        finally:
            self._connections.discard(writer)
            writer.close()

    def _respond(self, publisher: Publisher, talk: h11.Connection, request: h11.Request) -> bytes:
        if request.method not in (b"GET", b"HEAD"):
            return _sent(talk, _REFUSAL)
        path = request.target.decode("latin-1")
        reply = answer(self._newsroom, self._press, publisher, path)
        if unchanged(reply, _headers(request)):
            return _sent(talk, replace(reply, status=HTTPStatus.NOT_MODIFIED), bare=True)
        return _sent(talk, reply, bare=request.method == b"HEAD")


async def _request(talk: h11.Connection, reader: asyncio.StreamReader) -> h11.Request:
    """Read the head of the request. Raises h11.RemoteProtocolError when it is none."""
    while not isinstance(event := talk.next_event(), h11.Request):
        if event is not h11.NEED_DATA:
            raise h11.RemoteProtocolError("closed before a request")
        talk.receive_data(await reader.read(4096))
    return event


def _headers(request: h11.Request) -> Mapping[str, str]:
    return {name.decode("ascii"): value.decode("latin-1") for name, value in request.headers}


def _sent(talk: h11.Connection, reply: Reply, *, bare: bool = False) -> bytes:
    """Spell out a whole answer; only its head when ``bare``, as for HEAD and 304."""
    events: list[h11.Event] = [
        h11.Response(
            status_code=reply.status,
            reason=reply.status.phrase,
            headers=[*reply.headers(), ("Connection", "close")],
        ),
        *([] if bare else [h11.Data(data=reply.body)]),
        h11.EndOfMessage(),
    ]
    return b"".join(talk.send(event) or b"" for event in events)
