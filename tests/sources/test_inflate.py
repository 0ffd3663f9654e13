import gzip
import random
import tracemalloc
import zlib

import brotli  # ships no types
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.sources.inflate import Inflater, Limits
from aggregator.sources.troubles import FailedError, RefusedError

MEGA = 1_000_000
LIMITS = Limits(raw_bytes=2 * MEGA, body_bytes=2 * MEGA, ratio=200)
FEED = b"<rss>" + b"".join(b"<item><guid>%d</guid></item>" % (n * n) for n in range(4000))


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"GZip": gzip.compress,
    b"deflate": zlib.compress,
    b"deflate ": raw_deflate,
    b"br": brotli.compress,
    b"zstd": zstandard.ZstdCompressor().compress,
    b"": bytes,
    b"identity": bytes,
    b"gzip, identity": gzip.compress,
}


def unpack(coding: bytes, data: bytes, *, step: int = 65536, limits: Limits = LIMITS) -> bytes:
    inflater = Inflater(coding, limits)
    for start in range(0, len(data), step):
        inflater.feed(data[start : start + step])
    return inflater.finish()


@pytest.mark.parametrize("step", [1, 7, 1000, 10**9])
@pytest.mark.parametrize("coding", PACKERS)
def test_a_body_is_the_same_however_it_was_packed_and_cut(coding: bytes, step: int) -> None:
    """A61: each coding that we say we accept."""
    assert unpack(coding, PACKERS[coding](FEED), step=step) == FEED


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(PACKERS)), st.binary(max_size=5000), st.integers(1, 300), st.integers()
)
def test_any_bytes_come_back(coding: bytes, data: bytes, step: int, seed: int) -> None:
    data = data * random.Random(seed).randint(1, 40)
    if not data.startswith(b"\x1f\x8b\x08"):
        assert unpack(coding, PACKERS[coding](data), step=step) == data


def bomb(packer: str, size: int) -> bytes:
    """Pack ``size`` zeros without ever holding them."""
    piece = bytes(MEGA)
    if packer == "gzip":
        squeeze = zlib.compressobj(9, wbits=31)
        return b"".join(squeeze.compress(piece) for _ in range(size // MEGA)) + squeeze.flush()
    if packer == "br":
        press = brotli.Compressor(quality=5)
        return b"".join(press.process(piece) for _ in range(size // MEGA)) + bytes(press.finish())
    if packer == "zstd":
        squash = zstandard.ZstdCompressor().compressobj()
        return b"".join(squash.compress(piece) for _ in range(size // MEGA)) + squash.flush()
    return gzip.compress(bomb("gzip", size))


@pytest.mark.conforms("D11")
@pytest.mark.parametrize(
    ("coding", "packer"),
    [("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("gzip, gzip", "twice")],
)
def test_a_bomb_is_refused_in_little_memory(coding: str, packer: str) -> None:
    """200 MB of zeros against a limit of 2 MB; memory below twice the limit, plus a block."""
    charge = bomb(packer, 200 * MEGA)
    tracemalloc.start()
    try:
        with pytest.raises(RefusedError):
            unpack(
                coding.encode(),
                charge,
                limits=Limits(raw_bytes=MEGA, body_bytes=2 * MEGA, ratio=10**6),
            )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 2 * MEGA + 2.5 * 2**20


@pytest.mark.conforms("D13")
@pytest.mark.parametrize("packer", ["gzip", "br", "zstd"])
def test_a_body_that_unfolds_beyond_all_measure_is_refused_before_its_size_is(packer: str) -> None:
    limits = Limits(raw_bytes=MEGA, body_bytes=500 * MEGA, ratio=200)
    with pytest.raises(RefusedError, match="bomb"):
        unpack(packer.encode(), bomb(packer, 100 * MEGA), limits=limits)


def test_a_small_body_of_one_phrase_is_no_bomb() -> None:
    assert unpack(b"gzip", gzip.compress(b"news " * 100_000)) == b"news " * 100_000


def test_a_body_too_large_on_the_wire_is_refused() -> None:
    with pytest.raises(RefusedError, match="on the wire"):
        unpack(
            b"", bytes(3 * MEGA), limits=Limits(raw_bytes=2 * MEGA, body_bytes=9 * MEGA, ratio=9)
        )


@pytest.mark.conforms("D12")
@pytest.mark.parametrize("coding", [b"gzip, gzip", b"br,gzip", b"deflate , x-gzip"])
def test_two_layers_are_refused(coding: bytes) -> None:
    with pytest.raises(RefusedError, match="more than once"):
        Inflater(coding, LIMITS)


@pytest.mark.conforms("D12")
@pytest.mark.parametrize("coding", [b"compress", b"utf-8", b"sdch", b"\xff\xfe"])
def test_an_unknown_coding_is_refused(coding: bytes) -> None:
    with pytest.raises(RefusedError, match="unknown"):
        Inflater(coding, LIMITS)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"deflate ", b"br", b"zstd"])
def test_a_packed_body_that_ends_early_is_known_to(coding: bytes) -> None:
    """A13."""
    packed = PACKERS[coding](FEED)
    with pytest.raises(FailedError, match=r"ends early|corrupt"):
        unpack(coding, packed[: len(packed) // 2])


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_a_body_that_is_not_packed_as_told_is_corrupt(coding: bytes) -> None:
    with pytest.raises(FailedError, match=coding.decode()):
        unpack(coding, b"<rss>plain</rss>")


def test_a_gzip_file_in_parts_is_one_body() -> None:
    """RFC 1952 section 2.2."""
    parts = gzip.compress(FEED[:1000]) + gzip.compress(FEED[1000:])
    assert unpack(b"gzip", parts, step=100) == FEED


def test_a_gzip_file_in_countless_parts_is_refused() -> None:
    with pytest.raises(RefusedError, match="parts"):
        unpack(b"gzip", gzip.compress(b"") * 1000)


def test_padding_behind_a_packed_body_is_nothing() -> None:
    assert unpack(b"gzip", gzip.compress(FEED) + bytes(512)) == FEED


def test_a_gzip_file_sent_as_it_lies_is_unpacked_once() -> None:
    assert unpack(b"", gzip.compress(FEED)) == FEED
    twice = gzip.compress(gzip.compress(FEED))
    assert gzip.decompress(unpack(b"", twice)) == FEED


def test_no_body_is_empty() -> None:
    assert unpack(b"gzip", b"") == b""
