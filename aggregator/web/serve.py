"""How do we listen, and how do we stop?"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from aggregator.model.errors import AggregatorError

HEAD_BYTES = 16_384  # request line and header together
REQUEST_SECONDS = 15  # from the first byte, or from connecting, to the end of a request
IDLE_SECONDS = 20  # between requests on one connection
FLUSH_SECONDS = 60  # for a slow client to take what is left once we hang up
CONNECTIONS = 1_000
BACKLOG = 512
STOP_SECONDS = 3  # for answers under way, once we are told to stop


AtSight = Callable[[bytes], tuple[bytes, bytes] | None]
"""Answers the head of a request if that is easy: status line and fields but the date, and the body.

Called in the event loop with each piece that may be such a head.
"""


class ListenError(AggregatorError):
    """The address cannot be listened on; the text says what to do."""


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    stop: asyncio.Event,
    *,
    ready: Callable[[str], None],
    proxies: Sequence[str] = (),
) -> None:
    """Serve ``app`` until ``stop`` is set, then finish what is under way within `STOP_SECONDS`.

    ``ready`` is called with the address (``http://127.0.0.1:8080``) once connections are taken.
    ``proxies`` are networks whose word is taken for who asks (X-Forwarded-For).
    What ``app.at_sight`` answers, if it has that (`AtSight`), it is not asked about. Port 0 takes a
    free one. Installs no signal handlers. Raises `ListenError` when the address is
    taken, or is not ours.
    """
    listener = _bind(host, port)
    server = _Server(_config(app, proxies), ready=lambda: ready(_address(listener, host)))
    running = asyncio.create_task(server.serve(sockets=[listener]), name="web server")
    stopping = asyncio.create_task(stop.wait(), name="web stop")
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        try:
            await asyncio.shield(running)
        finally:
            listener.close()


class _Server(uvicorn.Server):
    """A guest in somebody else's loop: signals are the host's business."""

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._ready()


class _Patient(H11Protocol):
    """HTTP/1.1 whose patience ends: uvicorn waits without limit for a request to be complete.

    What ``at_sight`` answers never gets as far as h11, which takes 100 µs to read it.
    """

    def __init__(self, *args: Any, at_sight: AtSight | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at_sight = at_sight
        self._deadline: asyncio.TimerHandle | None = None
        self._begun = False  # something was read that is not answered yet
        self._last = 0.0  # when something was answered at sight
        self._stuck: asyncio.TimerHandle | None = None  # ends a client that does not read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request in; all of it has to come before the deadline."""
        if self._answered(data):
            return
        self._begun = True
        super().data_received(data)
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._expect()
        else:
            self._relax()

    def _answered(self, data: bytes) -> bool:
        """Answer what can be answered at sight, if it is its turn and the client reads."""
        if self._at_sight is None or self._begun or self.flow.write_paused:
            return False
        ready = self._at_sight(data)
        if ready is None or self.transport.is_closing():
            return False
        head, body = ready
        ours = b"".join(b"%b: %b\r\n" % field for field in self.server_state.default_headers)
        # Not writelines(), which does not heed how much waits before Python 3.12.9 and 3.13.2.
        self.transport.write(b"".join((head, ours, b"\r\n", body)))
        self.server_state.total_requests += 1
        self._relax()
        self._last = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._keep_alive(IDLE_SECONDS)
        return True

    def pause_writing(self) -> None:
        """Wait for the client to read, but not for ever."""
        super().pause_writing()
        self._stuck = self.loop.call_later(FLUSH_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: it reads."""
        self._unstick()
        super().resume_writing()

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _keep_alive(self, seconds: float) -> None:
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._relax()
        self._unstick()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Go on to the next request, or hang up if there is to be none."""
        super().on_response_complete()
        # The next one may have come in already, or a part of it.
        self._begun = self.conn.their_state is not h11.IDLE or bool(self.conn.trailing_data[0])
        if self.transport.is_closing():
            self._flush()

    def timeout_keep_alive_handler(self) -> None:
        """Hang up, unless something was answered at sight meanwhile: no timer is set for that."""
        rest = self._last + IDLE_SECONDS - self.loop.time()
        if rest > 0:
            self._keep_alive(rest)
            return
        super().timeout_keep_alive_handler()
        self._flush()

    def _flush(self) -> None:
        # A closed transport would wait for ever for a client that does not read.
        self._relax()
        self._deadline = self.loop.call_later(FLUSH_SECONDS, self.transport.abort)

    def _expect(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _config(app: ASGIApp, proxies: Sequence[str]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=partial(_Patient, at_sight=getattr(app, "at_sight", None)),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=HEAD_BYTES,
    )


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise ListenError(f"cannot listen on port {port}: ports go from 0 to 65535")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ListenError(_advice(host, port, error)) from error
    listener.setblocking(False)
    # Accepted sockets inherit it. asyncio sets it only where the protocol is named; without it a
    # body waits until the client has acknowledged the head, up to 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _advice(host: str, port: int, error: OSError) -> str:
    where = f"{host}:{port}" if ":" not in host else f"[{host}]:{port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"cannot listen on {where}: another program does, perhaps this one started twice; "
            "stop it, or choose another port with --listen or in config/service.yaml"
        )
    if error.errno == errno.EACCES:
        return f"cannot listen on {where}: ports below 1024 need a privilege; choose another"
    reason = error.strerror or str(error)
    return f"cannot listen on {where}: {reason}; check the listen address in config/service.yaml"


def _address(listener: socket.socket, host: str) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
