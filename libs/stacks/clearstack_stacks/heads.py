"""Reads the heads of all pages of a TIFF, and nothing else.

A TIFF is a chain of page heads (IFDs). Walking it by hand costs microseconds a page, can't be sent in circles,
and tells what the file claims to hold before a library allocates memory for it.
TIFF 6.0 (Adobe, 1992), section 2; BigTIFF as in libtiff.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from clearstack_stacks.errors import EMPTY, NOT_A_TIFF, TOO_LARGE, TRUNCATED, UNREADABLE, StackRefused
from clearstack_stacks.foreign import name_of_format

if TYPE_CHECKING:
    from pathlib import Path

_MAX_TAGS: Final = 4096
_INTEGERS: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}
_TEXT: Final = {2: "c"}
# The description (270) and where the pixels are: without them a stack is read as something else.
_MUST_BE_WHOLE: Final = {270, 273, 279, 324, 325}
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_SAMPLES, _SAMPLE_FORMAT, _DEPTH = 277, 339, 32997
_TAGS: Final = {
    _SUBFILE,
    _WIDTH,
    _HEIGHT,
    _BITS,
    _COMPRESSION,
    _PHOTOMETRIC,
    _SAMPLES,
    _SAMPLE_FORMAT,
    _DEPTH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHead:
    """What one page claims to be, by its tags of the same names."""

    width: int
    height: int
    depth: int
    bits: int
    num_samples: int
    sample_format: int
    compression: int
    photometric: int
    subfile: int

    @property
    def is_image(self) -> bool:
        """Whether the page is an image itself, not a thumbnail or a mask of another one."""
        return not self.subfile & 0b101

    @property
    def decoded_bytes(self) -> int:
        """Bytes of the page's pixels, decompressed."""
        return self.width * self.height * self.depth * self.num_samples * max(1, (self.bits + 7) // 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """Struct formats of one kind of TIFF."""

    order: str
    big: bool

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def count(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def entry(self) -> str:
        return self.order + ("HHQ8s" if self.big else "HHI4s")


def read_heads(path: Path, *, max_pages: int) -> list[PageHead]:
    """Read the heads of all pages, in the order of the file.

    Raises:
        StackRefused: NOT_A_TIFF, EMPTY (no bytes, no page), TRUNCATED (the chain leaves the file),
            UNREADABLE (the chain goes in circles), TOO_LARGE (more than `max_pages`).
    """
    with path.open("rb") as file:
        num_bytes = file.seek(0, 2)
        file.seek(0)
        layout, offset = _read_header(file, num_bytes)
        heads: list[PageHead] = []
        seen: set[int] = set()
        while offset:
            _check_chain(offset, seen, num_bytes=num_bytes, max_pages=max_pages)
            seen.add(offset)
            head, offset = _read_head(file, layout, offset, page=len(heads) + 1, num_bytes=num_bytes)
            heads.append(head)
    if not heads:
        raise StackRefused(
            EMPTY, "The TIFF holds no page. Save the stack again in the program that it comes from."
        )
    return heads


def _read_header(file: BinaryIO, num_bytes: int) -> tuple[_Format, int]:
    """Kind of TIFF and offset of the first page's head."""
    if num_bytes == 0:
        raise StackRefused(EMPTY, "The file is empty (0 bytes). Copy or save it again.")
    start = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    version = struct.unpack(f"{order}H", start[2:4])[0] if order and len(start) >= 4 else 0  # noqa: PLR2004
    if order is None or version not in {42, 43}:
        raise StackRefused(
            NOT_A_TIFF,
            f"This is not a TIFF file{name_of_format(start)}. "
            "Open it in Fiji and save it with File > Save As > Tiff...",
        )
    layout = _Format(order=order, big=version == 43)  # noqa: PLR2004 - 42 is TIFF, 43 BigTIFF
    try:
        return layout, int(struct.unpack_from(layout.offset, start, 8 if layout.big else 4)[0])
    except struct.error:
        raise _cut_off("within its first bytes") from None


def _check_chain(offset: int, seen: set[int], *, num_bytes: int, max_pages: int) -> None:
    """Refuse an offset that is outside the file, was seen before, or is one too many."""
    if offset in seen:
        raise StackRefused(
            UNREADABLE,
            f"The file is damaged: after page {len(seen)} its list of pages goes in circles. "
            "Copy it again from where it was recorded, or save it again in Fiji.",
        )
    if len(seen) >= max_pages:
        raise StackRefused(
            TOO_LARGE,
            f"The file has more than {max_pages:,} pages, which is the limit here. Split the stack, or ask "
            "whoever runs this installation to raise the limit.",
        )
    if offset >= num_bytes:
        raise _cut_off(
            f"after page {len(seen)}: the next page is said to begin at byte {offset:,} of {num_bytes:,}"
        )


def _read_head(
    file: BinaryIO, layout: _Format, offset: int, *, page: int, num_bytes: int
) -> tuple[PageHead, int]:
    """The head at `offset`, and the offset of the next one (0 after the last)."""
    file.seek(offset)
    try:
        num_tags = struct.unpack(layout.count, file.read(struct.calcsize(layout.count)))[0]
        if num_tags > _MAX_TAGS:
            raise StackRefused(
                UNREADABLE, f"The file is damaged: page {page} has an impossible head. Copy it again."
            )
        entries = file.read(num_tags * struct.calcsize(layout.entry))
        following = struct.unpack(layout.offset, file.read(struct.calcsize(layout.offset)))[0]
        tags = dict(_tags_of(file, layout, entries, num_bytes=num_bytes))
    except struct.error:
        raise _cut_off(f"within the head of page {page}") from None
    return _head_of(tags), int(following)


def _tags_of(file: BinaryIO, layout: _Format, entries: bytes, *, num_bytes: int) -> list[tuple[int, int]]:
    """First value of each tag that is wanted."""
    found: list[tuple[int, int]] = []
    for tag, kind, count, value in struct.iter_unpack(layout.entry, entries):
        if tag in _MUST_BE_WHOLE:
            _check_whole(layout, kind, count, value, num_bytes=num_bytes)
        if tag not in _TAGS or kind not in _INTEGERS or count == 0:
            continue
        item = layout.order + _INTEGERS[kind]
        size = struct.calcsize(item)
        if size * count > len(value):  # the values lie elsewhere in the file
            file.seek(struct.unpack(layout.offset, value)[0])
            value = file.read(size)  # noqa: PLW2901
        found.append((tag, int(struct.unpack_from(item, value)[0])))
    return found


def _check_whole(layout: _Format, kind: int, count: int, value: bytes, *, num_bytes: int) -> None:
    """Refuse a tag whose values lie beyond the end of the file."""
    size = struct.calcsize((_INTEGERS | _TEXT).get(kind, "B")) * count
    if size > len(value) and struct.unpack(layout.offset, value)[0] + size > num_bytes:
        raise _cut_off("before its description of the pixels ends")


def _head_of(tags: dict[int, int]) -> PageHead:
    """The head that the tags describe; what is absent has the standard's default."""
    return PageHead(
        width=tags.get(_WIDTH, 0),
        height=tags.get(_HEIGHT, 0),
        depth=max(1, tags.get(_DEPTH, 1)),
        bits=tags.get(_BITS, 1),
        num_samples=tags.get(_SAMPLES, 1),
        sample_format=tags.get(_SAMPLE_FORMAT, 1),
        compression=tags.get(_COMPRESSION, 1),
        photometric=tags.get(_PHOTOMETRIC, 1),
        subfile=tags.get(_SUBFILE, 0),
    )


def _cut_off(where: str) -> StackRefused:
    """The refusal of a file that ends too early."""
    return StackRefused(
        TRUNCATED, f"The file is cut off {where}. Copy it again; the transfer may not have finished."
    )
