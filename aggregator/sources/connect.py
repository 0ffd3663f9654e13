"""How is a connection made to an address that was checked?

Sockets are asyncio's, without its transports and streams where no TLS is spoken: those take twice
the time of all else that a small answer costs (0.05 ms of CPU, with them 0.10).
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from itertools import chain, zip_longest

from aggregator.model.visits import Refused
from aggregator.sources.guard import Allowed, Reach, verdict
from aggregator.sources.lookup import Resolver
from aggregator.sources.troubles import FailedError, RefusedError

HEAD_START = 0.25  # seconds an address has before the next is tried too, RFC 8305 section 5

MAX_ADDRESSES = 6  # of one host; nobody waits for more

_PIECE = 64 * 1024  # bytes read at once, at most


class Network:
    """Connects to allowed addresses only, within ``connect_seconds`` from lookup to socket."""

    def __init__(
        self, *, reach: Reach, resolve: Resolver, connect_seconds: float, header_bytes: int
    ) -> None:
        self._reach = reach
        self._resolve = resolve
        self._seconds = connect_seconds
        self._header_bytes = header_bytes

    async def connect(self, host: str, port: int) -> "Wire":
        """Connect to ``host``; raises `RefusedError`, `FailedError` or `OSError`."""
        try:
            async with asyncio.timeout(self._seconds):
                addresses = self._checked(await self._resolve(host, port), port)
                return Wire(await _first_to_answer(addresses, port), self._header_bytes)
        except TimeoutError:
            raise FailedError(f"could not connect within {self._seconds:g} s") from None

    def _checked(self, addresses: Sequence[str], port: int) -> list[str]:
        verdicts = [verdict(address, port, self._reach) for address in addresses]
        allowed = [found.address for found in verdicts if isinstance(found, Allowed)]
        if allowed:
            return _by_turns(allowed)[:MAX_ADDRESSES]
        for found in verdicts:
            if isinstance(found, Refused):
                raise RefusedError(found.reason)
        raise FailedError("host name has no address")


class Wire:
    """One connection. It reads ``allowance`` bytes at most, lest an answer's head never end."""

    def __init__(self, sock: socket.socket, allowance: int) -> None:
        self._sock = sock
        self._tls: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._allowance = allowance

    def allow(self, extra: int) -> None:
        """Let ``extra`` more bytes be read, for the body."""
        self._allowance += extra

    async def read(self) -> bytes:
        """Return what came, empty at the end. The time limit is the whole visit's."""
        if self._allowance < 0:
            raise RefusedError("answer is larger than its limits")
        if self._tls is None:
            data = await asyncio.get_running_loop().sock_recv(self._sock, _PIECE)
        else:
            data = await self._tls[0].read(_PIECE)
        self._allowance -= len(data)
        return data

    async def write(self, data: bytes) -> None:
        """Send ``data``; raises `OSError`."""
        if self._tls is None:
            await asyncio.get_running_loop().sock_sendall(self._sock, data)
        else:
            self._tls[1].write(data)
            await self._tls[1].drain()

    async def start_tls(self, context: ssl.SSLContext, hostname: str) -> None:
        """Shake hands, as the first thing on the socket."""
        self._tls = await asyncio.open_connection(
            sock=self._sock, ssl=context, server_hostname=hostname
        )

    def hang_up(self) -> None:
        """Close at once; nothing more is wanted."""
        if self._tls is None:
            self._sock.close()
        else:
            self._tls[1].transport.abort()


async def _first_to_answer(addresses: Sequence[str], port: int) -> socket.socket:
    """Connect to the first that answers, starting them one after another (RFC 8305)."""
    if len(addresses) == 1:
        return await _connect(addresses[0], port)
    waiting = list(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    errors: list[BaseException] = []
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.create_task(_connect(waiting.pop(0), port)))
            done, _ = await asyncio.wait(
                running,
                timeout=HEAD_START if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                running.discard(task)
                error = task.exception()
                if error is None:
                    return task.result()
                errors.append(error)
    finally:
        for task in running:
            task.add_done_callback(_drop)
            task.cancel()
    raise errors[0]


async def _connect(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _drop(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _by_turns(addresses: Sequence[str]) -> list[str]:
    """Alternate the families, the preferred one first, so that a dead one costs one head start."""
    first_is_6 = ":" in addresses[0]
    one = [address for address in addresses if (":" in address) == first_is_6]
    other = [address for address in addresses if (":" in address) != first_is_6]
    pairs = chain.from_iterable(zip_longest(one, other))
    return [address for address in pairs if address is not None]
