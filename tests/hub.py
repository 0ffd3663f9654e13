"""A hub on loopback that does exactly what a test says, as websub.rocks does for subscribers.

It takes forms at a scripted publisher (`tests.origin`), and calls back where the form says, with
the address of the installation as the world sees it replaced by where it really listens.
"""

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx

from tests.origin import Line, Origin, Reply, answer

SECONDS = 10.0  # for a form to come in; `tests.service.stage.play` bounds the whole


@dataclass(slots=True)
class Hub:
    """A hub. ``world`` is the address in callbacks, ``base`` where it leads to."""

    origin: Origin
    world: str = "https://news.example"
    base: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)

    def at(self, path: str, *replies: Reply) -> str:
        """Take forms at ``path``, replied to in order, the last for ever (202 without any)."""
        return self.origin.script(
            path, *(self._taking(reply) for reply in replies or (answer(202),))
        )

    def _taking(self, reply: Reply) -> Reply:
        async def replying(line: Line) -> None:
            length = int(line.seen.value("Content-Length") or b"0")
            body = await line.reader.readexactly(length)
            self.forms.append(dict(parse_qsl(body.decode(), strict_parsing=True)))
            await reply(line)

        return replying

    async def form(self, number: int) -> dict[str, str]:
        """Wait for the form of this number, from 0."""
        async with asyncio.timeout(SECONDS):
            while len(self.forms) <= number:  # noqa: ASYNC110 - it comes in another thread
                await asyncio.sleep(0.01)
        return self.forms[number]

    async def ask(self, form: Mapping[str, str], **changes: str | None) -> httpx.Response:
        """Ask the subscriber whether it meant ``form``; ``changes`` are to the query."""
        query: dict[str, str | None] = {
            "mode": form["hub.mode"],
            "topic": form["hub.topic"],
            "challenge": "4f8c-<b>challenge</b>&",
        }
        if form["hub.mode"] == "subscribe":
            query["lease_seconds"] = form["hub.lease_seconds"]
        told = {f"hub.{k}": v for k, v in (query | changes).items() if v is not None}
        return await self.call("GET", form["hub.callback"], params=told)

    async def deny(self, form: Mapping[str, str], reason: str) -> httpx.Response:
        return await self.ask(form, mode="denied", reason=reason, challenge=None)

    async def deliver(
        self,
        form: Mapping[str, str],
        body: bytes,
        *,
        signature: str | None = "",
        **headers: str,
    ) -> httpx.Response:
        """Bring ``body``; ``signature`` is the right one unless given, none at all when None."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if signature == "" and "hub.secret" in form:
            signature = sign(form["hub.secret"], body)
        if signature:
            sent["X-Hub-Signature"] = signature
        sent.setdefault("Content-Type", "application/rss+xml")
        return await self.call("POST", form["hub.callback"], content=body, headers=sent)

    async def call(self, method: str, callback: str, **more: object) -> httpx.Response:
        assert callback.startswith(f"{self.world}/"), callback
        async with httpx.AsyncClient() as client:
            url = self.base + callback.removeprefix(self.world)
            return await client.request(method, url, **more)  # type: ignore[arg-type]


def sign(secret: str, body: bytes, name: str = "sha256") -> str:
    return f"{name}={hmac.new(secret.encode(), body, name).hexdigest()}"
