"""Who answers now?"""

from starlette.types import ASGIApp, Receive, Scope, Send


class Front:
    """Passes every question on to ``app``, which may be exchanged between two of them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI request."""
        await self.app(scope, receive, send)
