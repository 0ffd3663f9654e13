import asyncio
from collections.abc import Mapping

import httpx
import pytest
from starlette.applications import Starlette

from aggregator.web.hub import FORM, MAX_FIELDS, MAX_FORM, hub_routes

Heard = list[tuple[dict[str, str], str]]


class Desk:
    """A reception that takes everything, and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: Heard = []

    async def hear(self, form: Mapping[str, str], peer: str) -> tuple[int, str]:
        self.heard.append((dict(form), peer))
        return (429, "not so fast") if "busy" in form else (202, "yes")


def ask(
    body: bytes, method: str = "POST", path: str = "/hub", **headers: str
) -> tuple[httpx.Response, Heard]:
    desk = Desk()

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=hub_routes(desk)), client=("192.0.2.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://hub.example") as client:
            fields = {"content-type": FORM} | {k.replace("_", "-"): v for k, v in headers.items()}
            return await client.request(method, path, content=body, headers=fields)

    return asyncio.run(go()), desk.heard


@pytest.mark.conforms("C28")
def test_a_form_is_read_and_answered_in_plain_text() -> None:
    answer, heard = ask(b"hub.mode=subscribe&hub.topic=http%3A%2F%2Fx%2F%C3%A9&a=1&a=2&empty=")
    assert (answer.status_code, answer.text) == (202, "yes\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    (told,) = heard
    fields = {"hub.mode": "subscribe", "hub.topic": "http://x/é", "a": "1", "empty": ""}
    assert told == (fields, "192.0.2.7")


@pytest.mark.conforms("D45")
def test_a_page_in_somebodys_browser_cannot_subscribe() -> None:
    for origin in ("https://evil.example", "null"):
        answer, heard = ask(b"hub.mode=subscribe", origin=origin)
        assert (answer.status_code, heard) == (403, [])


@pytest.mark.conforms("C28", "D51")
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * (MAX_FORM + 1), FORM, 413),
        (b"&".join(b"a=1" for _ in range(MAX_FIELDS + 1)), FORM, 400),
        (b"a=%ff", FORM, 400),
        (b"\xff", FORM, 400),
        (b"{}", "application/json", 415),
        (b"hub.mode=x", f"{FORM}; charset=UTF-8", 202),
        (b"", FORM, 202),
    ],
)
def test_what_is_no_form_of_a_fair_size_is_not_read(body: bytes, kind: str, status: int) -> None:
    answer, _ = ask(body, content_type=kind)
    assert answer.status_code == status


@pytest.mark.conforms("B66")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_a_hub_is_posted_to(method: str) -> None:
    answer, heard = ask(b"", method)
    assert (answer.status_code, answer.headers["allow"], heard) == (405, "POST", [])


@pytest.mark.conforms("B68")
def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    answer, _ = ask(b"busy=1")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
