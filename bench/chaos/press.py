"""Who is visited? Publishers who print when told to, and write down who asked, when, for what."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from aggregator.service import clock
from tests.origin import Line, Origin, Reply, answer

FEEDS = 24
EACH = 2  # feeds of a host


@dataclass(slots=True, kw_only=True)
class Call:
    """A request: ``newest`` is what the answer listed; None while there is none.

    ``cut`` when whoever asked was gone before the answer.
    """

    feed: int
    peer: str
    at: datetime
    newest: int | None = None
    cut: bool = False


@dataclass(slots=True)
class Press:
    """All publishers: feed ``n`` lists the entries 1 to ``newest[n]`` and answers after ``slow``.

    ``hosts`` are the addresses that they have, `EACH` feeds at one.
    """

    hosts: Sequence[str]
    newest: list[int] = field(default_factory=lambda: [1] * FEEDS)
    slow: float = 0.0
    calls: list[Call] = field(default_factory=list)
    waiting: list[Call] = field(default_factory=list)
    _origin: Origin = field(default_factory=lambda: Origin(host="0.0.0.0"))

    @property
    def port(self) -> int:
        return self._origin.port

    def url(self, feed: int) -> str:
        return self._origin.url(f"/{feed}", host=self.hosts[feed // EACH])

    def print_one_each(self) -> None:
        """Let every feed have one entry more."""
        self.newest = [number + 1 for number in self.newest]

    def listed(self) -> set[str]:
        """Return the guids of everything that is listed now."""
        return {
            guid(feed, number)
            for feed in range(FEEDS)
            for number in range(1, self.newest[feed] + 1)
        }

    @contextmanager
    def open(self) -> Iterator[None]:
        """Answer inside."""
        self._origin.otherwise = self._reply
        self._origin.start()
        try:
            yield
        finally:
            self._origin.stop()

    def _reply(self, path: str) -> Reply:
        async def reply(line: Line) -> None:
            peer = line.writer.get_extra_info("peername")[0]
            call = Call(feed=int(path.removeprefix("/")), peer=peer, at=clock.exact())
            self.calls.append(call)
            self.waiting.append(call)
            try:
                await self._talk(line, call)
            finally:
                self.waiting.remove(call)

        return reply

    async def _talk(self, line: Line, call: Call) -> None:
        try:
            async with asyncio.timeout(self.slow):
                call.cut = await line.reader.read(1) == b""
        except TimeoutError:
            call.newest = self.newest[call.feed]
            etag = f'"{call.newest}"'
            if line.seen.value("If-None-Match") == etag.encode():
                await answer(304, headers={"ETag": etag})(line)
                return
            headers = {"ETag": etag, "Content-Type": "application/rss+xml"}
            await answer(200, document(call.feed, call.newest), headers)(line)
        except OSError:
            call.cut = True


def guid(feed: int, number: int) -> str:
    return f"paper-{feed}-{number}"


def title(feed: int, number: int) -> str:
    """Return a headline like no other, so that nothing is taken for a copy."""
    dice = random.Random(feed * 1_009 + number)
    words = (
        "".join(dice.choices("abcdefghijklmnoprstuvw", k=dice.randint(4, 9))) for _ in "123456"
    )
    return f"Report {number} of town {feed}: {' '.join(words)}"


def document(feed: int, newest: int) -> bytes:
    """Print a feed: RSS, its newest entries first."""
    entries = "".join(
        f'<item><title>{title(feed, number)}</title><guid isPermaLink="false">{guid(feed, number)}'
        f"</guid><link>http://paper-{feed}.example/{number}</link>"
        f"<description>{title(feed, number)[::-1]}</description></item>"
        for number in range(newest, 0, -1)
    )
    channel = f"<channel><title>Paper {feed}</title>{entries}</channel>"
    return f'<rss version="2.0">{channel}</rss>'.encode()
