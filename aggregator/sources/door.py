"""How is one request made, over a connection of its own?

No pool: cancelling a task that waits for a shared httpcore pool loses its slots for good (httpcore
issue 1093), and keep-alive to thousands of hosts costs more than it saves. httpx gives requests and
answers their form, h11 puts them into HTTP; httpcore's connections between the two are made to be
shared, and took half of the time: 0.45 ms of CPU a request, 0.2 without, 0.75 through a client.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import h11
import httpx

from aggregator.model.feeds import USUAL_TLS, Tls
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
        tls, (http, asked) = self._context(request), _in_http(request)
        wire = await self._network.connect(host, url.port or _PORTS[url.scheme])
        request.extensions.get("reached", _nothing)()
        talk = _Talk(wire, http)
        try:
            if tls is not None:
                await wire.start_tls(tls, host)
            head = await talk.ask(asked)
        except BaseException:
            wire.hang_up()
            raise
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=talk,
            extensions={"wire": wire},
        )

    def _context(self, request: httpx.Request) -> ssl.SSLContext | None:
        if request.url.scheme != "https":
            return None
        return self._context_for(request.extensions.get("tls", USUAL_TLS))


def _nothing() -> None:
    """Nobody wants to know."""


def _in_http(request: httpx.Request) -> tuple[h11.Connection, bytes]:
    """Return the bytes of ``request`` and who reads its answer, or raise `h11.LocalProtocolError`.

    That is when its headers would smuggle in another.
    """
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
    target, headers = request.url.raw_path, request.headers.raw
    events: list[h11.Event] = [
        h11.Request(method=request.method, target=target, headers=headers),
        *([h11.Data(data=body)] if (body := request.read()) else []),
        h11.EndOfMessage(),
    ]
    return http, b"".join(http.send(event) or b"" for event in events)


class _Talk(httpx.AsyncByteStream):
    """One request and its answer; as a stream, the answer's body."""

    def __init__(self, wire: Wire, http: h11.Connection) -> None:
        self._wire = wire
        self._http = http

    async def ask(self, asked: bytes) -> h11.Response:
        """Send ``asked``, return the head of the answer; what early hints say is passed over."""
        # A server may answer and close before it has read the request.
        with suppress(OSError):
            await self._wire.write(asked)
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)

    async def aclose(self) -> None:
        self._wire.hang_up()

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._wire.read()
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise FailedError("connection closed without an answer")
            self._http.receive_data(data)
        return event
