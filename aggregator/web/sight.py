"""Which questions can be answered at sight?

Readers ask for the same few documents again and again, word for word: a GET without a body whose
head comes in one piece. Such a head is looked up among those that were answered lately; a server
spends a tenth of its time on one of taking it apart and putting an answer together anew. Whatever
is out of the ordinary takes the ordinary way.
"""

import re
from collections.abc import Callable
from http import HTTPStatus

from msgspec import Struct

from aggregator.web.served import Fields, Served, Shelf

Headers = list[tuple[bytes, bytes]]
Find = Callable[[str], tuple[str, Served] | None]
"""Finds what stands at an address, and its path on the shelf."""
Answer = Callable[[str, Served, Headers], tuple[int, Fields, bytes]]
"""Answers a GET for what stands at a path: status, all fields, body."""

MAX_HEAD = 2_048  # bytes; what browsers send to their own sites is longer, for cookies
MOST = 1_024  # heads that are remembered

# RFC 9112 sections 3 and 5, but only what is plain: an absolute path without escapes, no folded
# lines, no controls. Everything is matched once, without going back.
_HEAD = re.compile(
    rb"(GET|HEAD) (/[!-$&-~]*) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ -~\x80-\xff]*\r\n)+)\r\n"
)
# They say how the connection is to be used, or that more is to come.
_SPECIAL = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"te"})


class Asked(Struct, frozen=True, kw_only=True):
    """A plain head, taken apart: ``path`` without query, names of fields in lower case."""

    method: str
    path: str
    headers: Headers


class _Known(Struct, frozen=True, kw_only=True):
    """The answer to a head while ``etag`` stands at ``path``; the body is looked up (None: none).

    What was replaced is not kept alive by what was asked of it.
    """

    path: str
    etag: str
    head: bytes
    coding: int | None


def taken_apart(head: bytes) -> Asked | None:
    """Read the head of a request; None unless it is a plain one and there is nothing after it."""
    found = _HEAD.fullmatch(head) if len(head) <= MAX_HEAD else None
    if found is None:
        return None
    lines = (line.split(b":", 1) for line in found[3].split(b"\r\n")[:-1])
    headers = [(name.lower(), value.strip(b" ")) for name, value in lines]
    names = [name for name, _ in headers]
    if names.count(b"host") != 1 or not _SPECIAL.isdisjoint(names):
        return None
    if any(name == b"connection" and value.lower() != b"keep-alive" for name, value in headers):
        return None
    path = found[2].partition(b"?")[0].decode("ascii")
    return Asked(method=found[1].decode("ascii"), path=path, headers=headers)


class Sight:
    """Answers plain questions about what stands on ``shelf``."""

    def __init__(self, shelf: Shelf, find: Find, answer: Answer) -> None:
        self._shelf = shelf
        self._find = find
        self._answer = answer
        self._known: dict[bytes, _Known] = {}

    def __call__(self, head: bytes) -> tuple[bytes, bytes] | None:
        """Return the answer to ``head``: status line and fields but the date, and the body.

        None when it is to be answered in the ordinary way.
        """
        known = self._known.get(head)
        if known is not None:
            served = self._shelf.get(known.path)
            if served is not None and served.etag == known.etag:
                coding = known.coding
                return known.head, b"" if coding is None else served.variants[coding].body
        return self._learn(head)

    def _learn(self, head: bytes) -> tuple[bytes, bytes] | None:
        asked = taken_apart(head)
        found = self._find(asked.path) if asked else None
        if asked is None or found is None:
            return None
        path, served = found
        status, fields, body = self._answer(path, served, asked.headers)
        codings = [at for at, variant in enumerate(served.variants) if variant.body is body]
        if asked.method == "HEAD" or status == 304:
            codings = []
        elif not codings:
            return None  # not a document, but a word about it
        if len(self._known) >= MOST:
            self._known.clear()
        written = _written(status, fields)
        coding = codings[0] if codings else None
        self._known[head] = _Known(path=path, etag=served.etag, head=written, coding=coding)
        return written, body if codings else b""


def _written(status: int, fields: Fields) -> bytes:
    lines = (name + b": " + value + b"\r\n" for name, value in fields)
    phrase = HTTPStatus(status).phrase
    return b"".join((f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii"), *lines))
