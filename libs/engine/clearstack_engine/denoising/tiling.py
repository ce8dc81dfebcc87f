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
    if length <= tile_px:
        return [Span(0, length, 0, length)]
    overlap_px = -(-overlap_px // multiple_px) * multiple_px
    step = tile_px - 2 * overlap_px
    if step <= 0:
        raise ValueError(f"A tile of {tile_px} px has no room for an overlap of {overlap_px} px on each side")
    return [
        Span(max(0, keep - overlap_px), min(length, keep + step + overlap_px), keep, min(length, keep + step))
        for keep in range(0, length, step)
    ]


def tiles(
    num_rows: int, num_columns: int, *, tile_px: int, overlap_px: int, multiple_px: int
) -> Iterator[Tile]:
    """Cover an image, row by row; see `spans`."""
    rows = spans(num_rows, tile_px=tile_px, overlap_px=overlap_px, multiple_px=multiple_px)
    columns = spans(num_columns, tile_px=tile_px, overlap_px=overlap_px, multiple_px=multiple_px)
    for row, column in product(rows, columns):
        yield Tile(row, column)
