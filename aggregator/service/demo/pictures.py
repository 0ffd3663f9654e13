"""What do the made-up publishers show beside their reports?

Landscapes of a few ridges under a gradient, painted from a name: a palette PNG without a library.
"""

import math
import struct
import zlib

WIDTH, HEIGHT = 640, 360

_SKY = 64  # shades from zenith to horizon; the colours after them are the disc and the ridges
_RIDGES = 4

_Colour = tuple[int, int, int]

# zenith, horizon, disc, farthest ridge, nearest ridge; and how many waves a ridge has
_SCENES: dict[str, tuple[_Colour, _Colour, _Colour, _Colour, _Colour, float]] = {
    "storm": ((38, 50, 66), (140, 152, 156), (196, 202, 200), (86, 112, 124), (18, 34, 46), 9.0),
    "sea": ((92, 158, 196), (236, 226, 200), (255, 246, 214), (74, 142, 164), (20, 76, 104), 7.0),
    "night": ((8, 10, 32), (64, 56, 104), (244, 240, 222), (40, 38, 80), (10, 12, 28), 2.2),
    "hills": (
        (150, 186, 204),
        (248, 222, 184),
        (255, 240, 200),
        (134, 160, 150),
        (36, 66, 50),
        2.6,
    ),
    "field": (
        (112, 170, 214),
        (250, 214, 150),
        (255, 236, 170),
        (150, 178, 92),
        (58, 104, 44),
        1.4,
    ),
    "city": ((70, 78, 108), (240, 168, 122), (255, 214, 160), (122, 104, 120), (34, 32, 52), 14.0),
    "paper": ((214, 196, 160), (242, 230, 202), (190, 92, 66), (206, 176, 126), (120, 86, 52), 3.4),
}


def painting(scene: str, name: str) -> bytes:
    """Paint a PNG of 640 x 360 pixels of a known ``scene``; equal arguments give equal bytes.

    ``name`` moves the disc and the ridges. Raises KeyError for a scene that is not there.
    """
    zenith, horizon, disc, far, near, waves = _SCENES[scene]
    seed = zlib.crc32(name.encode())
    palette = [_between(zenith, horizon, step / (_SKY - 1)) for step in range(_SKY)]
    palette.append(disc)
    palette.extend(_between(far, near, step / (_RIDGES - 1)) for step in range(_RIDGES))
    columns = b"".join(_column(x, seed, waves) for x in range(WIDTH))
    rows = b"".join(b"\0" + columns[y::HEIGHT] for y in range(HEIGHT))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            # 8 bits deep, colour type 3 (palette): PNG (third edition) section 11.2.1
            _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(part for colour in palette for part in colour)),
            _chunk(b"IDAT", zlib.compress(rows, 6)),
            _chunk(b"IEND", b""),
        )
    )


def _column(x: int, seed: int, waves: float) -> bytes:
    """One column of palette numbers, top to bottom: sky, disc, then ridge before ridge."""
    pixels = bytearray(_sky(x, seed))
    for ridge in range(_RIDGES):
        top = _height(x, seed, ridge, waves)
        pixels[top:] = bytes([_SKY + 1 + ridge]) * (HEIGHT - top)
    return bytes(pixels)


def _sky(x: int, seed: int) -> bytes:
    shades = bytes(min(_SKY - 1, y * 2 * _SKY // HEIGHT) for y in range(HEIGHT))
    across = x - (120 + seed % 400)
    radius, middle = 34, 90 + seed % 60
    if abs(across) >= radius:
        return shades
    half = int(math.sqrt(radius**2 - across**2))
    return shades[: middle - half] + bytes([_SKY]) * (2 * half) + shades[middle + half :]


def _height(x: int, seed: int, ridge: int, waves: float) -> int:
    """Where a ridge begins, in pixels from the top: two sines, out of step from name to name."""
    turn = math.tau * x / WIDTH
    phase = (seed >> (ridge * 7)) % 628 / 100
    swell = math.sin(turn * waves / 4 * (1 + ridge / 3) + phase)
    ripple = math.sin(turn * waves + 2 * phase)
    return int(HEIGHT * (0.5 + 0.11 * ridge) + 16 * swell + 7 * ripple)


def _between(start: _Colour, end: _Colour, share: float) -> _Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
