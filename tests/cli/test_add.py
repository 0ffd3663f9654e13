"""``aggregator add``: from the address of a page to an entry in feeds.yaml."""

import json
import os
import pty
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import main
from aggregator.settings import load
from tests.origin import Origin, Reply, answer

PEM = Path(__file__).parents[1] / "sources" / "loopback.pem"
SERVICE = """
reach: {allow_private: 127.0.0.0/8}
politeness: {spacing: 0s, start_rate: 1000}
limits: {workers: 1}
"""
LIST = "# mine\nfeeds:\n  - 'https://a.example'   # first\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a feeds.yaml, and settings that let loopback be asked."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "service.yaml").write_text(SERVICE, encoding="utf-8")
    (tmp_path / "feeds.yaml").write_text(LIST, encoding="utf-8")
    return tmp_path


def options(place: Path) -> list[str]:
    return ["--feeds", str(place / "feeds.yaml"), "--config", str(place / "config"), "add"]


def add(place: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*options(place), *arguments])


def written(place: Path) -> str:
    return (place / "feeds.yaml").read_text(encoding="utf-8")


def rss(title: str = "Gazette", count: int = 5, *, day: int = 1) -> Reply:
    """Answer with a feed of ``count`` entries, six hours apart, the oldest first."""
    items = "".join(
        f"<item><guid>{n}</guid><title>Report {n} [b]</title>"
        f"<pubDate>{day + n // 4:02} Jun 2024 {n % 4 * 6:02}:00:00 GMT</pubDate></item>"
        for n in range(count)
    )
    body = f'<rss version="2.0"><channel><title>{title}</title>{items}</channel></rss>'
    return answer(body=body.encode(), headers={"Content-Type": "application/rss+xml"})


def page(*elements: str) -> Reply:
    body = f"<!doctype html><html><head>{''.join(elements)}</head><body></body></html>"
    return answer(body=body.encode(), headers={"Content-Type": "text/html; charset=utf-8"})


def link(href: str, title: str = "") -> str:
    return f'<link rel="alternate" type="application/rss+xml" title="{title}" href="{href}">'


def test_the_main_feed_of_a_page_is_shown_and_added(place: Path, origin: Origin) -> None:
    home = origin.script(
        "/", page(link("/comments/feed", "Comments"), link("/rss", "News"), link("/sport.rss"))
    )
    url = origin.script("/rss", rss(count=8))
    result = add(place, home, "--topic", "world", "--topic", "science", "--every", "2h")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:7] == [
        "feed     Gazette",
        f"address  {url}",
        "format   RSS 2.0, 8 entries, nothing new since 2024-06-02",
        "newest   2024-06-02 18:00  Report 7 [b]",
        "         2024-06-02 12:00  Report 6 [b]",
        "         2024-06-02 06:00  Report 5 [b]",
        f"also     1. {origin.url('/sport.rss')}",
    ]
    assert lines[7] == f"         2. {origin.url('/comments/feed')} (Comments)"
    assert lines[8].startswith(f"added to {place}/feeds.yaml, line 4;")
    entry = f"  - url: {url}\n    topics: [world, science]\n    every: 2h\n"
    assert written(place) == LIST + entry
    assert [seen.target for seen in origin.log] == ["/", "/rss"]
    (_, feed) = load(feeds=place / "feeds.yaml", config=place / "config", environ={}).feeds
    assert (feed.url, feed.topics) == (url, ("world", "science"))


def test_a_feed_itself_is_added_after_one_request(place: Path, origin: Origin) -> None:
    body = json.dumps({
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Wire",
        "items": [{"id": "1", "title": "Only"}],
    })  # fmt: skip
    url = origin.script("/feed.json", answer(body=body.encode()))
    result = add(place, f"feed:{url}", "--title", "My wire", "--owner", "Me")
    assert result.exit_code == 0, result.output
    assert "JSON Feed 1.1, 1 entry" in result.stdout
    assert "no date           Only" in result.stdout
    assert written(place) == f"{LIST}  - url: {url}\n    title: My wire\n    owner: Me\n"
    assert len(origin.log) == 1


def test_a_page_that_names_no_feed_is_followed_to_the_usual_places(
    place: Path, origin: Origin
) -> None:
    home = origin.script("/", page())
    url = origin.script("/feed.xml", rss())
    result = add(place, home)
    assert result.exit_code == 0, result.output
    assert f"- url: {url}\n" in written(place)


def test_a_search_ends_after_eight_requests_with_what_to_do(place: Path, origin: Origin) -> None:
    dead = [link(f"/{n}.rss") for n in range(20)]
    result = add(place, origin.script("/", page(*dead)))
    assert result.exit_code == 1
    assert len(origin.log) == 8
    assert "no feed that can be read" in result.stderr
    result = add(place, origin.script("/", page()))
    assert result.exit_code == 1
    assert "give the feed's own address" in result.stderr
    assert result.stderr.count("\n") == 1
    assert len(origin.log) == 16
    assert written(place) == LIST


def test_an_offer_that_cannot_be_read_is_passed_over_and_told(place: Path, origin: Origin) -> None:
    home = origin.script("/", page(link("/old"), link("/html"), link("/new")))
    origin.script("/html", page())
    url = origin.script("/new", rss())
    result = add(place, home)
    assert result.exit_code == 0, result.output
    assert f"- url: {url}\n" in written(place)
    assert f"passed over {origin.url('/old')}: HTTP 404" in result.stderr
    assert f"passed over {origin.url('/html')}: an HTML page" in result.stderr


def test_a_feed_of_comments_is_not_taken_unasked(place: Path, origin: Origin) -> None:
    home = origin.script("/", page(link("/comments/feed")))
    origin.script("/comments/feed", rss())
    result = add(place, home, "--yes")
    assert result.exit_code == 1
    assert "comments only" in result.stderr
    assert written(place) == LIST
    assert add(place, origin.url("/comments/feed")).exit_code == 0


def test_where_it_moved_for_good_is_written(place: Path, origin: Origin) -> None:
    new = origin.script("/new", rss())
    old = origin.script("/old", answer(301, headers={"Location": "/new"}))
    assert add(place, old).exit_code == 0
    assert f"- url: {new}\n" in written(place)
    passing = origin.script("/passing", answer(302, headers={"Location": "/other"}))
    origin.script("/other", rss())
    assert add(place, passing).exit_code == 0
    assert f"- url: {passing}\n" in written(place)


def test_a_dry_run_writes_nothing_and_says_what_it_would(place: Path, origin: Origin) -> None:
    url = origin.script("/rss", rss())
    result = add(place, url, "--dry-run")
    assert result.exit_code == 0
    assert f"would add to {place}/feeds.yaml, line 4:\n  - url: {url}\n" in result.stdout
    assert written(place) == LIST


def test_a_password_goes_to_its_host_and_into_the_file_but_not_on_the_screen(
    place: Path, origin: Origin
) -> None:
    origin.script("/", page(link("/rss")))
    origin.script("/rss", rss())
    home = origin.url("/").replace("//", "//me:s3cret@")
    for arguments in (["--dry-run"], []):
        result = add(place, home, *arguments)
        assert result.exit_code == 0, result.output
        assert "s3cret" not in result.output
    assert f"- url: {home}rss\n" in written(place)
    assert {seen.value("Authorization") for seen in origin.log} == {b"Basic bWU6czNjcmV0"}


def test_a_password_does_not_follow_a_page_to_another_host(place: Path, origin: Origin) -> None:
    with elsewhere("127.0.0.2") as other:
        url = other.script("/rss", rss())
        origin.script("/", page(link(url)))
        result = add(place, origin.url("/").replace("//", "//me:s3cret@"))
        assert result.exit_code == 0, result.output
        assert [seen.value("Authorization") for seen in other.log] == [None]
    assert f"- url: {url}\n" in written(place)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (answer(404), "HTTP 404 Not Found; look the address up"),
        (answer(403), "HTTP 403 Forbidden; look whether it wants a user and password"),
        (answer(503), "HTTP 503"),
        (answer(body=b"%PDF-1.4"), "the document is a PDF, not a feed"),
        (answer(body=b"<opml version='2.0'><body/></opml>"), "its root element is <opml>"),
        (answer(body=b'<rss version="2.0"><channel>', length=9999), "body ends early"),
        (answer(302, headers={"Location": "file:///etc/passwd"}), "scheme 'file' is not http"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line_and_not_written(
    place: Path, origin: Origin, reply: Reply, told: str
) -> None:
    url = origin.script("/x", reply)
    result = add(place, url)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"aggregator add: {url}: ")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert written(place) == LIST


def test_a_private_address_is_refused_with_how_to_allow_it(place: Path, origin: Origin) -> None:
    (place / "config" / "service.yaml").unlink()
    result = add(place, origin.script("/rss", rss()))
    assert result.exit_code == 1
    assert "127.0.0.1 is not public (loopback)" in result.stderr
    assert "reach: allow_private in config/service.yaml, e.g. 127.0.0.0/8" in result.stderr
    assert origin.connections == 0


def test_a_page_cannot_send_us_to_a_private_address(place: Path, origin: Origin) -> None:
    with elsewhere("127.0.0.2") as inside:
        home = origin.script("/", page(link(inside.script("/rss", rss()))))
        service = SERVICE.replace("127.0.0.0/8", "127.0.0.1")
        (place / "config" / "service.yaml").write_text(service, encoding="utf-8")
        result = add(place, home)
        assert result.exit_code == 1
        assert "127.0.0.2 is not public" in result.stderr
        assert inside.connections == 0


@pytest.mark.parametrize("typed", ["ftp://a.example/x", "javascript:alert(1)", "", "two words"])
def test_what_is_no_web_address_is_refused(place: Path, typed: str) -> None:
    result = add(place, typed)
    assert result.exit_code == 1
    assert "is no web address; write https://example.org" in result.stderr


def test_without_a_scheme_http_is_asked_where_https_finds_nobody(place: Path) -> None:
    with only_http() as port:
        result = add(place, f"127.0.0.1:{port}/rss")
        assert result.exit_code == 0, result.output
        assert f"- url: http://127.0.0.1:{port}/rss\n" in written(place)


def test_without_a_scheme_a_certificate_that_is_wrong_is_not_passed_over(place: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(PEM)
    with elsewhere("127.0.0.1", tls) as origin:
        result = add(place, f"127.0.0.1:{origin.port}/rss")
        assert result.exit_code == 1
        assert "TLS certificate not accepted" in result.stderr
        assert "http://127" not in result.stderr
        assert origin.log == []


def test_what_nobody_answers_is_told_for_both_schemes(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        result = add(place, f"127.0.0.1:{port}")
    assert result.exit_code == 1
    refused = "connection refused"
    assert f"https://127.0.0.1:{port}: {refused}; http://127.0.0.1:{port}: {refused}" in (
        result.stderr
    )


def test_what_is_listed_is_told_with_its_line_and_nobody_is_asked(
    place: Path, origin: Origin
) -> None:
    url = origin.script("/rss", rss())
    assert add(place, url).exit_code == 0
    before = written(place)
    result = add(place, f"{url}/")
    assert result.exit_code == 1
    assert f"feeds.yaml:4 lists {url}/ already" in result.stderr
    assert len(origin.log) == 1
    found = add(place, origin.script("/", page(link("/rss"))))
    assert found.exit_code == 1
    assert f"feeds.yaml:4 lists {url} already" in found.stderr
    assert written(place) == before


def test_wrong_options_and_a_broken_list_are_told_before_anybody_is_asked(
    place: Path, origin: Origin
) -> None:
    url = origin.script("/rss", rss())
    result = add(place, url, "--topic", "wrld", "--every", "soon")
    assert result.exit_code == 2
    assert 'did you mean "world"?' in result.stderr
    assert '"soon" is not a duration; write 30m or 2h' in result.stderr
    (place / "feeds.yaml").write_text("feeds:\n- urll: https://a.example\n", encoding="utf-8")
    result = add(place, url)
    assert result.exit_code == 2
    assert 'feeds.yaml:2:3: unknown key "urll"' in result.stderr
    assert origin.log == []


def test_a_host_that_asks_for_peace_is_left_alone(place: Path, origin: Origin) -> None:
    origin.script("/feed/", answer(429, headers={"Retry-After": "600"}))
    result = add(place, origin.script("/", page()))
    assert result.exit_code == 1
    assert "HTTP 429" in result.stderr
    assert len(origin.log) == 2


@pytest.mark.slow
def test_on_a_terminal_the_person_chooses_and_is_asked(place: Path, origin: Origin) -> None:
    home = origin.script("/", page(link("/rss", "News"), link("/sport", "[red]Sport")))
    origin.script("/rss", rss())
    url = origin.script("/sport", rss("Sport"))
    with on_terminal(place, home) as terminal:
        assert "[red]Sport" in terminal.until("Which")
        terminal.type("2")
        assert "Report 4 [b]" in terminal.until("Add it to")
        assert written(place) == LIST
        terminal.type("y")
        terminal.until("added to")
    assert written(place) == f"{LIST}  - url: {url}\n"


@pytest.mark.slow
def test_on_a_terminal_a_no_writes_nothing(place: Path, origin: Origin) -> None:
    with on_terminal(place, origin.script("/rss", rss())) as terminal:
        terminal.until("Add it to")
        terminal.type("n")
        terminal.until("nothing was written")
    assert written(place) == LIST


class Terminal:
    """A program that believes it talks to a person."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def until(self, words: str) -> str:
        seen = ""
        while words not in seen:
            try:
                seen += os.read(self._handle, 4096).decode(errors="replace")
            except OSError as error:
                raise AssertionError(f"never said {words!r}: {seen}") from error
        return seen

    def type(self, text: str) -> None:
        os.write(self._handle, f"{text}\n".encode())


@contextmanager
def on_terminal(place: Path, *arguments: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "aggregator", *options(place), *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"COLUMNS": "200", "TERM": "xterm"},
    )
    os.close(theirs)
    try:
        yield Terminal(ours)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@contextmanager
def elsewhere(host: str, tls: ssl.SSLContext | None = None) -> Iterator[Origin]:
    other = Origin(host=host, tls=tls)
    other.start()
    try:
        yield other
    finally:
        other.stop()


class _OnlyHttp(BaseHTTPRequestHandler):
    def handle(self) -> None:
        if self.connection.recv(1, socket.MSG_PEEK) != b"\x16":  # how a TLS client begins
            super().handle()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'<rss version="2.0"><channel><item><guid>1</guid></item></channel></rss>')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def only_http() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _OnlyHttp) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
