"""Reads the heads of all pages of a TIFF, and nothing else.

Walking the chain of pages by hand costs microseconds a page, can't be sent in circles, and tells what the file claims
to hold before a library allocates memory for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clearstack_stacks.errors import EMPTY, TOO_LARGE, UNREADABLE, StackRefused
from clearstack_stacks.ifd import cut_off, read_header, read_tags

if TYPE_CHECKING:
    from pathlib import Path

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_SAMPLES, _SAMPLE_FORMAT, _DEPTH = 277, 339, 32997
_SIZES: Final = frozenset({_SUBFILE, _WIDTH, _HEIGHT, _DEPTH})
_TAGS: Final = _SIZES | {_BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _SAMPLE_FORMAT}


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


def read_heads(path: Path, *, max_pages: int) -> list[PageHead]:
    """Read the heads of all pages, in the order of the file.

    Raises:
        StackRefused: NOT_A_TIFF, EMPTY (no bytes, no page), TRUNCATED (the chain leaves the file),
            UNREADABLE (the chain goes in circles, or its lists overlap), TOO_LARGE (more than `max_pages`).
    """
    heads: list[PageHead] = []
    seen: set[int] = set()
    num_bytes = 0
    with path.open("rb") as file:
        tiff, offset = read_header(file)
        while offset:
            _check_chain(offset, seen, num_bytes=tiff.num_bytes, max_pages=max_pages)
            seen.add(offset)
            ifd = read_tags(tiff, offset, _TAGS, page=len(seen))
            num_bytes += ifd.num_bytes
            _check_apart(num_bytes, tiff.num_bytes)
            heads.append(_head_of(ifd.values))
            offset = ifd.following
    if not heads:
        raise StackRefused(
            EMPTY, "The TIFF holds no page. Save the stack again in the program that it comes from."
        )
    return heads


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
        raise cut_off(
            f"after page {len(seen)}: the next page is said to begin at byte {offset:,} of {num_bytes:,}"
        )


def _check_apart(num_bytes: int, file_bytes: int) -> None:
    """Refuse lists of tags that lie on top of each other: reading them would cost far more than their file has bytes."""
    if num_bytes > file_bytes:
        raise StackRefused(
            UNREADABLE,
            "The file is damaged: the heads of its pages overlap. Copy it again from where it was recorded, or save it "
            "again in Fiji.",
        )


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
