"""Sizes that are impossible, strips that lie, compressed pixels that swell or are not what they claim to be."""

from __future__ import annotations

import lzma
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import imagecodecs
import numpy as np
from chaos.hostile.case import Case
from chaos.hostile.tiff_bytes import (
    BITS,
    COMPRESSION,
    COUNTS,
    DOUBLE,
    FLOAT,
    HEIGHT,
    KINDS,
    LONG8,
    OFFSETS,
    PHOTOMETRIC,
    PIXELS,
    PLANAR,
    PREDICTOR,
    ROWS,
    SAMPLE_FORMAT,
    SAMPLES,
    SHORT,
    SIDE_PX,
    TILE_COUNTS,
    TILE_HEIGHT,
    TILE_OFFSETS,
    TILE_WIDTH,
    WIDTH,
    Tag,
    TiffKind,
    number,
    plain_page,
)

_FAR: Final = 2**31 - 1
# Pixels that are not compressed lie where they lie, however their strips are counted: they are read, and nothing is invented.
_HARMLESS: Final = (
    "0 samples",
    "7 bits",  # packed pixels: fewer bytes than there are
    *(f"strips of {size} bytes" for size in (0, 2000, 10**6, _FAR, 2**32 - 1)),
    *(f"{rows} rows a strip" for rows in (1, 3, 31)),
    "a strip for each row, one count",
    "tiles of 1 x 1",
    "counts are negative",
)
# Whatever the bytes are, they can be read as a fax.
_FAX: Final = (2, 3, 4, 32_771)
_SIDES: Final = (
    (0, 0),
    (0, 32),
    (32, 0),
    (1, 1),
    (15, 4000),
    (200_000, 200_000),
    (2**16, 2**16),
    (2**31 - 1, 2**31 - 1),
    (2**32 - 1, 2),
    (2**32 - 1, 2**32 - 1),
    (40_000, 33),
    (33, 2**30),
)


def cases() -> list[Case]:
    """All of them; those of tags in both byte orders and both sizes of offsets."""
    found = [
        Case(
            family="claims",
            name=f"{name}, {kind}",
            build=partial(_with_tags, tiff, tags),
            must_be_refused=name not in _HARMLESS,
        )
        for name, tags in _claims().items()
        for kind, tiff in KINDS.items()
    ]
    found += [
        Case(family="missing", name=f"without {code}, {kind}", build=partial(_without, tiff, code))
        for code in (WIDTH, HEIGHT, OFFSETS, COUNTS, BITS)
        for kind, tiff in KINDS.items()
        # One strip that is not compressed needs no count, and a TIFF without a number of bits has one.
        if code != COUNTS
    ]
    found += [
        Case(
            family="bombs",
            name=f"{name}, {num_pixels >> 20} MiPixels",
            build=partial(_bomb, method, num_pixels),
        )
        for name, method in _METHODS.items()
        for num_pixels in (4 << 20, 49 << 20, 121 << 20)  # squares
    ]
    found += [
        Case(
            family="bombs",
            name=f"{name}, 256 MiB behind {SIDE_PX} x {SIDE_PX} pixels",
            build=partial(_swelling, _METHODS[name], 256 << 20),
        )
        for name in ("deflate", "lzma", "packbits", "zstd")
    ]
    found += [
        Case(
            family="codecs",
            name=f"{what} as {method}",
            build=partial(_with_data, content, method),
            must_be_refused=method not in _FAX,
        )
        for what, content in _contents()
        for method in _CODES
    ]
    return found


def _with_tags(tiff: TiffKind, tags: list[Tag]) -> bytes:
    return tiff.assemble([plain_page(tiff.head_bytes).having(*tags)])


def _without(tiff: TiffKind, code: int) -> bytes:
    return tiff.assemble([plain_page(tiff.head_bytes).without(code)])


def _claims() -> dict[str, list[Tag]]:
    """Tags that claim what is not so."""
    found = {
        f"{width} x {height}": [number(WIDTH, width), number(HEIGHT, height)] for width, height in _SIDES
    }
    found |= {
        f"{bits} bits": [number(BITS, bits, kind=SHORT)] for bits in (0, 1, 7, 33, 65, 128, 4096, 65_535)
    }
    found |= {f"{samples} samples": [number(SAMPLES, samples)] for samples in (0, 2, 3, 4, 65_535, _FAR)}
    found |= {f"kind of number {kind}": [number(SAMPLE_FORMAT, kind)] for kind in (0, 5, 6, 99, 65_535)}
    found |= {f"colours {colour}": [number(PHOTOMETRIC, colour)] for colour in (2, 3, 4, 5, 6, 8, 32803)}
    found |= {
        f"strips at {offset}": [number(OFFSETS, offset)] for offset in (0, 1170, 10**6, 2**31, 2**32 - 1)
    }
    found |= {f"strips of {size} bytes": [number(COUNTS, size)] for size in (0, 2000, 10**6, _FAR, 2**32 - 1)}
    found |= {f"{rows} rows a strip": [number(ROWS, rows)] for rows in (1, 3, 31)}
    return found | _lying_strips() | _lying_tiles() | _odd_types()


def _lying_strips() -> dict[str, list[Tag]]:
    """More or fewer strips than rows, all over the same bytes, or none."""
    same = [8] * SIDE_PX
    return {
        "a strip for each row, one count": [number(ROWS, 1), number(OFFSETS, *same)],
        "a million strips claimed": [
            number(ROWS, 1),
            number(OFFSETS, *same, count=10**6),
            number(COUNTS, *same, count=10**6),
        ],
        "2**31 strips claimed": [number(OFFSETS, 8, count=_FAR, at=8), number(COUNTS, 8, count=_FAR, at=8)],
        "no strips": [number(OFFSETS, 8, count=0), number(COUNTS, 8, count=0)],
        "strips over the same bytes": [
            number(WIDTH, 4000),
            number(HEIGHT, 4000),
            number(ROWS, 1),
            number(OFFSETS, *[16] * 4000),
            number(COUNTS, *[1000] * 4000),
        ],
        "each strip the whole file": [
            number(WIDTH, 1000),
            number(HEIGHT, 3200),
            number(ROWS, 1),
            number(OFFSETS, *[16] * 3200),
            number(COUNTS, *[1000] * 3200),
        ],
        "planes apart": [number(PLANAR, 2), number(SAMPLES, 3)],
        "an unknown compression": [number(COMPRESSION, 64_999)],
        "an unknown predictor": [number(PREDICTOR, 77), number(COMPRESSION, 8)],
    }


def _lying_tiles() -> dict[str, list[Tag]]:
    """Tiles of no size, of a huge one, and fewer than needed."""

    def tiles(width: int, height: int, num_tiles: int = 1, count: int | None = None) -> list[Tag]:
        return [
            number(TILE_WIDTH, width),
            number(TILE_HEIGHT, height),
            number(TILE_OFFSETS, *[16] * num_tiles, count=count),
            number(TILE_COUNTS, *[64] * num_tiles, count=count),
        ]

    return {
        "tiles of 0 x 0": tiles(0, 0),
        "tiles of 0 x 16": tiles(0, 16),
        "tiles of 1 x 1": tiles(1, 1),
        "tiles of 2**31": tiles(_FAR, _FAR),
        "tiles of 60,000": tiles(60_000, 60_000),
        "tiles of 20,000, deflate": [*tiles(20_000, 20_000), number(COMPRESSION, 8)],
        "too few tiles": tiles(16, 16, 1),
        "2**30 tiles claimed": tiles(16, 16, 4, count=2**30),
    }


def _odd_types() -> dict[str, list[Tag]]:
    """Numbers of a type that they should not have."""
    nan, endless = float("nan"), float("inf")
    return {
        "width is NaN": [number(WIDTH, nan, kind=DOUBLE)],
        "width is infinite": [number(WIDTH, endless, kind=FLOAT)],
        "height is text": [Tag(code=HEIGHT, kind=2, values=b"32\0")],
        "width is -32": [Tag(code=WIDTH, kind=9, values=struct.pack("<i", -32))],
        "width of type 0": [Tag(code=WIDTH, kind=0, values=b"\x20\0\0\0")],
        "width of type 999": [Tag(code=WIDTH, kind=999, values=b"\x20\0\0\0")],
        "offsets are NaN": [number(OFFSETS, nan, kind=DOUBLE)],
        "offsets are text": [Tag(code=OFFSETS, kind=2, values=b"everywhere\0")],
        "counts are negative": [Tag(code=COUNTS, kind=9, values=struct.pack("<i", -1))],
        "offsets of 64 bits": [number(OFFSETS, 2**63 + 11, kind=LONG8)],
        "bits are NaN": [number(BITS, nan, kind=DOUBLE)],
        "bits beyond the file": [number(BITS, 8, kind=SHORT, count=1000, at=_FAR)],
    }


def _in_one_strip(side_px: int, data: bytes, method: int) -> bytes:
    page = plain_page(8, len(data), side_px).having(number(COMPRESSION, method))
    return TiffKind().assemble([page], data)


def _bomb(method: int, num_pixels: int) -> bytes:
    return _in_one_strip(math.isqrt(num_pixels), _PACKERS[method](num_pixels), method)


def _swelling(method: int, num_bytes: int) -> bytes:
    """A small page whose pixels would unpack to far more than it has."""
    return _in_one_strip(SIDE_PX, _PACKERS[method](num_bytes), method)


def _deflated(num_bytes: int) -> bytes:
    packer = zlib.compressobj(6)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(num_bytes >> 20)) + packer.flush()


def _lzma(num_bytes: int) -> bytes:
    packer = lzma.LZMACompressor(preset=0)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(num_bytes >> 20)) + packer.flush()


def _image(encode: Callable[..., bytes | bytearray], num_pixels: int) -> bytes:
    side = math.isqrt(num_pixels)
    return bytes(encode(np.zeros((side, side), np.uint8)))


_PACKERS: Final[dict[int, Callable[[int], bytes]]] = {
    5: lambda size: bytes(imagecodecs.lzw_encode(bytes(size))),
    7: partial(_image, imagecodecs.jpeg_encode),
    8: _deflated,
    32773: lambda size: b"\x81\0" * (size >> 7),
    34925: _lzma,
    34933: partial(_image, partial(imagecodecs.png_encode, level=1)),
    50000: lambda size: bytes(imagecodecs.zstd_encode(bytes(size))),
}
_METHODS: Final = {
    "lzw": 5,
    "jpeg": 7,
    "deflate": 8,
    "packbits": 32773,
    "lzma": 34925,
    "png": 34933,
    "zstd": 50000,
}
# Every method that the reader knows, by its number in a TIFF.
_CODES: Final = (
    2, 3, 4, 5, 6, 7, 8, 32773, 32809, 32946, 33003, 33005, 34676, 34677, 34712, 34887, 34892, 34925, 34926, 34927,
    34933, 34934, 50000, 50001, 50002, 52546, 65000, 65001, 65002,
)  # fmt: skip


def _with_data(content: bytes, method: int) -> bytes:
    return _in_one_strip(SIDE_PX, content, method)


def _contents() -> Iterator[tuple[str, bytes]]:
    """What is no stream of the compression that is claimed."""
    yield "noise", np.random.default_rng(5).bytes(4000)
    yield "zeros", bytes(4000)
    yield "a cut stream", zlib.compress(PIXELS)[:100]
    yield "a JPEG of 65,500 x 65,500", _jpeg_head(65_500)


def _jpeg_head(side: int) -> bytes:
    """A JPEG whose frame claims that size, and has next to nothing."""
    content = bytearray(imagecodecs.jpeg_encode(np.frombuffer(PIXELS, np.uint8).reshape(SIDE_PX, SIDE_PX)))
    frame = content.index(b"\xff\xc0")
    struct.pack_into(">HH", content, frame + 5, side, side)
    return bytes(content)
