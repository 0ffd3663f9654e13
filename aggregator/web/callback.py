"""What do we say to hubs? (WebSub: the callback of a subscriber.)

Whoever knows a callback's address may call, so nothing of a call is believed here, no answer is a
redirect, and what we send back cannot be taken for a page.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

CALLBACKS = "push"
"""The folder of our address that callbacks are in."""

AT_ONCE, AT_ONCE_EACH = 16, 2  # deliveries being read: of all callbacks, of one

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_TOLD = {
    202: "Thank you.\n",
    403: "The signature is missing or wrong.\n",
    404: "Nobody subscribed here.\n",
    405: "Hubs call here, with GET and POST.\n",
    413: "That is too much.\n",
    429: "Not so fast.\n",
    503: "What you brought before has not been read yet.\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What a hub hands in: ``body`` is raw, ``coding`` its Content-Encoding; headers as sent."""

    body: bytes
    content_type: str = ""
    coding: str = ""
    signatures: tuple[str, ...] = ()


class Mailbox(Protocol):
    """Who knows what was subscribed to."""

    async def confirm(self, token: str, query: Mapping[str, str]) -> str | None:
        """Answer "did you mean it?": the text to send back, None when we did not."""

    def admit(self, token: str) -> int | None:
        """Return the status to refuse a delivery with before it is read, None to read it."""

    async def deliver(self, token: str, parcel: Parcel) -> int:
        """Keep what was brought; return the status to answer with."""


def routes(mailbox: Mailbox, *, prefix: str, most: int) -> list[Route]:
    """Return the routes of the callback, as it is, and below the ``prefix`` of our address.

    Most proxies take the prefix off, some do not. ``most`` is the largest delivery (bytes).
    """
    readings = _Readings(most)

    async def called(request: Request) -> Response:
        token = request.path_params["token"]
        if request.method == "GET":
            return await _confirmed(mailbox, token, request)
        if request.method != "POST":
            return _say(405)
        if (refusal := mailbox.admit(token)) is not None:
            return _say(refusal)
        body = await readings.read(token, request)
        if isinstance(body, int):
            return _say(body)
        parcel = Parcel(
            body=body,
            content_type=request.headers.get("content-type", ""),
            coding=", ".join(request.headers.getlist("content-encoding")),
            signatures=tuple(request.headers.getlist("x-hub-signature")),
        )
        return _say(await mailbox.deliver(token, parcel))

    places = dict.fromkeys(["", prefix])
    methods = ["GET", "POST"]
    return [Route(f"{place}/{CALLBACKS}/{{token}}", called, methods=methods) for place in places]


async def _confirmed(mailbox: Mailbox, token: str, request: Request) -> Response:
    text = await mailbox.confirm(token, request.query_params)
    # WebSub section 5.3.1: the challenge as it came; else 404.
    return _say(404) if text is None else PlainTextResponse(text, headers=_HEADERS)


class _Readings:
    """The deliveries that are being read. ``most`` is the largest (bytes), all together two."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count: Counter[str] = Counter()
        self._held = 0

    async def read(self, token: str, request: Request) -> bytes | int:
        """Return the body of a delivery, or the status to refuse it with."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._most:
            return 413
        if self._count[token] >= AT_ONCE_EACH or self._count.total() >= AT_ONCE:
            return 503
        self._count[token] += 1
        try:
            return await self._collect(request)
        except ClientDisconnect:
            return 413  # nobody hears it
        finally:
            self._count[token] -= 1
            self._count += Counter()  # drops those that are at zero

    async def _collect(self, request: Request) -> bytes | int:
        parts: list[bytes] = []
        size = 0
        try:
            async for part in request.stream():
                size += len(part)
                self._held += len(part)
                if size > self._most:
                    return 413
                if self._held > 2 * self._most:
                    return 503
                parts.append(part)
            return b"".join(parts)
        finally:
            self._held -= size


def _say(status: int) -> Response:
    headers = _HEADERS | ({"retry-after": "60"} if status in {429, 503} else {})
    headers |= {"allow": "GET, POST"} if status == 405 else {}
    return PlainTextResponse(_TOLD.get(status, ""), status_code=status, headers=headers)
