"""Reads the parts that a TIFF is made of: its header, and the lists of tags (IFDs) that are chained from there.

TIFF 6.0 (Adobe, 1992), section 2; BigTIFF as in libtiff.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from clearstack_stacks.errors import EMPTY, NOT_A_TIFF, TRUNCATED, UNREADABLE, StackRefused
from clearstack_stacks.foreign import name_of_format

_MAX_TAGS: Final = 4096
_TIFF, _BIGTIFF = 42, 43
_VERSION_END: Final = 4
_INTEGERS: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}
_TEXT: Final = {2: "c"}
# The description (270) and where the pixels are: without them a stack is read as something else.
_MUST_BE_WHOLE: Final = frozenset({270, 273, 279, 324, 325})


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffBytes:
    """An opened TIFF, its size, and the struct formats of its kind.

    Attributes:
        file: opened for reading, in binary.
        num_bytes: its size.
        order: "<" or ">", as in struct.
        big: whether it is a BigTIFF.
    """

    file: BinaryIO
    num_bytes: int
    order: str
    big: bool

    @property
    def offset(self) -> str:
        """Format of an offset."""
        return self.order + ("Q" if self.big else "I")

    @property
    def count(self) -> str:
        """Format of the number of tags."""
        return self.order + ("Q" if self.big else "H")

    @property
    def entry(self) -> str:
        """Format of a tag: code, type, number of values, the values or their offset."""
        return self.order + ("HHQ8s" if self.big else "HHI4s")

    def read_at(self, offset: int, size: int) -> bytes:
        """Bytes from `offset`; fewer than `size` at the end of the file, none beyond it."""
        if offset >= self.num_bytes:
            return b""
        self.file.seek(offset)
        return self.file.read(size)


def read_header(file: BinaryIO) -> tuple[TiffBytes, int]:
    """Kind of TIFF, and offset of its first page's tags.

    Raises:
        StackRefused: EMPTY, NOT_A_TIFF or TRUNCATED.
    """
    num_bytes = file.seek(0, 2)
    if num_bytes == 0:
        raise StackRefused(EMPTY, "The file is empty (0 bytes). Copy or save it again.")
    file.seek(0)
    start = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    version = struct.unpack(f"{order}H", start[2:4])[0] if order and len(start) >= _VERSION_END else 0
    if order is None or version not in {_TIFF, _BIGTIFF}:
        raise StackRefused(
            NOT_A_TIFF,
            f"This is not a TIFF file{name_of_format(start)}. "
            "Open it in Fiji and save it with File > Save As > Tiff...",
        )
    tiff = TiffBytes(file=file, num_bytes=num_bytes, order=order, big=version == _BIGTIFF)
    try:
        return tiff, int(struct.unpack_from(tiff.offset, start, 8 if tiff.big else 4)[0])
    except struct.error:
        raise cut_off("within its first bytes") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ifd:
    """One list of tags.

    Attributes:
        values: first values of the integer tags that were wanted.
        following: offset of the next page's list, 0 after the last.
        num_bytes: length of the list in the file.
    """

    values: dict[int, int]
    following: int
    num_bytes: int


def read_tags(tiff: TiffBytes, offset: int, wanted: frozenset[int], *, page: int) -> Ifd:
    """Read the list of tags at `offset`.

    Raises:
        StackRefused: TRUNCATED or UNREADABLE.
    """
    head = struct.calcsize(tiff.count)
    try:
        num_tags = struct.unpack(tiff.count, tiff.read_at(offset, head))[0]
        if num_tags > _MAX_TAGS:
            raise StackRefused(
                UNREADABLE, f"The file is damaged: page {page} has an impossible head. Copy it again."
            )
        size = num_tags * struct.calcsize(tiff.entry)
        entries = tiff.read_at(offset + head, size)
        end = tiff.read_at(offset + head + size, struct.calcsize(tiff.offset))
        following = int(struct.unpack(tiff.offset, end)[0])
        return Ifd(
            values=_values(tiff, entries, wanted), following=following, num_bytes=head + size + len(end)
        )
    except struct.error:
        raise cut_off(f"within the head of page {page}") from None


def _values(tiff: TiffBytes, entries: bytes, wanted: frozenset[int]) -> dict[int, int]:
    """First value of each integer tag that is wanted."""
    found: dict[int, int] = {}
    for tag, kind, count, value in struct.iter_unpack(tiff.entry, entries):
        if tag in _MUST_BE_WHOLE:
            _check_whole(tiff, kind, count, value)
        if tag not in wanted or kind not in _INTEGERS or count == 0:
            continue
        item = tiff.order + _INTEGERS[kind]
        size = struct.calcsize(item)
        inline = size * count <= len(value)
        data = value if inline else tiff.read_at(struct.unpack(tiff.offset, value)[0], size)
        found[tag] = int(struct.unpack_from(item, data)[0])
    return found


def _check_whole(tiff: TiffBytes, kind: int, count: int, value: bytes) -> None:
    """Refuse a tag whose values lie beyond the end of the file."""
    size = struct.calcsize((_INTEGERS | _TEXT).get(kind, "B")) * count
    if size > len(value) and struct.unpack(tiff.offset, value)[0] + size > tiff.num_bytes:
        raise cut_off("before its description of the pixels ends")


def cut_off(where: str) -> StackRefused:
    """The refusal of a file that ends too early."""
    return StackRefused(
        TRUNCATED, f"The file is cut off {where}. Copy it again; the transfer may not have finished."
    )
