"""A publisher on loopback that does exactly what a script says, down to the bytes.

It runs in a thread of its own, so that anything can ask it: a coroutine, a command, another
process. Tests take it as the fixture ``origin``; every path answers with its script in order, the
last entry for ever, and everything that came in is in ``origin.log``.
"""

import asyncio
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_PHRASES = {200: "OK", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 404: "No"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it came in. ``head`` is raw up to the blank line; ``at`` is monotonic."""

    method: str
    target: str
    head: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    at: float

    def values(self, name: str) -> list[bytes]:
        """Return all values of header ``name``, whatever its case."""
        wanted = name.lower().encode()
        return [value for key, value in self.headers if key.lower() == wanted]

    def value(self, name: str) -> bytes | None:
        """Return the only value of header ``name``, None when it is missing."""
        found = self.values(name)
        assert len(found) <= 1, f"{name} was sent {len(found)} times"
        return found[0] if found else None


@dataclass(slots=True)
class Line:
    """The connection, in the hands of a reply."""

    seen: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hang(self) -> None:
        """Say nothing more until the other side hangs up."""
        await self.reader.read()

    def reset(self) -> None:
        """Break the connection off rudely."""
        self.writer.transport.abort()


Reply = Callable[[Line], Awaitable[None]]


def raw(data: bytes) -> Reply:
    """Reply with these bytes, then close."""

    async def reply(line: Line) -> None:
        await line.send(data)

    return reply


def answer(
    status: int = 200,
    body: bytes = b"",
    headers: Mapping[str, str | bytes] | None = None,
    *,
    length: int | None = None,
) -> Reply:
    """Reply with a well-formed answer; ``length`` overrides the Content-Length that is told."""
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, 'Whatever')}".encode()]
    for name, value in (headers or {}).items():
        lines.append(name.encode() + b": " + (value.encode() if isinstance(value, str) else value))
    if status not in {204, 304}:
        lines.append(b"Content-Length: %d" % (len(body) if length is None else length))
    return raw(b"\r\n".join(lines) + b"\r\n\r\n" + body)


def hang(first: bytes = b"") -> Reply:
    """Reply with ``first`` and then never go on."""

    async def reply(line: Line) -> None:
        await line.send(first)
        await line.hang()

    return reply


def drip(first: bytes, drop: bytes, every: float) -> Reply:
    """Reply with ``first``, then ``drop`` again every so many seconds until hung up on."""

    async def reply(line: Line) -> None:
        await line.send(first)
        while not line.reader.at_eof():
            await line.send(drop)
            await asyncio.sleep(every)

    return reply


def pour(first: bytes, more: bytes) -> Reply:
    """Reply with ``first``, then ``more`` as fast as it is taken, without end."""
    return drip(first, more, 0)


def reset(first: bytes = b"") -> Reply:
    """Reply with ``first`` and break the connection off."""

    async def reply(line: Line) -> None:
        await line.send(first)
        line.reset()

    return reply


@dataclass(slots=True)
class Script:
    """What a path answers, in order; the last one stands for ever."""

    replies: tuple[Reply, ...]
    asked: int = 0

    def next(self) -> Reply:
        reply = self.replies[min(self.asked, len(self.replies) - 1)]
        self.asked += 1
        return reply


@dataclass(slots=True)
class Origin:
    """The publisher. ``host`` is an address of loopback; ``tls`` makes it speak HTTPS.

    ``also`` are more addresses that it answers at, on the same port. ``greeting`` is sent before
    anything is read, as by a server of another protocol.
    """

    host: str = "127.0.0.1"
    also: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    greeting: bytes = b""
    otherwise: Callable[[str], Reply] = lambda _: answer(404, b"no script for this path")
    log: list[Seen] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    open_most: int = 0
    port: int = 0
    _scripts: dict[str, Script] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _lines: set[asyncio.Task[None]] = field(default_factory=set)
    _transports: list[asyncio.WriteTransport] = field(default_factory=list)
    _servers: list[asyncio.Server] = field(default_factory=list)

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """Return the address of ``path`` here, under another host name if given."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def script(self, path: str, *replies: Reply) -> str:
        """Let ``path`` answer with ``replies`` from now on; returns its address."""
        self._scripts[path] = Script(replies)
        return self.url(path)

    def asked(self, path: str) -> list[Seen]:
        """Return the requests for ``path`` so far, the query not counted."""
        return [seen for seen in self.log if seen.target.partition("?")[0] == path]

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        for host in (self.host, *self.also):
            server = await self._loop.create_server(
                self._line, host, self.port, ssl=self.tls, backlog=1024
            )
            self._servers.append(server)
            self.port = server.sockets[0].getsockname()[1]

    def _line(self) -> asyncio.StreamReaderProtocol:
        reader = asyncio.StreamReader(loop=self._loop)
        return _Line(reader, self._talk, loop=self._loop, made=self._transports.append)

    async def _hang_up(self) -> None:
        # A server that is closed drops, unclosed, what it accepted a moment before (asyncio's
        # `Server._attach` asserts): it stops accepting first, and is closed when all is done.
        for server in self._servers:
            for listening in server.sockets:
                self._loop.remove_reader(listening.fileno())
        await asyncio.sleep(0)  # for what was accepted just now
        accepting = asyncio.all_tasks() - self._lines - {asyncio.current_task()}
        if accepting:
            await asyncio.wait(accepting, timeout=1)
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        # And those beneath, which a handshake under way has told nobody of.
        below = getattr(self._loop, "_transports", {}).values()
        for transport in (*self._transports, *below):
            # One that closed after what it had still to send cannot be aborted: its loop is gone.
            if transport.get_protocol() is not None:
                transport.abort()
        for _ in range(10):  # turns in which transports, TLS ones too, let go of their sockets
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        self.connections += 1
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side hung up, or the test is over
        finally:
            self.open_now -= 1
            self._lines.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting)
        seen = _read(await reader.readuntil(b"\r\n\r\n"))
        self.log.append(seen)
        path = seen.target.partition("?")[0]
        script = self._scripts.get(path)
        reply = script.next() if script else self.otherwise(path)
        await reply(Line(seen, reader, writer))
        if not writer.is_closing():
            await writer.drain()


def _read(head: bytes) -> Seen:
    first, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, _ = first.decode("latin-1").split(" ", 2)
    pairs = [line.partition(b": ") for line in rest]
    return Seen(
        method=method,
        target=target,
        head=head,
        headers=tuple((name, value) for name, _, value in pairs),
        at=time.monotonic(),
    )


class _Line(asyncio.StreamReaderProtocol):
    """Tells of every transport, so that none is left open when the rig stops."""

    def __init__(self, *args: Any, made: Callable[[asyncio.WriteTransport], None], **more: Any):
        super().__init__(*args, **more)
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._made(transport)
        super().connection_made(transport)
