"""What is put into HTTP and read without h11 is what h11 would have made of it."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.sources.bare import Fields, asked, not_modified

HOST = (b"Host", b"gazette.example")
OURS = [
    HOST,
    (b"User-Agent", b"aggregator/0.1.0 (+https://wire.example/)"),
    (b"If-None-Match", b'W/"69a52a20-\xe9"'),
    (b"If-Modified-Since", b"Mon, 02 Mar 2026 06:00:00 GMT"),
    (b"Connection", b"close"),
]
NGINX = (
    b"HTTP/1.1 304 Not Modified\r\nServer: nginx/1.22.1\r\nDate: Fri, 27 Nov 2026 07:11:16 GMT\r\n"
    b'Connection: close\r\nETag: "69a52a20-12345"\r\n\r\n'
)

odd = st.binary(max_size=4) | st.sampled_from(
    [b" a", b"a\r\nX: b", b"\t", b"\x00", b"\x0b", b"\x7f", b"\x85", b"a b", b"\xe9", b"", b"5"]
)
names = st.sampled_from([b"ETag", b"X-1", b"content-length", b"Transfer-Encoding", b"HOST"]) | odd
fields = st.lists(st.tuples(names, odd), max_size=4)


def h11_sends(target: bytes, headers: Fields) -> bytes | None:
    talk = h11.Connection(h11.CLIENT)
    try:
        head = talk.send(h11.Request(method="GET", target=target, headers=headers))
        return (head or b"") + (talk.send(h11.EndOfMessage()) or b"")
    except h11.LocalProtocolError:
        return None


def h11_reads(data: bytes) -> tuple[int, Fields, object] | None:
    talk = h11.Connection(h11.CLIENT)
    talk.send(h11.Request(method="GET", target="/", headers=[HOST]))
    talk.send(h11.EndOfMessage())
    talk.receive_data(data)
    try:
        head = talk.next_event()
        assert isinstance(head, h11.Response)
        return head.status_code, head.headers.raw_items(), type(talk.next_event())
    except (h11.RemoteProtocolError, AssertionError):
        return None


def test_what_we_ask_and_what_servers_answer_needs_no_h11() -> None:
    assert asked(b"GET", b"/feed.rss?a=1", OURS) == h11_sends(b"/feed.rss?a=1", OURS)
    assert not_modified(NGINX) == [
        (b"Server", b"nginx/1.22.1"),
        (b"Date", b"Fri, 27 Nov 2026 07:11:16 GMT"),
        (b"Connection", b"close"),
        (b"ETag", b'"69a52a20-12345"'),
    ]


@settings(max_examples=500)
@given(target=st.just(b"/") | odd, more=fields, first=st.sampled_from([HOST, (b"host", b"x")]))
def test_a_request_is_as_h11_puts_it_or_left_to_h11(
    target: bytes, more: Fields, first: tuple[bytes, bytes]
) -> None:
    ours = asked(b"GET", target, [first, *more])
    assert ours is None or ours == h11_sends(target, [first, *more])


@settings(max_examples=500)
@given(
    start=st.sampled_from([b"HTTP/1.1 304 Not Modified", b"HTTP/1.0 304", b"HTTP/1.1 304 "])
    | st.builds(b"HTTP/1.1 304 %b".__mod__, odd)
    | odd,
    lines=st.lists(st.tuples(names, st.sampled_from([b":", b": ", b" :", b""]), odd), max_size=4),
    end=st.sampled_from([b"\r\n\r\n", b"\r\n", b"\n\n", b"\r\n\r\nbody", b"\r\n x: y\r\n\r\n"]),
)
def test_not_modified_is_read_as_h11_reads_it_or_left_to_h11(
    start: bytes, lines: list[tuple[bytes, bytes, bytes]], end: bytes
) -> None:
    data = b"\r\n".join([start, *(b"%b%b%b" % line for line in lines)]) + end
    ours = not_modified(data)
    assert ours is None or (304, ours, h11.EndOfMessage) == h11_reads(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        NGINX[:-2],
        NGINX + b"more",
        NGINX.replace(b"304 Not Modified", b"200 OK"),
        NGINX.replace(b"Server:", b"Server :"),
        NGINX.replace(b"nginx", b"ngi\x00nx"),
        NGINX.replace(b"Connection: close", b"Content-Length: 5"),
        NGINX.replace(b"\r\n", b"\n"),
    ],
)
def test_whatever_is_in_doubt_is_left_to_h11(data: bytes) -> None:
    assert not_modified(data) is None
