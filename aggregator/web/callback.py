"""What do we say to hubs? (WebSub: the callback of a subscriber.)

Whoever knows a callback's address may call, so nothing of a call is believed here, no answer is a
redirect, and what we send back cannot be taken for a page.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

CALLBACKS = "push"
"""The folder of our address that callbacks are in."""

AT_ONCE, AT_ONCE_EACH = 64, 4  # deliveries in hand: of all callbacks, of one
LARGE_IN_ALL = 3  # times the largest delivery, for all that are not small
_SMALL = 60  # such a part of the largest delivery never waits for large ones: 250 kB

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


class Parcel(Struct, frozen=True, kw_only=True):
    """What a hub hands in: ``body`` is raw, ``coding`` its Content-Encoding; headers as sent."""

    body: bytes
    content_type: str = ""
    coding: str = ""
    signatures: tuple[str, ...] = ()


class Mailbox(Protocol):
    """Who knows what was subscribed to."""

    async def confirm(self, token: str, query: Mapping[str, str]) -> str | None:
        """Answer "did you mean it?": the text to send back, None when we did not."""

    async def admit(self, token: str) -> int | None:
        """Return the status to refuse a delivery with before it is read, None to read it."""

    async def deliver(self, token: str, parcel: Parcel) -> int:
        """Keep what was brought; return the status to answer with."""


def routes(mailbox: Mailbox, *, most: int) -> list[Route]:
    """Return the routes of the callback. ``most`` is the largest delivery (bytes)."""
    hands = _Hands(most)

    async def called(request: Request) -> Response:
        token = request.path_params["token"]
        if request.method == "GET":
            return await _confirmed(mailbox, token, request)
        if request.method != "POST":
            return _say(405)
        if (refusal := await mailbox.admit(token)) is not None:
            return _say(refusal)

        async def deliver(body: bytes) -> int:
            return await mailbox.deliver(token, _parcel(request, body))

        return _say(await hands.take(token, request, deliver))

    return [Route(f"/{CALLBACKS}/{{token}}", called, methods=["GET", "POST"])]


async def _confirmed(mailbox: Mailbox, token: str, request: Request) -> Response:
    text = await mailbox.confirm(token, request.query_params)
    # WebSub section 5.3.1: the challenge as it came; else 404.
    return _say(404) if text is None else PlainTextResponse(text, headers=_HEADERS)


def _parcel(request: Request, body: bytes) -> Parcel:
    return Parcel(
        body=body,
        content_type=request.headers.get("content-type", ""),
        coding=", ".join(request.headers.getlist("content-encoding")),
        signatures=tuple(request.headers.getlist("x-hub-signature")),
    )


@dataclass(slots=True, eq=False)
class _Held:
    """One delivery in hand, ``size`` bytes so far."""

    token: str
    size: int = 0


class _Hands:
    """The deliveries in memory: those that come in, and those that are being looked at and stored.

    Of one callback as many bytes as one delivery may have (``most``), so that none shuts out the
    others; of all together four times that, a fourth of it for small ones.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: list[_Held] = []

    async def take(
        self, token: str, request: Request, deliver: Callable[[bytes], Awaitable[int]]
    ) -> int:
        """Read a delivery and hand it on; return the status to answer with."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._most:
            return 413
        same = sum(one.token == token for one in self._held)
        if same >= AT_ONCE_EACH or len(self._held) >= AT_ONCE:
            return 503
        here = _Held(token)
        self._held.append(here)
        try:
            body = await self._collect(here, request)
            return body if isinstance(body, int) else await deliver(body)
        except ClientDisconnect:
            return 413  # nobody hears it
        finally:
            self._held.remove(here)

    async def _collect(self, here: _Held, request: Request) -> bytes | int:
        parts: list[bytes] = []
        async for part in request.stream():
            here.size += len(part)
            if here.size > self._most:
                return 413
            if not self._has_room(here):
                return 503
            parts.append(part)
        return b"".join(parts)

    def _has_room(self, here: _Held) -> bool:
        if sum(one.size for one in self._held if one.token == here.token) > self._most:
            return False
        small = self._most // _SMALL
        large = sum(one.size for one in self._held if one.size > small)
        return large <= LARGE_IN_ALL * self._most


def _say(status: int) -> Response:
    headers = _HEADERS | ({"retry-after": "60"} if status in {429, 503} else {})
    headers |= {"allow": "GET, POST"} if status == 405 else {}
    return PlainTextResponse(_TOLD.get(status, ""), status_code=status, headers=headers)
