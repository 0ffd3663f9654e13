"""Which addresses does a host name have?

The system's own lookup blocks, for as long as name servers let it, and cannot be stopped. It runs
in daemon threads, which neither starve others nor delay an exit; a name holds one of them at most,
however many wait for it and give up.
"""

import asyncio
import socket
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from aggregator.sources.troubles import FailedError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

LOOKUPS = 32  # at a time, each of another name
UNKNOWN_FOR = 30.0  # seconds that a name which has no address is not asked about again
MOST_UNKNOWN = 1_000  # names remembered as such

_Found = Sequence[str] | Exception


class Lookup:
    """Resolves host names. ``ask`` is what blocks; the system's lookup unless a test brings one."""

    def __init__(self, ask: Callable[[str, int], Sequence[str]] | None = None) -> None:
        self._ask = ask or _ask_system
        self._slots = asyncio.Semaphore(LOOKUPS)
        self._running: dict[str, asyncio.Future[_Found]] = {}
        self._unknown: OrderedDict[str, tuple[float, Exception]] = OrderedDict()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of ``host``; `OSError` or `UnicodeError` when there are none."""
        if _is_plain(host):
            return [host]
        try:
            # Numeric in any spelling (127.1, 0x7f000001) takes no name server and no thread.
            return _getaddrinfo(host, port, socket.AI_NUMERICHOST)
        except socket.gaierror:
            pass
        found = self._refused_lately(host) or await self._shared(host, port)
        if isinstance(found, Exception):
            raise found.with_traceback(None)  # it may be told again
        return found

    def _refused_lately(self, host: str) -> Exception | None:
        until, error = self._unknown.get(host, (0.0, None))
        return error if until > asyncio.get_running_loop().time() else None

    async def _shared(self, host: str, port: int) -> _Found:
        """Wait for the lookup of ``host``, begun by us or by somebody before us."""
        if host not in self._running:
            await self._slots.acquire()
            if host in self._running:  # begun by somebody else who waited
                self._slots.release()
            else:
                self._begin(host, port)
        # Whoever waits may be cancelled; the lookup goes on, for others and until it ends.
        return await asyncio.shield(self._running[host])

    def _begin(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[_Found] = loop.create_future()
        thread = threading.Thread(
            target=self._work, args=(loop, found, host, port), name="lookup", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            self._slots.release()
            raise FailedError("no thread left to look up the host name") from error
        self._running[host] = found

    def _work(
        self, loop: asyncio.AbstractEventLoop, found: "asyncio.Future[_Found]", host: str, port: int
    ) -> None:
        result: _Found
        try:
            result = self._ask(host, port)
        except (OSError, UnicodeError) as error:
            result = error
        try:
            loop.call_soon_threadsafe(self._settle, found, host, result)
        except RuntimeError:
            return  # the loop was closed meanwhile: nobody waits any more

    def _settle(self, found: "asyncio.Future[_Found]", host: str, result: _Found) -> None:
        self._slots.release()  # only now: a thread cannot be stopped, whoever gave up on it
        del self._running[host]
        if isinstance(result, Exception):
            self._unknown[host] = (asyncio.get_running_loop().time() + UNKNOWN_FOR, result)
            if len(self._unknown) > MOST_UNKNOWN:
                self._unknown.popitem(last=False)
        found.set_result(result)


def _is_plain(host: str) -> bool:
    """Tell whether ``host`` is an IPv4 address in its usual spelling."""
    try:
        socket.inet_pton(socket.AF_INET, host)
    except (OSError, ValueError):
        return False
    return True


def _ask_system(host: str, port: int) -> list[str]:
    return _getaddrinfo(host, port, 0)


def _getaddrinfo(host: str, port: int, flags: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
