"""Cuts an image into tiles that overlap by the receptive field, so that the pieces fit without a seam.

Every tile is computed with all the surroundings that can change its inner part; only that part is kept. What comes
out is what the whole image would give in one piece.

Axes: Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Span:
    """Along one axis: read from `start` to `stop`, keep from `keep_start` to `keep_stop`; pixels of the image."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    @property
    def outer(self) -> slice:
        """What a tile reads, in the image."""
        return slice(self.start, self.stop)

    @property
    def kept(self) -> slice:
        """What a tile writes, in the image."""
        return slice(self.keep_start, self.keep_stop)

    @property
    def inner(self) -> slice:
        """What a tile writes, in the tile."""
        return slice(self.keep_start - self.start, self.keep_stop - self.start)


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of an image."""

    rows: Span
    columns: Span


def spans(length: int, *, tile_px: int, overlap_px: int, multiple_px: int) -> list[Span]:
    """Cover an axis with spans of at most `tile_px` that begin at multiples of `multiple_px`.

    Args:
        length: of the axis, itself a multiple of `multiple_px`.
        tile_px: a multiple of `multiple_px`, more than twice the overlap.
        overlap_px: surroundings to be read on each side within the image; rounded up to `multiple_px`.
        multiple_px: pooling must fall on the same pixels in every tile as in the whole image.

    Raises:
        ValueError: the tile has no room for its overlap.
    """
    overlap_px = _round_up(overlap_px, multiple_px)
    if length > tile_px and tile_px <= 2 * overlap_px:
        raise ValueError(f"A tile of {tile_px} px has no room for an overlap of {overlap_px} px on each side")
    found = []
    keep = 0
    while keep < length:
        start = max(0, keep - overlap_px)
        stop = min(length, start + tile_px)
        keep_stop = length if stop == length else stop - overlap_px
        found.append(Span(start, stop, keep, keep_stop))
        keep = keep_stop
    return found


def tiles(
    num_rows: int, num_columns: int, *, max_pixels: int, overlap_px: int, multiple_px: int
) -> Iterator[Tile]:
    """Cover an image, row by row, with tiles of at most `max_pixels`; see `spans` for the rest.

    Of all ways to cut it the one with the fewest pixels in all is taken: where a network sees far, what overlaps is
    most of the work.

    Raises:
        ValueError: a tile has no room for its overlap.
    """
    overlap_px = _round_up(overlap_px, multiple_px)
    rows_px, columns_px = _best_size(num_rows, num_columns, max_pixels, overlap_px, multiple_px)
    rows = spans(num_rows, tile_px=rows_px, overlap_px=overlap_px, multiple_px=multiple_px)
    columns = spans(num_columns, tile_px=columns_px, overlap_px=overlap_px, multiple_px=multiple_px)
    for row, column in product(rows, columns):
        yield Tile(row, column)


def _best_size(
    num_rows: int, num_columns: int, max_pixels: int, overlap_px: int, multiple_px: int
) -> tuple[int, int]:
    """Rows and columns of the tiles that make the least work."""
    found = []
    for count, rows_px in _sides(num_rows, overlap_px, multiple_px):
        affordable_px = max_pixels // rows_px // multiple_px * multiple_px
        if affordable_px < min(num_columns, 2 * overlap_px + multiple_px):
            continue
        columns = spans(num_columns, tile_px=affordable_px, overlap_px=overlap_px, multiple_px=multiple_px)
        # As many tiles, all of one size: less memory.
        columns_px = _side(num_columns, len(columns), overlap_px, multiple_px)
        work = (num_rows + 2 * overlap_px * (count - 1)) * sum(span.stop - span.start for span in columns)
        found.append((work, rows_px, columns_px))
    if not found:
        raise ValueError(
            f"A tile of {max_pixels} pixels has no room for an overlap of {overlap_px} px on each side"
        )
    _, rows_px, columns_px = min(found)
    return rows_px, columns_px


def _sides(length: int, overlap_px: int, multiple_px: int) -> Iterator[tuple[int, int]]:
    """How long tiles are when there are 1, 2, 3, ... of them on an axis, down to the smallest possible."""
    for count in range(1, length // multiple_px + 1):
        side_px = _side(length, count, overlap_px, multiple_px)
        if count > 1 and side_px <= 2 * overlap_px:
            return
        yield count, side_px


def _side(length: int, count: int, overlap_px: int, multiple_px: int) -> int:
    """The length of `count` equal tiles that cover an axis."""
    return _round_up(-(-(length + 2 * overlap_px * (count - 1)) // count), multiple_px)


def _round_up(length: int, multiple_px: int) -> int:
    return -(-length // multiple_px) * multiple_px
