"""Who subscribes to our feeds? (WebSub: what a hub answers to requests.)

Anybody may ask, so nothing is believed here but the form; what is sent back is plain text.
"""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aggregator.outputs.hub import HUB

MAX_FORM = 10_000  # bytes; a callback and a topic of 2,000 characters each, percent-encoded
MAX_FIELDS = 50
FORM = "application/x-www-form-urlencoded"

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Reception(Protocol):
    """Who decides about requests."""

    async def hear(self, form: Mapping[str, str], peer: str) -> tuple[int, str]:
        """Take what ``peer`` asks for; return the status and the words to answer with."""


def hub_routes(reception: Reception) -> list[Route]:
    """Return the route of our hub (WebSub section 5.1)."""

    async def asked(request: Request) -> Response:
        if request.method != "POST":
            return _say(405, "a WebSub hub for the feeds of this site; subscribers POST here")
        # A page in somebody's browser is no subscriber; those have no origin.
        if "origin" in request.headers:
            return _say(403, "this is not for browsers")
        if not request.headers.get("content-type", FORM).lower().startswith(FORM):
            return _say(415, f"send {FORM}")
        body = await _body(request)
        if body is None:
            return _say(413, "that is too much")
        form = _form(body)
        if form is None:
            return _say(400, "this is no form in UTF-8")
        peer = request.client.host if request.client else ""
        return _say(*await reception.hear(form, peer))

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return [Route(f"/{HUB}", asked, methods=methods)]


async def _body(request: Request) -> bytes | None:
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MAX_FORM:
                return None
            parts.append(part)
    except ClientDisconnect:
        return None  # nobody hears it
    return b"".join(parts)


def _form(body: bytes) -> dict[str, str] | None:
    """Read a form; of a field that is repeated, the first value."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        return None
    return dict(reversed(pairs))


def _say(status: int, text: str) -> Response:
    headers = dict(_HEADERS)
    if status in {429, 503}:
        headers["retry-after"] = "60"
    if status == 405:
        headers["allow"] = "POST"
    return PlainTextResponse(f"{text}\n", status_code=status, headers=headers)
