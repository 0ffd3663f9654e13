"""Conditions, request shape and what came back; redirects and limits have files of their own."""

import asyncio
import logging
import socket
from datetime import UTC, datetime
from pathlib import Path

import h11
import pytest

from aggregator.model.feeds import Feed, FeedState, Validators
from aggregator.model.visits import Answer, Failed, Fetched, Gone, NotModified, Refused
from aggregator.sources.fetch import Ask, ask_for
from aggregator.sources.policy import user_agent
from tests.origin import Origin, Reply, answer, hang, raw, reset
from tests.sources.conftest import Asker

FEED = b"<rss version='2.0'/>"
ETAGS = [b'"abc"', b'W/"a-gzip"', b'"caf\xe9"', b"abc", b'"with  space"', b"\xe2\x82\xac"]


@pytest.mark.conforms("A01", "A02", "A03", "A04", "A09")
@pytest.mark.parametrize("etag", ETAGS)
def test_validators_are_echoed_byte_for_byte(origin: Origin, visit: Asker, etag: bytes) -> None:
    """Both, verbatim, from the second visit on."""
    modified = "Mon, 1 Jan 2024 00:00:00 +0000 (odd)"
    url = origin.script(
        "/", answer(200, FEED, {"ETag": etag, "Last-Modified": modified}), answer(304)
    )
    first = visit(url)
    assert isinstance(first, Fetched)
    for _ in range(3):
        assert isinstance(visit(url, validators=first.validators), NotModified)
    sent = [(seen.value("If-None-Match"), seen.value("If-Modified-Since")) for seen in origin.log]
    assert sent == [(None, None)] + 3 * [(etag, modified.encode())]


@pytest.mark.conforms("A06", "A67")
def test_a_200_brings_new_validators_though_its_body_is_the_same(
    origin: Origin, visit: Asker
) -> None:
    url = origin.script("/", answer(200, FEED, {"ETag": '"2"'}))
    found = visit(url, validators=Validators(url=url, etag=b'"1"'))
    assert isinstance(found, Fetched)
    assert found.validators == Validators(url=url, etag=b'"2"')


@pytest.mark.conforms("A08")
def test_a_200_without_validators_leaves_none(origin: Origin, visit: Asker) -> None:
    url = origin.script("/", answer(200, FEED))
    found = visit(url, validators=Validators(url=url, etag=b'"1"'))
    assert isinstance(found, Fetched)
    assert found.validators is None


@pytest.mark.conforms("A07")
def test_a_304_freshens_what_it_names_and_keeps_the_rest(origin: Origin, visit: Asker) -> None:
    url = origin.script("/", answer(304, headers={"ETag": '"2"', "Cache-Control": "max-age=7200"}))
    held = Validators(url=url, etag=b'"1"', last_modified=b"then")
    found = visit(url, validators=held)
    assert isinstance(found, NotModified)
    assert found.validators == Validators(url=url, etag=b'"2"', last_modified=b"then")
    assert found.hints.fresh_for is not None
    assert found.hints.fresh_for.total_seconds() == 7200


@pytest.mark.conforms("A14")
def test_a_304_to_a_request_without_conditions_is_a_failure(origin: Origin, visit: Asker) -> None:
    found = visit(origin.script("/", answer(304, headers={"ETag": '"1"'})))
    assert isinstance(found, Failed)
    assert found.status == 304


@pytest.mark.conforms("A18")
def test_no_store_and_expires_0_do_not_stop_conditions(origin: Origin, visit: Asker) -> None:
    url = origin.script(
        "/", answer(200, FEED, {"ETag": '"1"', "Cache-Control": "no-store", "Expires": "0"})
    )
    found = visit(url)
    assert isinstance(found, Fetched)
    assert found.validators == Validators(url=url, etag=b'"1"')


@pytest.mark.conforms("A15")
def test_an_edited_address_is_asked_as_if_for_the_first_time(origin: Origin) -> None:
    held = Validators(url=origin.url("/old"), etag=b'"1"')
    now = datetime(2024, 1, 1, tzinfo=UTC)
    state = FeedState(feed="a", url=origin.url("/old"), next_due=now, validators=held)
    assert ask_for(Feed(id="a", url=origin.url("/old")), state).validators == held
    assert ask_for(Feed(id="a", url=origin.url("/new")), state).validators is None


@pytest.mark.conforms("A56", "A57", "A59", "A60", "A61", "A19", "A20")
def test_the_request_is_what_we_promise_and_nothing_else(origin: Origin, visit: Asker) -> None:
    """GET, fixed headers, no cookie, referrer or range."""
    url = origin.script("/feed", answer(200, FEED, {"Set-Cookie": "a=1; Path=/"}))
    for _ in range(3):
        visit(url + "?b=2&a=1#fragment")
    assert {seen.head for seen in origin.log} == {
        b"GET /feed?b=2&a=1 HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"User-Agent: aggregator/1.0 (+https://example.org/about)\r\n"
        b"Accept: application/atom+xml, application/rss+xml, application/feed+json,"
        b" application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1\r\n"
        b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
        b"Connection: close\r\n\r\n" % origin.port
    }


@pytest.mark.conforms("A56")
def test_our_name_has_a_version_and_a_contact() -> None:
    assert user_agent("https://example.org") == f"{user_agent('')} (+https://example.org)"
    assert user_agent("").startswith("aggregator/0.")


@pytest.mark.conforms("A62", "A64")
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("", "/"),
        ("/ä?x=%2F", "/%C3%A4?x=%2F"),
        ("/a%2fb/%C3%A4", "/a%2fb/%C3%A4"),
        ("/a b?q=ü", "/a%20b?q=%C3%BC"),
        ("/a//b/../c", "/a//c"),  # RFC 3986 section 6.2.2.3
        ("/?a=1&a=1&b", "/?a=1&a=1&b"),
    ],
)
def test_a_path_is_sent_as_configured_and_encoded_once(
    origin: Origin, visit: Asker, path: str, target: str
) -> None:
    visit(origin.url(path))
    assert origin.log[0].target == target


@pytest.mark.conforms("A62")
def test_a_host_name_is_sent_in_its_ascii_form(origin: Origin, visit: Asker) -> None:
    visit.names = {"xn--bcher-kva.test": ("127.0.0.1",)}
    visit(origin.url("/", host="BÜCHER.test"))
    assert origin.log[0].value("Host") == b"xn--bcher-kva.test:%d" % origin.port


@pytest.mark.conforms("A62", "A64")
@pytest.mark.parametrize("host", ["www.paper.test", "paper.test", "paper.test."])
def test_a_host_is_asked_as_configured(origin: Origin, visit: Asker, host: str) -> None:
    """No www is taken away or put before it, and nothing is made https."""
    visit.names = {host: ("127.0.0.1",)}
    found = visit(origin.script("/", answer(200, FEED)).replace("127.0.0.1", host))
    assert isinstance(found, Fetched)
    assert found.url == f"http://{host}:{origin.port}/"
    assert (visit.lookups, len(origin.log)) == ([host], 1)
    assert origin.log[0].value("Host") == f"{host}:{origin.port}".encode()


@pytest.mark.conforms("A49")
def test_the_old_feed_scheme_is_http(origin: Origin, visit: Asker) -> None:
    visit(origin.url("/a").replace("http:", "feed:"))
    visit("feed:" + origin.url("/b"))
    assert [seen.target for seen in origin.log] == ["/a", "/b"]


@pytest.mark.conforms("A63")
def test_own_headers_and_credentials_are_sent(origin: Origin, visit: Asker) -> None:
    """As bytes of UTF-8."""
    visit(origin.url(), headers=(("X-Api-Key", "k"),), credentials=("me", "pä:ss"))
    assert origin.log[0].value("X-Api-Key") == b"k"
    assert origin.log[0].value("Authorization") == b"Basic bWU6cMOkOnNz"


@pytest.mark.conforms("A01", "A61")
def test_own_headers_cannot_break_our_promises(origin: Origin, visit: Asker) -> None:
    """Conditions and codings are ours; Host and framing are the protocol's."""
    forbidden = ("host", "If-None-Match", "Range", "accept-encoding", "Connection", "A-IM")
    visit(origin.url(), headers=(*((name, "x") for name in forbidden), ("accept", "text/xml")))
    assert all(b"x" not in seen.values(name) for seen in origin.log for name in forbidden)
    assert origin.log[0].values("Accept") == [b"text/xml"]


def test_a_header_that_would_smuggle_another_is_not_sent(origin: Origin, visit: Asker) -> None:
    found = visit(origin.url(), headers=(("X-A", "1\r\nX-B: 2"),))
    assert isinstance(found, Failed)
    assert "look at the feed's headers" in found.reason
    assert origin.connections == 0


@pytest.mark.conforms("A68")
def test_the_environment_sends_us_nowhere_else_and_gives_no_password(
    origin: Origin, visit: Asker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(visit(origin.script("/", answer(200, FEED))), Fetched)
    assert origin.log[0].values("Authorization") == []


@pytest.mark.conforms("A19", "A20", "A41", "A43", "A45")
@pytest.mark.parametrize(
    "status", [201, 203, 204, 206, 226, 300, 404, 401, 403, 429, 500, 503, 999]
)
def test_any_other_status_is_a_failure_that_says_so(
    origin: Origin, visit: Asker, status: int
) -> None:
    url = origin.script("/", answer(status, b"", {"Retry-After": "120", "ETag": '"x"'}))
    found = visit(url)
    assert isinstance(found, Failed)
    assert found.status == status
    assert str(status) in found.reason
    assert found.hints.retry_after is not None
    assert found.hints.retry_after.total_seconds() == 120


@pytest.mark.conforms("A44")
def test_410_is_gone(origin: Origin, visit: Asker) -> None:
    assert visit(origin.script("/", answer(410, b"bye"))) == Gone()


@pytest.mark.conforms("A54")
@pytest.mark.parametrize("body", [b"", b" \r\n\t "])
def test_an_empty_body_is_a_failure(origin: Origin, visit: Asker, body: bytes) -> None:
    found = visit(origin.script("/", answer(200, body, {"ETag": '"1"'})))
    assert isinstance(found, Failed)
    assert found.reason == "empty body"


@pytest.mark.conforms("A13")
@pytest.mark.parametrize(
    "reply",
    [
        answer(200, b"x" * 500, length=1000),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    ],
)
def test_a_body_that_ends_early_is_a_failure(origin: Origin, visit: Asker, reply: Reply) -> None:
    found = visit(origin.script("/", reply))
    assert found == Failed(reason="body ends early")


def test_more_than_the_told_length_is_not_read(origin: Origin, visit: Asker) -> None:
    found = visit(origin.script("/", answer(200, FEED + b"and more", length=len(FEED))))
    assert isinstance(found, Fetched)
    assert found.body == FEED


@pytest.mark.conforms("A55")
def test_a_body_without_length_ends_with_the_connection(origin: Origin, visit: Asker) -> None:
    found = visit(origin.script("/", raw(b"HTTP/1.0 200 OK\r\nContent-Type: a/b\r\n\r\n" + FEED)))
    assert isinstance(found, Fetched)
    assert (found.body, found.content_type) == (FEED, "a/b")


@pytest.mark.conforms("A55")
def test_early_hints_are_passed_over(origin: Origin, visit: Asker) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    found = visit(origin.script("/", raw(hints + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")))
    assert isinstance(found, Fetched)


def test_others_have_their_turn_between_early_hints(
    origin: Origin, visit: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500
    url = origin.script("/", raw(hints + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"))
    read = [0]  # events in each turn of the loop
    next_event = h11.Connection.next_event

    def counted(http: h11.Connection) -> object:
        read[-1] += 1
        return next_event(http)

    async def beside() -> Answer:
        asking = asyncio.create_task(visit.fetcher().fetch(Ask(url=url)))
        while not asking.done():
            await asyncio.sleep(0)
            read.append(0)
        return asking.result()

    monkeypatch.setattr(h11.Connection, "next_event", counted)
    assert isinstance(asyncio.run(beside()), Fetched)
    assert sum(read) > 500
    assert max(read) < 10


CLOSED, BROKEN, RESET = "connection closed without an answer", "answer is not valid HTTP", "reset"


@pytest.mark.conforms("E41")
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (raw(b""), CLOSED),
        (raw(b"HTTP/1.1 200 OK\r\nContent-"), CLOSED),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), BROKEN),
        (raw(b"<html>no head at all</html>\r\n\r\n"), BROKEN),
        (raw(b"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n"), BROKEN),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), BROKEN),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), BROKEN),
        (reset(), f"{CLOSED} {RESET}"),  # which of them is up to the kernel
    ],
)
def test_a_broken_answer_is_a_failure_in_plain_words(
    origin: Origin, visit: Asker, reply: Reply, words: str
) -> None:
    found = visit(origin.script("/", reply))
    assert isinstance(found, Failed)
    assert found.reason.removeprefix("connection ") in words


def test_nobody_there_is_a_failure(visit: Asker) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        assert visit(f"http://127.0.0.1:{port}/") == Failed(
            reason="connection refused", closed=True
        )


def test_an_unknown_host_name_is_a_failure(visit: Asker) -> None:
    found = visit("http://no-such-host.invalid/")
    assert isinstance(found, Failed)
    assert found.reason in {"host name not found", "name server does not answer"}


@pytest.mark.conforms("E41")
@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "http://", "http:///x", "http://h:99999/", "http://[::1/", "http://\x00/",
     "http://a..b/", "http://" + "a" * 300 + ".test/", "http://ex ample.test/", "//host/x",
     "http://xn--/", "http://\u2603\ufe0f\u200d.test/", "\ud800", "http://h/" + "x" * 9000],
)  # fmt: skip
def test_an_address_that_is_none_has_an_answer_too(visit: Asker, url: str) -> None:
    """InvalidURL and UnicodeError are no httpx.HTTPError."""
    assert isinstance(visit(url, policy={"total_seconds": 5}), Failed | Refused)


@pytest.mark.conforms("D07")
@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher", "javascript", "data", "feed:file"])
def test_only_http_is_asked(visit: Asker, scheme: str) -> None:
    found = visit(f"{scheme}:///etc/passwd")
    assert isinstance(found, Refused)
    assert "not http" in found.reason


@pytest.mark.conforms("A63", "D48", "D49")
def test_secrets_are_in_no_reason_and_no_log(
    origin: Origin, visit: Asker, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong on the way."""
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t"
    replies = [
        raw(f"{secret} {secret}\r\n\r\n".encode()),
        reset(),
        answer(302, headers={"Location": f"ftp://{secret}@{secret}.example/{secret}"}),
        answer(302, headers={"Location": f"http://{secret}\x01/"}),
        answer(500),
        answer(200, b"x", {"Content-Encoding": secret}),
        hang(),
    ]
    url = origin.url(f"/?token={secret}").replace("//", f"//me:{secret}@")
    for reply in replies:
        origin.script("/", reply)
        found = visit(
            url,
            credentials=("me", secret),
            headers=(("X-Key", secret),),
            policy={"total_seconds": 0.5},
        )
        assert isinstance(found, Failed | Refused)
        assert secret not in found.reason
    assert secret not in caplog.text
