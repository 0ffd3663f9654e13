"""Who answers now, and who asked for feeds?"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.web.audience import Audience

_FEEDS = "/feeds/"
_COUNTED = frozenset({200, 304})


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
                self._count(scope, message["status"])
            await send(message)

        await self.app(scope, receive, counted)

    def _count(self, scope: Scope, status: int) -> None:
        self.answers[status] = self.answers.get(status, 0) + 1
        path: str = scope["path"]
        # Of what stands there: nobody fills the memory with addresses of their own making.
        if status in _COUNTED and _FEEDS in path and scope["method"] == "GET":
            agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
            self.audience.saw(path[path.index(_FEEDS) + 1 :], agent.decode("latin-1"), status)


def readiness(is_ready: Callable[[], bool]) -> Route:
    """Return what tells whether there is something to serve, be it old."""

    async def readyz(_: Request) -> Response:
        ready = is_ready()
        told = {"status": "ready" if ready else "not ready"}
        headers = {"cache-control": "no-store"}
        return JSONResponse(told, status_code=200 if ready else 503, headers=headers)

    return Route("/readyz", readyz)
