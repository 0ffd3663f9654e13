"""Who answers as late as publishers do? Serves 304 to everybody, after so many seconds.

``python -m bench.slow PORT SECONDS LOG``, at all addresses of this machine. A line of LOG for each
request: when it had come, to which address, for what; that is before it is answered.
"""

import asyncio
import sys
from pathlib import Path
from typing import IO

from aggregator.service import clock

BYTES = b'HTTP/1.1 304 Not Modified\r\nETag: "%s"\r\nConnection: close\r\n\r\n'


class _Visit(asyncio.Protocol):
    def __init__(self, seconds: float, log: IO[str]) -> None:
        self._seconds = seconds
        self._log = log
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        if not self._came.endswith(b"\r\n\r\n"):
            return
        host = self._transport.get_extra_info("sockname")[0]
        self._log.write(
            f"{clock.exact().timestamp():.3f} {host} {self._came.split(b' ')[1].decode()}\n"
        )
        asyncio.get_running_loop().call_later(self._seconds, self._answer)

    def _answer(self) -> None:
        etag = self._came.partition(b'If-None-Match: "')[2].partition(b'"')[0]
        self._transport.write(BYTES % etag)
        self._transport.close()


async def main(port: int, seconds: float, log: Path) -> None:
    """Serve for ever."""
    with log.open("a", buffering=1) as out:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: _Visit(seconds, out), "0.0.0.0", port, backlog=4_096
        )
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])))
