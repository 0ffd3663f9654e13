"""How is one request made, over a connection of its own?

No pool: cancelling a task that waits for a shared httpcore pool loses its slots for good (httpcore
issue 1093), and keep-alive to thousands of hosts costs more than it saves. httpx gives requests and
answers their form, h11 puts them into HTTP, but for the commonest of both (`sources/bare.py`);
httpcore's connections between the two are made to be shared, and took half of the time: 0.45 ms of
CPU a request, 0.2 without, 0.75 through a client.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import h11
import httpx

from aggregator.model.feeds import USUAL_TLS, Tls
from aggregator.sources.bare import Fields, asked, not_modified
from aggregator.sources.connect import Network, Wire
from aggregator.sources.troubles import FailedError

_PORTS = {"http": 80, "https": 443}
_LONGEST_HEAD = 100 * 1024  # bytes; the wire's own limit is usually less


class Door(httpx.AsyncBaseTransport):
    """A transport that connects anew for every request. Nothing else of ours makes requests."""

    def __init__(self, context_for: Callable[[Tls], ssl.SSLContext], network: Network) -> None:
        self._context_for = context_for
        self._network = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Connect, send, and return the head of the answer; its body is read from the stream.

        The request's extension ``tls`` says how the certificate is checked, if not as usual;
        ``reached`` is called once there is a connection. The answer's extension ``wire`` is that
        connection, which `httpx.Response.aclose` ends.
        """
        url = request.url
        host = url.raw_host.decode("ascii")
        # First, as it may fail: nobody is called on who is then not asked.
        tls, (sent, http) = self._context(request), _in_http(request)
        wire = await self._network.connect(host, url.port or _PORTS[url.scheme])
        request.extensions.get("reached", _nothing)()
        talk = _Talk(wire, http)
        try:
            if tls is not None:
                await wire.start_tls(tls, host)
            status, headers = await talk.ask(sent)
        except BaseException:
            wire.hang_up()
            raise
        return httpx.Response(status, headers=headers, stream=talk, extensions={"wire": wire})

    def _context(self, request: httpx.Request) -> ssl.SSLContext | None:
        if request.url.scheme != "https":
            return None
        return self._context_for(request.extensions.get("tls", USUAL_TLS))


def _nothing() -> None:
    """Nobody wants to know."""


def _in_http(request: httpx.Request) -> tuple[bytes, Callable[[], h11.Connection]]:
    """Return the bytes of ``request`` and who reads its answer, or raise `h11.LocalProtocolError`.

    That is when its headers would smuggle in another.
    """
    method, target, fields = request.method, request.url.raw_path, request.headers.raw
    body = request.read()
    if not body and (bare := asked(method.encode(), target, fields)) is not None:
        return bare, lambda: _told(method, target, fields, body)[1]
    sent, http = _told(method, target, fields, body)
    return sent, lambda: http


def _told(method: str, target: bytes, fields: Fields, body: bytes) -> tuple[bytes, h11.Connection]:
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
    events: list[h11.Event] = [
        h11.Request(method=method, target=target, headers=fields),
        *([h11.Data(data=body)] if body else []),
        h11.EndOfMessage(),
    ]
    return b"".join(http.send(event) or b"" for event in events), http


class _Talk(httpx.AsyncByteStream):
    """One request and its answer; as a stream, the answer's body."""

    def __init__(self, wire: Wire, reader: Callable[[], h11.Connection]) -> None:
        self._wire = wire
        self._reader = reader
        self._http: h11.Connection | None = None  # nobody reads on after a 304

    async def ask(self, sent: bytes) -> tuple[int, Fields]:
        """Send ``sent``, return status and head of the answer; early hints are passed over."""
        # A server may answer and close before it has read the request.
        with suppress(OSError):
            await self._wire.write(sent)
        first = await self._wire.read()
        if (head := not_modified(first)) is not None:
            return 304, head
        http = self._http = self._reader()
        self._take(http, first)
        while True:
            event = await self._event(http)
            if isinstance(event, h11.Response):
                return event.status_code, event.headers.raw_items()
            await asyncio.sleep(0)  # hints may come by the thousand, and others want their turn

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._http and isinstance(event := await self._event(self._http), h11.Data):
            yield bytes(event.data)

    async def aclose(self) -> None:
        self._wire.hang_up()

    async def _event(self, http: h11.Connection) -> object:
        while (event := http.next_event()) is h11.NEED_DATA:
            self._take(http, await self._wire.read())
        return event

    def _take(self, http: h11.Connection, data: bytes) -> None:
        if not data and http.their_state is h11.SEND_RESPONSE:
            raise FailedError("connection closed without an answer")
        http.receive_data(data)
