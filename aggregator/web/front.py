"""Who answers now, and who asked for feeds?"""

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.web.audience import Audience
from aggregator.web.serve import AtSight

_FEEDS = "/feeds/"
_COUNTED = frozenset({200, 304})
_AGENT = re.compile(rb"\r\nuser-agent:[ ]*([^\r]*)", re.IGNORECASE)


class Front:
    """Passes every question on to ``app``, which may be exchanged between two of them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.audience = Audience()
        self.answers: dict[int, int] = {}  # by status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = scope["headers"]
                agent = next((value for name, value in fields if name == b"user-agent"), b"")
                self._count(scope["method"], scope["path"], agent, message["status"])
            await send(message)

        await self.app(scope, receive, counted)

    def at_sight(self, head: bytes) -> tuple[bytes, bytes] | None:
        """Answer a plain request as ``app`` does at sight, if it does (`AtSight`)."""
        sight: AtSight | None = getattr(self.app, "at_sight", None)
        answer = sight(head) if sight is not None else None
        if answer is not None:
            method, target, _ = head.split(b" ", 2)
            agent = _AGENT.search(head)
            path = target.partition(b"?")[0].decode("ascii")
            self._count(
                method.decode("ascii"), path, agent[1] if agent else b"", int(answer[0][9:12])
            )
        return answer

    def _count(self, method: str, path: str, agent: bytes, status: int) -> None:
        self.answers[status] = self.answers.get(status, 0) + 1
        # Of what stands there: nobody fills the memory with addresses of their own making.
        if status in _COUNTED and _FEEDS in path and method == "GET":
            self.audience.saw(path[path.index(_FEEDS) + 1 :], agent.decode("latin-1"), status)


def readiness(is_ready: Callable[[], bool]) -> Route:
    """Return what tells whether there is something to serve, be it old."""

    async def readyz(_: Request) -> Response:
        ready = is_ready()
        told = {"status": "ready" if ready else "not ready"}
        headers = {"cache-control": "no-store"}
        return JSONResponse(told, status_code=200 if ready else 503, headers=headers)

    return Route("/readyz", readyz)
