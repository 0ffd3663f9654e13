"""What may ops see and do, and who are they?

They are whoever reaches the address that listens to this machine alone, or shows the token. What
changes something is believed only from our own pages: no other site can press its buttons.
"""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from aggregator.outputs import pages
from aggregator.outputs.pages import status

MOST = 4_096  # bytes of a form
ACTIONS = ("poll", "pause", "resume", "accept")
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "content-security-policy": _POLICY,
}


class Panel(Protocol):
    """What ops see, and what they can do."""

    async def page(self, root: str) -> bytes:
        """Print the status page; links in it begin with ``root``."""

    async def metrics(self) -> tuple[bytes, str]:
        """Return the metrics, and their media type."""

    async def alerts(self) -> bytes:
        """Print the feed of alerts (Atom)."""

    async def act(self, action: str, feed: str) -> bool:
        """Do one of `ACTIONS` about ``feed``; False when there is no such feed."""


class Doorkeeper(Struct, frozen=True, kw_only=True):
    """Knows ops by ``token``; without one, by that they speak to this machine by its own name."""

    token: str | None

    def refuses(self, request: Request) -> Response | None:
        """Return the answer to somebody who is not let in."""
        if self.token is not None:
            if knows(request.headers, self.token):
                return _foreign(request)
            ask = {**_HEADERS, "www-authenticate": 'Basic realm="aggregator", charset="UTF-8"'}
            return PlainTextResponse("For ops, with the token.\n", 401, headers=ask)
        if not is_own_name(request.headers.get("host", "")):  # a page of another's name led here
            text = "For ops, at 127.0.0.1 or localhost.\n"
            return PlainTextResponse(text, 403, headers=_HEADERS)
        return _foreign(request)


def knows(headers: Mapping[str, str], token: str) -> bool:
    """Tell whether a request shows ``token`` (RFC 6750 section 2.1, RFC 7617)."""
    kind, _, shown = headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            shown = base64.b64decode(shown, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    elif kind.lower() != "bearer":
        return False
    return hmac.compare_digest(shown.strip().encode(), token.encode())


def is_own_name(host: str) -> bool:
    """Tell whether a Host header names this machine as it calls itself."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _foreign(request: Request) -> Response | None:
    """Refuse what another site's page sends; browsers name the site, and programs are none."""
    if request.method in {"GET", "HEAD"}:
        return None
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    same = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    if site == "same-origin" or (site is None and (origin is None or same)):
        return None
    return PlainTextResponse("Not from another site.\n", 403, headers=_HEADERS)


def routes(panel: Panel, keeper: Doorkeeper, *, root: str) -> list[Route]:
    """Return what ops may ask for; ``root`` is the path of the site, and ends in a slash."""

    async def page(request: Request) -> Response:
        if refusal := keeper.refuses(request):
            return refusal
        return Response(await panel.page(root), media_type=pages.MEDIA_TYPE, headers=_HEADERS)

    async def metrics(request: Request) -> Response:
        if refusal := keeper.refuses(request):
            return refusal
        body, kind = await panel.metrics()
        return Response(body, headers={**_HEADERS, "content-type": kind})

    async def alerts(request: Request) -> Response:
        if refusal := keeper.refuses(request):
            return refusal
        return Response(await panel.alerts(), media_type="application/atom+xml", headers=_HEADERS)

    async def act(request: Request) -> Response:
        if refusal := keeper.refuses(request):
            return refusal
        feed = await _named(request)
        if feed is None or not await panel.act(request.path_params["action"], feed):
            return PlainTextResponse("There is no such feed.\n", 404, headers=_HEADERS)
        return RedirectResponse(f"{root}status", 303, headers=_HEADERS)

    return [
        Route("/status", page),
        Route("/metrics", metrics),
        Route("/feeds/ops.atom", alerts),
        Route("/status/{action:str}", act, methods=["POST"]),
        *(_furniture(path) for path in (status.SCRIPT_PATH, status.SHEET_PATH)),
    ]


def application(more: Sequence[Route]) -> Starlette:
    """Return what is served at the address for ops alone."""

    async def style(_: Request) -> Response:
        return Response(pages.stylesheet(), media_type="text/css")

    async def icon(_: Request) -> Response:
        return Response(pages.FAVICON, media_type="image/svg+xml")

    async def home(_: Request) -> Response:
        return RedirectResponse("/status", 303)

    own = [
        Route("/", home),
        Route(f"/{pages.STYLE_PATH}", style),
        Route(f"/{pages.FAVICON_PATH}", icon),
    ]
    return Starlette(routes=[*own, *more])


def _furniture(path: str) -> Route:
    kind = "text/javascript" if path.endswith("js") else "text/css"

    async def give(_: Request) -> Response:
        headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
        return Response(status.furniture(path), media_type=kind, headers=headers)

    return Route(f"/{path}", give)


async def _named(request: Request) -> str | None:
    if request.path_params["action"] not in ACTIONS:
        return None
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > MOST:
                return None
    except ClientDisconnect:
        return None
    return parse_qs(body.decode("latin-1")).get("feed", [""])[0]
