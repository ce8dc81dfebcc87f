"""A slice at full size, half, a quarter and so on, for a viewer that asks for squares of it.

Axes of arrays: Y row, X column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE_PX: Final = 256
# Of small integers the fraction of a mean is kept, too: a viewer subtracts one stack from another.
_FINE: Final = 256
# Integers of at most so many bytes become 16-bit samples, all else 32-bit floats.
_SHORT_BYTES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pyramid:
    """One slice; brightness = sample × scale + offset.

    Attributes:
        levels: uint16 or float32 arrays YX, each with half of the sides of the one before, rounded up; the last fits
            into one tile.
        scale: See above.
        offset: See above.
    """

    levels: tuple[NDArray[Any], ...]
    scale: float
    offset: float

    @property
    def num_bytes(self) -> int:
        """Memory that it takes."""
        return sum(level.nbytes for level in self.levels)

    def tile(self, level: int, column: int, row: int) -> NDArray[Any]:
        """A square of at most `TILE_PX`, little-endian.

        Raises:
            IndexError: there is no such level, or no such tile in it.
        """
        pixels_YX = self.levels[level]
        top, left = row * TILE_PX, column * TILE_PX
        if min(level, row, column) < 0 or top >= pixels_YX.shape[0] or left >= pixels_YX.shape[1]:
            raise IndexError(f"tile {column}, {row} of level {level}")
        tile_YX = pixels_YX[top : top + TILE_PX, left : left + TILE_PX]
        return np.ascontiguousarray(tile_YX, tile_YX.dtype.newbyteorder("<"))


def level_shapes(height: int, width: int) -> list[tuple[int, int]]:
    """Height and width of each level."""
    shapes = [(height, width)]
    while max(shapes[-1]) > TILE_PX:
        shapes.append(((shapes[-1][0] + 1) // 2, (shapes[-1][1] + 1) // 2))
    return shapes


def pyramid_bytes(height: int, width: int, dtype: np.dtype[Any]) -> int:
    """Memory that a slice of this shape takes as a pyramid."""
    sample_bytes = 2 if dtype.kind in "iub" and dtype.itemsize <= _SHORT_BYTES else 4
    return sum(rows * columns for rows, columns in level_shapes(height, width)) * sample_bytes


def build_pyramid(slice_YX: NDArray[Any]) -> Pyramid:
    """All levels of a slice of real numbers or booleans."""
    samples_YX, scale, offset = _samples(slice_YX)
    levels = [samples_YX]
    for _ in level_shapes(*slice_YX.shape)[1:]:
        levels.append(_halved(levels[-1]))
    return Pyramid(levels=tuple(levels), scale=scale, offset=offset)


def _samples(slice_YX: NDArray[Any]) -> tuple[NDArray[Any], float, float]:
    """The slice as samples, their scale and offset."""
    dtype = slice_YX.dtype
    if dtype.kind not in "iub" or dtype.itemsize > _SHORT_BYTES:
        return slice_YX.astype(np.float32), 1.0, 0.0
    lowest = int(np.iinfo(dtype).min) if dtype.kind == "i" else 0
    if dtype.itemsize == 1:
        shifted_YX = slice_YX.astype(np.int32) - lowest
        return (shifted_YX * _FINE).astype(np.uint16), 1 / _FINE, float(lowest)
    if lowest:
        return (slice_YX.astype(np.int32) - lowest).astype(np.uint16), 1.0, float(lowest)
    return slice_YX.astype(np.uint16, copy=False), 1.0, 0.0


def _halved(level_YX: NDArray[Any]) -> NDArray[Any]:
    """Means of 2 × 2 pixels; at an odd edge, of those that there are."""
    height, width = level_YX.shape
    if height % 2 or width % 2:
        level_YX = np.pad(level_YX, ((0, height % 2), (0, width % 2)), mode="edge")
    is_short = level_YX.dtype == np.uint16
    sum_YX: NDArray[Any] = level_YX[0::2, 0::2].astype(np.uint32 if is_short else np.float32)
    for quarter_YX in (level_YX[0::2, 1::2], level_YX[1::2, 0::2], level_YX[1::2, 1::2]):
        sum_YX += quarter_YX
    if not is_short:
        sum_YX /= 4
        return sum_YX
    sum_YX += 2  # so that halves are rounded up
    sum_YX >>= 2
    return sum_YX.astype(np.uint16)
