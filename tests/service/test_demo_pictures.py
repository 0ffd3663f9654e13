"""The made-up publishers' pictures are PNG files of the size that their feeds state."""

import struct
import zlib

import pytest

from aggregator.service.demo.pictures import HEIGHT, WIDTH, painting


def chunks(png: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG by kind; each one's check sum is checked."""
    found: dict[bytes, bytes] = {}
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        (check,) = struct.unpack_from(">I", png, place + 8 + length)
        assert check == zlib.crc32(kind + data)
        found[kind] = data
        place += 12 + length
    return found


@pytest.mark.parametrize("scene", ["storm", "sea", "night", "hills", "field", "city", "paper"])
def test_a_picture_has_the_stated_size_and_only_colours_of_its_palette(scene: str) -> None:
    png = painting(scene, "somewhere")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    found = chunks(png)
    assert struct.unpack(">IIBBBBB", found[b"IHDR"]) == (WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    pixels = zlib.decompress(found[b"IDAT"])
    assert len(pixels) == HEIGHT * (WIDTH + 1)
    assert max(pixels) < len(found[b"PLTE"]) // 3
    assert len(set(pixels)) > 20


def test_the_same_name_paints_the_same_picture_and_another_name_another() -> None:
    assert painting("sea", "a") == painting("sea", "a")
    assert painting("sea", "a") != painting("sea", "b")
