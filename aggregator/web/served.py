"""What stands ready to be sent?"""

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Protocol

import brotli
import zstandard
from msgspec import Struct

from aggregator.model.editions import Rendered

# Thirty captured feeds of 87 kB, each: gzip 6 1.5 ms and 17.9 kB; brotli 5 1.4 ms and 16.7 kB (11:
# 100 ms, a seventh less); zstd 6 0.75 ms and 17.3 kB (12: 3.2 ms and 16.9 kB).
GZIP_LEVEL = 6
BROTLI_QUALITY = 5
ZSTD_LEVEL = 6
MIN_COMPRESSED = 256  # bytes; below that the header costs more than is saved

Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields as ASGI wants them: lower-case names, raw values."""


class Variant(Struct, frozen=True, kw_only=True):
    """One coding of a document, with a strong validator of its own (RFC 9110 section 8.8.3.3).

    ``coding`` is ``identity``, ``gzip``, ``br`` or ``zstd``. ``fields`` go with the body,
    ``validators`` with a 304 too.
    """

    coding: str
    body: bytes
    etag: str
    fields: Fields
    validators: Fields


class Served(Struct, frozen=True, kw_only=True):
    """A document ready to be sent in every coding; ``variants`` smallest first, identity last.

    ``changed_at`` is in whole seconds UTC, ``last_modified`` the same as a header value.
    """

    media_type: str
    variants: tuple[Variant, ...]
    changed_at: datetime
    last_modified: str
    etag: str

    @classmethod
    def of(cls, rendered: Rendered) -> "Served":
        """Compress ``rendered`` once; equal input gives equal bytes and validators.

        A hundred kilobytes take a few milliseconds, so do not call this in the event loop.
        """
        changed_at = rendered.changed_at.astimezone(UTC).replace(microsecond=0)
        shared = _Shared(
            _with_charset(rendered.media_type), format_datetime(changed_at, usegmt=True)
        )
        # Not "-gzip": that is what proxies append to tags of their own making.
        mark = rendered.etag.removesuffix('"')
        coded = [
            (coding, body, f'{mark}.{coding}"')
            for coding, body in _compressed(rendered.body)
            if len(body) < len(rendered.body)
        ]
        coded.sort(key=lambda variant: len(variant[1]))
        coded.append(("identity", rendered.body, rendered.etag))
        return cls(
            media_type=shared.media_type,
            variants=tuple(shared.variant(*variant) for variant in coded),
            changed_at=changed_at,
            last_modified=shared.last_modified,
            etag=rendered.etag,
        )


class Left(Struct, frozen=True):
    """That nothing stands at an address any more: it is at the path ``into``, or gone (None)."""

    into: str | None = None


class Shelf(Protocol):
    """Where the documents stand that may be asked for. A look costs no query and no waiting."""

    def get(self, path: str, /) -> Served | None:
        """Return what stands at ``path`` (no leading slash), or None."""

    def left(self, path: str, /) -> Left | None:
        """Return what became of what stood at ``path``, or None when nothing ever did."""


@dataclass(slots=True)
class MemoryShelf:
    """A shelf in memory. Use it from one thread."""

    _standing: dict[str, Served] = field(default_factory=dict)
    _left: dict[str, Left] = field(default_factory=dict)

    def get(self, path: str, /) -> Served | None:
        """Return what stands at ``path``, or None."""
        return self._standing.get(path)

    def left(self, path: str, /) -> Left | None:
        """Return what became of what stood at ``path``, or None when nothing ever did."""
        return self._left.get(path)

    def retire(self, path: str, into: str | None = None) -> None:
        """Say that what stood at ``path`` is at the path ``into`` now, or gone for good."""
        self._left[path] = Left(into)

    def put(self, path: str, served: Served) -> None:
        """Put ``served`` at ``path`` in place of what stood there."""
        self._standing[path] = served

    def drop(self, path: str) -> None:
        """Take away what stands at ``path``, if anything does."""
        self._standing.pop(path, None)
        self._left.setdefault(path, Left())

    def __len__(self) -> int:
        return len(self._standing)


class _Shared(Struct, frozen=True):
    media_type: str
    last_modified: str

    def variant(self, coding: str, body: bytes, etag: str) -> Variant:
        validators = (
            (b"etag", etag.encode("ascii")),
            (b"last-modified", self.last_modified.encode("ascii")),
        )
        fields: Fields = (
            (b"content-type", self.media_type.encode("ascii")),
            (b"content-length", str(len(body)).encode("ascii")),
            *validators,
        )
        if coding != "identity":
            fields = (*fields, (b"content-encoding", coding.encode("ascii")))
        return Variant(coding=coding, body=body, etag=etag, fields=fields, validators=validators)


def _compressed(body: bytes) -> tuple[tuple[str, bytes], ...]:
    if len(body) < MIN_COMPRESSED:
        return ()
    return (
        ("gzip", gzip.compress(body, compresslevel=GZIP_LEVEL, mtime=0)),
        ("br", brotli.compress(body, quality=BROTLI_QUALITY)),
        ("zstd", zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body)),
    )


def _with_charset(media_type: str) -> str:
    """All that we print is in UTF-8, and says so; pictures other than SVG are not text."""
    textual = media_type.startswith("text/") or media_type.endswith(("xml", "json"))
    if not textual or "charset" in media_type:
        return media_type
    return f"{media_type}; charset=utf-8"
