"""What can be sent to exhaust whoever reads it? Made here, none of it anybody's.

``ANSWERS`` are bodies and heads that do it on the wire, ``DOCUMENTS`` what does it to a parser.
Each is made when it is asked for; none takes more than a few megabytes here.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping

import brotli  # ships no types
import zstandard

from tests.origin import Reply, answer, drip, hang, pour, raw

MEGA = 1_000_000
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HEAD = b'<rss version="2.0"><channel><title>x</title>'
TAIL = b"</channel></rss>"


def packed(coding: str, piece: bytes, times: int) -> bytes:
    """Return ``times`` pieces packed as one body, which is never held unpacked."""
    if coding == "gzip":
        squeeze = zlib.compressobj(9, wbits=31)
        return b"".join(squeeze.compress(piece) for _ in range(times)) + squeeze.flush()
    if coding == "br":
        press = brotli.Compressor(quality=5)
        return b"".join(press.process(piece) for _ in range(times)) + bytes(press.finish())
    squash = zstandard.ZstdCompressor().compressobj()
    return b"".join(squash.compress(piece) for _ in range(times)) + squash.flush()


def coded(coding: str, body: bytes) -> Reply:
    return answer(200, body, {"Content-Encoding": coding})


def numbered(count: int) -> bytes:
    """Return items, 40 bytes each, that pack well and not suspiciously well."""
    return b"".join(b"<item><title>%08d %d</title></item>" % (n, n * n % 97) for n in range(count))


ZEROS, ITEMS = bytes(MEGA), b"<item><title>x</title></item>" * 34_000

ANSWERS: Mapping[str, Callable[[], Reply]] = {
    "gzip": lambda: coded("gzip", packed("gzip", ZEROS, 100)),
    "gzip without its header": lambda: answer(200, packed("gzip", ZEROS, 100)),
    "gzip in gzip": lambda: coded("gzip", gzip.compress(packed("gzip", ZEROS, 100))),
    "gzip, gzip": lambda: coded("gzip, gzip", gzip.compress(packed("gzip", ZEROS, 100))),
    "gzip of many members": lambda: coded("gzip", gzip.compress(b"") * 50_000),
    "14 MB in gzip": lambda: coded("gzip", gzip.compress(HEAD + numbered(350_000) + TAIL, 5)),
    "br": lambda: coded("br", packed("br", ZEROS, 100)),
    "zstd": lambda: coded("zstd", packed("zstd", ZEROS, 100)),
    "endless": lambda: pour(OK + b"\r\n", b"x" * 60_000),
    "endless chunks": lambda: pour(CHUNKED, b"2710\r\n" + b"x" * 10_000 + b"\r\n"),
    "endless small chunks": lambda: pour(CHUNKED, b"1\r\nx\r\n" * 5000),
    "endless head": lambda: pour(OK, b"X: y\r\n" * 1000),
    "endless early hints": lambda: pour(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
    "5,000 headers": lambda: raw(OK + b"X: y\r\n" * 5000 + b"\r\nx"),
    "a header of 1 MB": lambda: raw(OK + b"X: " + b"y" * MEGA + b"\r\n\r\nx"),
    "drip": lambda: drip(OK + b"\r\n", b"x", 0.1),
    "dripping head": lambda: drip(OK, b"X: y\r\n", 0.1),
    "silence": hang,
    "half a body": lambda: hang(OK + b"Content-Length: 100\r\n\r\nabc"),
    "14 MB at once": lambda: answer(200, HEAD + ITEMS * 14 + TAIL),
    "14 MB of blanks": lambda: answer(200, b" " * 14 * MEGA),
}


def entry(inner: bytes, *, doctype: bytes = b"") -> bytes:
    return doctype + HEAD + b"<item><guid>1</guid>" + inner + b"</item>" + TAIL


def laughs(depth: int, width: int) -> bytes:
    lines = [b'<!ENTITY l0 "lol">']
    lines += [b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * width) for n in range(1, depth)]
    doctype = b"<!DOCTYPE rss [" + b"".join(lines) + b"]>"
    return entry(b"<title>&l%d;</title>" % (depth - 1), doctype=doctype)


def zipped(size: int) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("feed.xml", bytes(size))
    return held.getvalue()


def entities(count: int) -> bytes:
    lines = b"".join(b'<!ENTITY e%d "x">' % n for n in range(count))
    return entry(b"<title>&e1;</title>", doctype=b"<!DOCTYPE rss [" + lines + b"]>")


def attributes(count: int) -> bytes:
    return entry(b"<a " + b" ".join(b'a%d="x"' % n for n in range(count)) + b"/>")


DOCUMENTS: Mapping[str, Callable[[], bytes]] = {
    "a thousand million laughs": lambda: laughs(10, 10),
    "quadratic entity": lambda: entry(
        b"<title>" + b"&a;" * 20_000 + b"</title>",
        doctype=b'<!DOCTYPE rss [<!ENTITY a "' + b"a" * 50_000 + b'">]>',
    ),
    "20,000 entities": lambda: entities(20_000),
    "attribute declarations": lambda: entry(
        b"",
        doctype=b"<!DOCTYPE rss [<!ATTLIST rss "
        + b" ".join(b"a%d CDATA #IMPLIED" % n for n in range(20_000))
        + b">]>",
    ),
    "100,000 attributes": lambda: attributes(100_000),
    "10,000 namespaces": lambda: entry(
        b"<a " + b" ".join(b'xmlns:n%d="urn:%d"' % (n, n) for n in range(10_000)) + b"/>"
    ),
    "one token of 4 MB": lambda: entry(b"<title>" + b"x" * 4 * MEGA + b"</title>"),
    "a tag that never ends": lambda: entry(b"<a " + b"x" * 4 * MEGA),
    "20,000 elements deep": lambda: entry(b"<a>" * 20_000 + b"</a>" * 20_000),
    "a million elements deep": lambda: entry(b"<a>" * MEGA),
    "100,000 div deep": lambda: entry(b"<description>" + b"&lt;div&gt;" * 100_000),
    "comments that never end": lambda: entry(
        b"<description>" + b"&lt;!--" * 200_000 + b"</description>"
    ),
    "bare comments that never end": lambda: entry(b"<description>" + b"<!--" * 200_000),
    "comments by the thousand": lambda: entry(
        b"<description>" + b"&lt;!--x--" * 100_000 + b"</description>"
    ),
    "comments before nothing": lambda: b"<!---->" * 1000 + b"x",
    "an author of many parts": lambda: entry(b"<author>a@" + b"a." * 200_000 + b"!</author>"),
    "bare ampersands": lambda: entry(b"<title>" + b"&" * 200_000 + b"</title>"),
    "pictures that never end": lambda: entry(
        b"<description>" + b"&lt;img " * 200_000 + b"</description>"
    ),
    "150,000 items": lambda: HEAD + b"<item><title>x</title></item>" * 150_000 + TAIL,
    "a list of lists": lambda: b"[" * 4 * MEGA,
    "a number of a million digits": lambda: (
        b'{"version":"https://jsonfeed.org/version/1","a":' + b"1" * MEGA + b"}"
    ),
    "300,000 items of JSON": lambda: (
        b'{"version":"https://jsonfeed.org/version/1.1","items":['
        + b'{"id":"1"},' * 300_000
        + b'{"id":"2"}]}'
    ),
    "a zip archive": lambda: zipped(100 * MEGA),
    "gzip without its header": lambda: packed("gzip", ZEROS, 100),
}
