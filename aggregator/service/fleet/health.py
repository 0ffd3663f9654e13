"""Is a process with a role well? What asks is whoever starts processes, and starts them anew.

`/healthz` answers as long as the process does: one that waits for the database is well, and would
not be better after a restart. `/readyz` tells whether the database answered lately, `/metrics` what
the process has done.
"""

import asyncio
from dataclasses import dataclass, field

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aggregator import __version__
from aggregator.service.gauges import Gauges
from aggregator.web.front import readiness
from aggregator.web.serve import ListenError, serve

QUIET = 15.0  # seconds without an answer of the database after which a process is not ready
BETWEEN = 5.0  # seconds between two questions

log = structlog.get_logger()


@dataclass(slots=True)
class Pulse:
    """When the database answered last; None before it did.

    ``gauges`` count what the process does.
    """

    gauges: Gauges = field(default_factory=Gauges)
    _last: float | None = field(default=None)

    def beat(self) -> None:
        """Take note that the database answered."""
        self._last = asyncio.get_running_loop().time()

    def is_felt(self) -> bool:
        """Tell whether the database answered lately."""
        now = asyncio.get_running_loop().time()
        return self._last is not None and now - self._last < QUIET


async def tell(pulse: Pulse, role: str, host: str, port: int, stop: asyncio.Event) -> None:
    """Answer at ``host`` and ``port`` until ``stop``; where that cannot be, the role goes on."""

    async def healthz(_: Request) -> JSONResponse:
        told = {"status": "ok", "version": __version__, "role": role}
        return JSONResponse(told, headers={"cache-control": "no-store"})

    async def metrics(_: Request) -> Response:
        body, kind = pulse.gauges.told(())
        return Response(body, headers={"content-type": kind, "cache-control": "no-store"})

    routes = [Route("/healthz", healthz), readiness(pulse.is_felt), Route("/metrics", metrics)]
    app = Starlette(routes=routes)
    try:
        await serve(app, host, port, stop, ready=lambda url: log.info("tells its health", at=url))
    except ListenError as error:
        log.warning("does not tell its health", reason=str(error))
        await stop.wait()
