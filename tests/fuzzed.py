"""Answers that no sane server gives, the same ones for the same dice.

Some are put together from parts that do not fit, some are sound ones that were spoiled: bytes
changed, left out, sent twice; cut short, broken off, or left hanging.
"""

import asyncio
import gzip
import random
import zlib
from collections.abc import Callable, Mapping

import brotli  # ships no types
import zstandard

from tests.origin import Line, Reply

_ITEM = (
    "<item><guid>1</guid><title>A &amp; B</title><pubDate>Mon, 02 Mar 2026 08:00:00 GMT</pubDate>"
)
BODIES = (
    b"",
    b"hello",
    b"\x1f\x8b\x08garbage",
    b"\x28\xb5/\xfd",
    f"<rss version='2.0'><channel><title>x</title>{_ITEM}</item></channel></rss>".encode(),
    f"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a 'b'>]><rss><channel>{_ITEM * 9}".encode(),
    "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><content type='html'>&lt;b&gt;ü"
    "</content></entry></feed>".encode("utf-16"),
    b'{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","content_text":"\xff"}]}',
    b"<!doctype html><html><head><link rel=alternate type=application/rss+xml href=/1>",
    bytes(range(256)) * 8,
)
PACKERS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": brotli.compress,
    b"zstd": zstandard.ZstdCompressor().compress,
    b"identity": bytes,
    b"": bytes,
}
STARTS = (
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200",
    b"HTTP/1.0 200 Fine",
    b"HTTP/1.1 302 Found",
    b"HTTP/1.1 301 Moved",
    b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 410 Gone",
    b"HTTP/1.1 103 Early Hints",
    b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 000 None",
    b"HTTP/1.1 999 Much",
    b"HTTP/1.1 2000 OK",
    b"HTTP/2 200",
    b"ICY 200 OK",
    b"",
)
LINES = (
    b"Content-Length: 5",
    b"Content-Length: 5, 6",
    b"Content-Length: -5",
    b"Content-Length: 99999999999999999999",
    b"Content-Encoding: gzip",
    b"Content-Encoding: br",
    b"Content-Encoding: zstd",
    b"Content-Encoding: gzip, gzip",
    b"Content-Encoding: \xff",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Content-Type: text/xml; charset=utf-7",
    b"Content-Type: application/rss+xml; charset=\x00",
    b"Cache-Control: max-age=\xff",
    b"Cache-Control: max-age=99999999999, no-cache=, ,,",
    b"Date: \xe9",
    b"Expires: Thu, 32 Foo 99999 25:61:61 XYZ",
    b"Last-Modified: " + b"x" * 5000,
    b"Location: http://[/",
    b"Location: \xff\xfe",
    b"Location: //",
    b"Location: https://127.0.0.1:1/",
    b"Location: file:///etc/passwd",
    b"ETag: \x00",
    b'ETag: "' + b"y" * 9000 + b'"',
    b"Retry-After: 1e9",
    b"Retry-After: -1",
    b"Set-Cookie: a=b; Domain=.test",
    b"Connection: keep-alive, close, upgrade",
    b": no name",
    b" folded",
    b"X: " + b"z" * 70_000,
    b"",
)


def fuzzed(dice: random.Random) -> Reply:
    """Return an answer, and how it is sent."""
    data = _sound(dice) if dice.random() < 0.7 else _assembled(dice)
    if dice.random() < 0.5:
        data = _spoiled(data, dice)
    end = dice.choices(("close", "reset", "hang"), (90, 9, 1))[0]
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice((0, 0, 1, 4))))

    async def reply(line: Line) -> None:
        for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
            await line.send(data[start:stop])
            await asyncio.sleep(0)
        if end == "reset":
            line.reset()
        elif end == "hang":
            await line.hang()

    return reply


def _assembled(dice: random.Random) -> bytes:
    lines = [dice.choice(STARTS), *(dice.choice(LINES) for _ in range(dice.randint(0, 6)))]
    return b"\r\n".join(lines) + b"\r\n\r\n" + dice.choice(BODIES)


def _sound(dice: random.Random) -> bytes:
    coding = dice.choice(tuple(PACKERS))
    body = PACKERS[coding](dice.choice(BODIES) * dice.choice((1, 1, 1, 200)))
    start = STARTS[0] if dice.random() < 0.7 else dice.choice(STARTS[:6])
    lines = [start, b'ETag: "1"', b"Location: /%d" % dice.randrange(10_000)]
    if coding:
        lines.append(b"Content-Encoding: " + coding)
    if dice.random() < 0.5:
        lines.append(b"Transfer-Encoding: chunked")
        body = _chunked(body, dice)
    elif dice.random() < 0.8:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _chunked(body: bytes, dice: random.Random) -> bytes:
    size = dice.choice((1, 7, 100, 5000)) if len(body) < 500 else 5000
    extension = dice.choice((b"", b"", b";a=b", b';a="\x00"'))
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    told = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
    return told + dice.choice(
        (b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"0\r\n", b"-1\r\n")
    )


def _spoiled(data: bytes, dice: random.Random) -> bytes:
    spoiled = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(spoiled) + 1)
        match dice.randrange(5):
            case 0:
                spoiled[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del spoiled[at : at + dice.randint(1, 40)]
            case 2:
                spoiled[at:at] = spoiled[at : at + dice.randint(1, 40)]
            case 3:
                spoiled[at:at] = dice.choice((b"\r\n", b"\r\n\r\n", b"\x00", b"\n", b"0\r\n\r\n"))
            case _:
                if dice.random() < 0.3:
                    del spoiled[at:]
    return bytes(spoiled)
