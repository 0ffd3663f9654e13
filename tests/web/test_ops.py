"""Who is let in to see how the service does, and who may press its buttons."""

import asyncio
import base64

import httpx
import pytest

from aggregator.web.audience import PROGRAMS, Audience, program, told
from aggregator.web.ops import Doorkeeper, application, routes

TOKEN = "correct-horse-battery"
ADDRESS = "http://127.0.0.1:8081"


class Board:
    """Shows its name, and remembers what it was asked to do."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    async def page(self, root: str) -> bytes:
        return f"status below {root}".encode()

    async def metrics(self) -> tuple[bytes, str]:
        return b"up 1\n", "text/plain; version=0.0.4"

    async def alerts(self) -> bytes:
        return b"<feed/>"

    async def act(self, action: str, feed: str) -> bool:
        self.done.append((action, feed))
        return feed == "a"


def ask(
    path: str = "/status",
    *,
    method: str = "GET",
    token: str | None = None,
    base: str = ADDRESS,
    board: Board | None = None,
    feed: str = "a",
    **headers: str,
) -> httpx.Response:
    async def go() -> httpx.Response:
        app = application(routes(board or Board(), Doorkeeper(token=token), root="/"))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            data = {"feed": feed} if method == "POST" else None
            return await client.request(method, path, headers=fields, data=data)

    return asyncio.run(go())


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"ops:{password}".encode()).decode()


@pytest.mark.parametrize("path", ["/status", "/metrics", "/feeds/ops.atom"])
def test_with_a_token_nothing_is_shown_to_who_does_not_have_it(path: str) -> None:
    for shown in ("", "Bearer", "Bearer wrong", basic("wrong"), "Basic ???", f"Digest {TOKEN}"):
        answer = ask(path, token=TOKEN, authorization=shown)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert "no-store" in answer.headers["cache-control"]
    for shown in (f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(TOKEN)):
        assert ask(path, token=TOKEN, authorization=shown).status_code == 200


@pytest.mark.parametrize("path", ["/status", "/metrics", "/feeds/ops.atom"])
def test_without_one_this_machine_is_let_in_by_its_own_name_only(path: str) -> None:
    """A page in a browser here may have a name of another's lead to this address."""
    for base in (ADDRESS, "http://localhost:8081", "http://[::1]:8081"):
        assert ask(path, base=base).status_code == 200
    for base in ("http://evil.example:8081", "http://localhost.evil.example"):
        assert ask(path, base=base).status_code == 403


@pytest.mark.parametrize(
    ("headers", "let"),
    [
        ({}, True),  # a program
        ({"origin": ADDRESS, "sec_fetch_site": "same-origin"}, True),
        ({"origin": ADDRESS}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ADDRESS, "sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
    ],
)
def test_no_other_site_presses_our_buttons(headers: dict[str, str], let: bool) -> None:
    board = Board()
    answer = ask("/status/pause", method="POST", board=board, **headers)
    assert answer.status_code == (303 if let else 403)
    assert board.done == ([("pause", "a")] if let else [])


def test_a_button_is_pressed_by_post_alone_and_for_what_there_is() -> None:
    assert ask("/status/pause").status_code == 405
    assert ask("/status/erase", method="POST").status_code == 404
    assert ask("/status/pause", method="POST", feed="nobody").status_code == 404
    assert ask("/status/pause", method="POST", feed="x" * 9000).status_code == 404


def test_the_page_may_load_what_is_ours_and_nothing_else() -> None:
    policy = ask().headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert ask("/status.js").headers["content-type"].startswith("text/javascript")
    assert b"@media" in ask("/style.css").content


@pytest.mark.parametrize(
    ("agent", "name", "subscribers"),
    [
        ("Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers; )", "Feedly", 16),
        ("Mozilla/5.0 (compatible; Miniflux/2.0; +https://miniflux.app)", "Miniflux", 0),
        ("NewsBlur Feed Fetcher - 1,204 subscribers", "NewsBlur", 1204),
        ("Inoreader/1.0 (+http://www.inoreader.com; 1 subscribers; )", "Inoreader", 1),
        ("", "unnamed", 0),
        ("\x00\xff", "unnamed", 0),
        ("x" * 9000 + " 5 subscribers", "x" * 40, 0),
    ],
)
def test_programs_are_told_by_what_they_say_of_themselves(
    agent: str, name: str, subscribers: int
) -> None:
    assert (program(agent), told(agent)) == (name, subscribers)


@pytest.mark.conforms("E53")
def test_names_without_end_fill_no_memory() -> None:
    audience = Audience()
    for number in range(1000):
        audience.saw("feeds/latest.atom", f"bot{number}/1.0", 304 if number % 2 else 200)
    ((_, readers),) = audience.feeds()
    assert len(readers) == PROGRAMS + 1
    assert sum(one.asked for one in readers.values()) == 1000
    assert sum(one.unchanged for one in readers.values()) == 500
