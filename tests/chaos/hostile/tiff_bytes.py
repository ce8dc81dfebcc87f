"""Writes TIFFs tag by tag, so that every tag can lie.

TIFF 6.0 (Adobe, 1992), section 2; BigTIFF as in libtiff.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

SIDE_PX: Final = 32
BYTE, ASCII, SHORT, LONG, FLOAT, DOUBLE, LONG8 = 1, 2, 3, 4, 11, 12, 16
_FORMATS: Final = {SHORT: "H", LONG: "I", FLOAT: "f", DOUBLE: "d", LONG8: "Q"}

(
    WIDTH,
    HEIGHT,
    BITS,
    COMPRESSION,
    PHOTOMETRIC,
    DESCRIPTION,
    OFFSETS,
    SAMPLES,
    ROWS,
    COUNTS,
    PLANAR,
    PREDICTOR,
    TILE_WIDTH,
    TILE_HEIGHT,
    TILE_OFFSETS,
    TILE_COUNTS,
    SUB_IFDS,
    SAMPLE_FORMAT,
    DEPTH,
) = (256, 257, 258, 259, 262, 270, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 330, 339, 32997)

PIXELS: Final = np.random.default_rng(1).integers(0, 256, SIDE_PX * SIDE_PX).astype(np.uint8).tobytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag.

    Attributes:
        code: which one.
        kind: TIFF's number of the type.
        values: numbers, or bytes as they are to stand in the file.
        count: number of values that is claimed; None = the true one.
        at: where the values are said to lie; None = where they do.
    """

    code: int
    kind: int = LONG
    values: tuple[float, ...] | bytes = (0,)
    count: int | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Tags by their codes, and where the next page is said to be: None = where it is."""

    tags: dict[int, Tag] = field(default_factory=dict)
    following: int | None = None
    num_tags: int | None = None

    def having(self, *tags: Tag) -> Page:
        """The page with other tags."""
        return replace(self, tags={**self.tags, **{tag.code: tag for tag in tags}})

    def without(self, *codes: int) -> Page:
        """The page without some tags."""
        return replace(self, tags={code: tag for code, tag in self.tags.items() if code not in codes})


def number(
    code: int, *values: float, kind: int = LONG, count: int | None = None, at: int | None = None
) -> Tag:
    """A tag of numbers."""
    return Tag(code=code, kind=kind, values=values, count=count, at=at)


def text(content: bytes, code: int = DESCRIPTION) -> Tag:
    """A tag of text, with the zero at its end."""
    return Tag(code=code, kind=ASCII, values=content + b"\0")


def plain_page(offset: int, num_bytes: int = len(PIXELS), side_px: int = SIDE_PX) -> Page:
    """A good page of 8 bits whose pixels lie at `offset`."""
    values = {
        WIDTH: side_px,
        HEIGHT: side_px,
        BITS: 8,
        COMPRESSION: 1,
        PHOTOMETRIC: 1,
        OFFSETS: offset,
        SAMPLES: 1,
        ROWS: side_px,
        COUNTS: num_bytes,
    }
    return Page(tags={code: number(code, value) for code, value in values.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffKind:
    """Byte order and size of offsets."""

    order: str = "<"
    big: bool = False

    @property
    def head_bytes(self) -> int:
        """Where the data of a file begin."""
        return 16 if self.big else 8

    def assemble(self, pages: list[Page], data: bytes = PIXELS) -> bytes:
        """A file: head, `data`, the pages, each followed by those of its values that don't fit into its tags."""
        out = bytearray(self._head(self.head_bytes + len(data)) + data)
        for index, page in enumerate(pages):
            out += self._page(page, len(out), is_last=index == len(pages) - 1)
        return bytes(out)

    def _head(self, first: int) -> bytes:
        mark = b"II" if self.order == "<" else b"MM"
        if self.big:
            return mark + struct.pack(self.order + "HHHQ", 43, 8, 0, first)
        return mark + struct.pack(self.order + "HI", 42, first)

    def _page(self, page: Page, offset: int, *, is_last: bool) -> bytes:
        entry_bytes, head, link = (20, "Q", "Q") if self.big else (12, "H", "I")
        size = struct.calcsize("=" + head) + entry_bytes * len(page.tags) + struct.calcsize("=" + link)
        entries, extra = b"", b""
        for code in sorted(page.tags):
            entry, more = self._entry(page.tags[code], offset + size + len(extra))
            entries, extra = entries + entry, extra + more
        end = offset + size + len(extra)
        following = page.following if page.following is not None else (0 if is_last else end)
        num_tags = len(page.tags) if page.num_tags is None else page.num_tags
        return self._pack(head, num_tags) + entries + self._pack(link, following) + extra

    def _entry(self, tag: Tag, free: int) -> tuple[bytes, bytes]:
        room = 8 if self.big else 4
        data = tag.values if isinstance(tag.values, bytes) else self._values(tag.kind, tag.values)
        true_count = len(tag.values)
        count = true_count if tag.count is None else tag.count
        inline = len(data) <= room and tag.at is None
        place = (
            data.ljust(room, b"\0")
            if inline
            else self._pack("Q" if self.big else "I", free if tag.at is None else tag.at)
        )
        counted = self._pack("Q" if self.big else "I", count)
        return self._pack("H", tag.code) + self._pack(
            "H", tag.kind
        ) + counted + place, b"" if inline else data

    def _values(self, kind: int, values: tuple[float, ...]) -> bytes:
        return b"".join(
            struct.pack(self.order + _FORMATS[kind], value if kind in {FLOAT, DOUBLE} else int(value))
            for value in values
        )

    def _pack(self, form: str, value: int) -> bytes:
        largest = 2 ** (8 * struct.calcsize("=" + form))
        return struct.pack(self.order + form, value % largest)


KINDS: Final = {
    "II": TiffKind(),
    "MM": TiffKind(order=">"),
    "BigII": TiffKind(big=True),
    "BigMM": TiffKind(order=">", big=True),
}
