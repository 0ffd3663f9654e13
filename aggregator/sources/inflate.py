"""How far may a compressed body unfold?

A hundred bytes can unfold to gigabytes, so every decoder works in pieces of `PIECE` bytes and the
sum is watched between two of them.
"""

import io
import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli  # ships no types
import zstandard
from msgspec import Struct

from aggregator.sources.troubles import FailedError, RefusedError

PIECE = 64 * 1024  # bytes decoded at a time

# A zstd block unfolds to at most 128 KiB and may take 4 bytes, and its decoder has no limit on a
# call's output: 64 bytes in are at most 2 MiB out. 0.26 ms for a feed of 30 kB compressed.
_ZSTD_SLICE = 64
_ZSTD_WINDOW = 2**23  # RFC 8878 section 3.1.1.1.2: what a decoder should at least support

_RATIO_FROM = 2**20  # bytes; below, a ratio harms nobody and small feeds of one phrase do reach it

_MAX_MEMBERS = 64  # parts of one gzip or zstd body; each costs time however small it is

ACCEPTED = b"gzip, deflate, br, zstd"  # the Accept-Encoding that `Inflater` can keep


class Limits(Struct, frozen=True, kw_only=True):
    """What a body may cost: bytes on the wire, bytes decoded, and decoded bytes per wire byte.

    It brings ``pace_bytes`` on the wire in every ``pace_seconds``, or ends within.
    """

    raw_bytes: int
    body_bytes: int
    ratio: int
    pace_bytes: int = 1_000
    pace_seconds: float = 10.0


class _Decoder(Protocol):
    def pieces(self, chunk: bytes) -> Iterator[bytes]: ...

    def whole(self) -> bool: ...


class Inflater:
    """Collects one body. ``coding`` is the Content-Encoding as sent; at most one layer is undone.

    Raises `RefusedError` for a body beyond its limits or in a coding we do not know, and
    `FailedError` for one that is corrupt or ends early.
    """

    def __init__(self, coding: bytes, limits: Limits) -> None:
        self._coding = _single(coding)
        self._limits = limits
        self._decoder: _Decoder | None = None
        self._body = io.BytesIO()
        self._raw = 0
        self._decoded = 0

    @property
    def size(self) -> int:
        """Bytes unpacked so far."""
        return self._decoded

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes from the wire."""
        for _ in self.unfold(chunk):
            pass

    def unfold(self, chunk: bytes) -> Iterator[None]:
        """Take the next bytes from the wire, pausing after each piece of at most a few MiB."""
        if not chunk:
            return
        self._raw += len(chunk)
        if self._raw > self._limits.raw_bytes:
            raise RefusedError(f"body is larger than {self._limits.raw_bytes:,} bytes on the wire")
        if self._decoder is None:
            self._decoder = _decoder(self._coding, chunk)
        try:
            for piece in self._decoder.pieces(chunk):
                self._keep(piece)
                yield
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise FailedError(f"{self._coding} body is corrupt") from error

    def finish(self) -> bytes:
        """Return the whole body; empty when nothing came."""
        if self._decoder is not None and not self._decoder.whole():
            raise FailedError(f"{self._coding} body ends early")
        return self._body.getvalue()  # hands over what it holds, no second copy

    def _keep(self, piece: bytes) -> None:
        self._decoded += len(piece)
        if self._decoded > self._limits.body_bytes:
            raise RefusedError(f"body is larger than {self._limits.body_bytes:,} bytes unpacked")
        if self._decoded > max(_RATIO_FROM, self._raw * self._limits.ratio):
            raise RefusedError(f"body unfolds more than {self._limits.ratio} times: a bomb")
        self._body.write(piece)


def _single(coding: bytes) -> str:
    names = [name.strip().lower() for name in coding.decode("latin-1").split(",")]
    layers = [name for name in names if name not in {"", "identity"}]
    if len(layers) > 1:
        raise RefusedError("body is compressed more than once")
    name = layers[0].removeprefix("x-") if layers else "identity"
    if name not in {"identity", "gzip", "deflate", "br", "zstd"}:
        raise RefusedError("body has an unknown Content-Encoding")
    return name


def _decoder(coding: str, first: bytes) -> _Decoder:
    if coding == "br":
        return _Brotli()
    if coding == "zstd":
        return _Zstd()
    if coding == "deflate":
        # RFC 9110 section 8.4.1.2 means zlib's format; many send it raw. A raw stream never
        # starts with zlib's method nibble 8: a stored block pads with zeros.
        return _Zlib(zlib.MAX_WBITS if first[0] & 0x0F == 8 else -zlib.MAX_WBITS)
    if coding == "gzip" or first.startswith(b"\x1f\x8b\x08"):  # or a .gz file sent as it lies
        return _Zlib(16 + zlib.MAX_WBITS)
    return _Identity()


class _Identity:
    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def whole(self) -> bool:
        return True


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inside = zlib.decompressobj(wbits)
        self._members = 1

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        data = chunk
        while True:
            if self._inside.eof and not self._open_next(data):
                return
            piece = self._inside.decompress(data, PIECE)
            yield piece
            data = self._inside.unused_data if self._inside.eof else self._inside.unconsumed_tail
            if not data and len(piece) < PIECE:
                return

    def whole(self) -> bool:
        return self._inside.eof

    def _open_next(self, data: bytes) -> bool:
        """RFC 1952 section 2.2: a file is one or more members. Anything else behind is padding."""
        if not data.startswith(b"\x1f") or self._wbits < 16:
            return False
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise RefusedError("body is compressed in too many parts")
        self._inside = zlib.decompressobj(self._wbits)
        return True


class _Brotli:
    def __init__(self) -> None:
        self._inside = brotli.Decompressor()

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        if self._inside.is_finished():
            return
        piece = self._inside.process(chunk, output_buffer_limit=PIECE)
        # Input may be all consumed while output waits, and the other way round.
        while piece or not self._inside.can_accept_more_data():
            yield piece
            piece = self._inside.process(b"", output_buffer_limit=PIECE)

    def whole(self) -> bool:
        return bool(self._inside.is_finished())


class _Zstd:
    def __init__(self) -> None:
        self._members = 0
        self._open()

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        for start in range(0, len(chunk), _ZSTD_SLICE):
            data = chunk[start : start + _ZSTD_SLICE]
            while data:
                if self._inside.eof:
                    self._open()
                yield self._inside.decompress(data)
                data = self._inside.unused_data if self._inside.eof else b""

    def whole(self) -> bool:
        return self._inside.eof

    def _open(self) -> None:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise RefusedError("body is compressed in too many parts")
        self._inside = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
