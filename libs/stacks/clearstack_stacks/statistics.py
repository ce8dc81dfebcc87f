"""Statistics of a stack, gathered slice by slice, and what they say against it.

Axes of arrays: Y row, X column.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from clearstack_stacks.errors import CONSTANT, NOT_FINITE, UNSUPPORTED_DTYPE, StackRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_BLOCK_PIXELS: Final = 2**20
_SATURATED_SHARE: Final = 0.01
_NATIVE: Final = frozenset({"uint8", "uint16", "int16", "float16", "float32"})
_CHECKED: Final = frozenset({"int32", "uint32", "float64"})
# A camera of k bits saturates at 2^k - 1, whatever the file's dtype.
_FULL_SCALES: Final = frozenset(2**bits - 1 for bits in (8, 10, 11, 12, 13, 14, 15, 16, 24, 31, 32))
_SHOWN_SLICES: Final = 5


class Statistics:
    """Running minimum, maximum, mean and deviation; memory does not grow with the stack."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        """Begin a stack of `dtype`.

        Raises:
            StackRefused: UNSUPPORTED_DTYPE.
        """
        if dtype.name not in _NATIVE | _CHECKED:
            raise StackRefused(
                UNSUPPORTED_DTYPE,
                f"The pixels are {dtype.name}. Clearstack takes uint8, uint16 and float32 (and int16, int32, uint32, float16, "
                "float64 where no value is changed by float32). In Fiji: Image > Type > 16-bit or 32-bit.",
            )
        self._dtype = dtype
        self._count = 0
        self._squares = 0.0
        self._best = -math.inf
        self._num_at_max = 0
        self._constant: list[int] = []
        self.mean = 0.0
        self.min = math.inf
        self.max = -math.inf

    @property
    def std(self) -> float:
        """Standard deviation of all pixels so far."""
        return math.sqrt(self._squares / self._count) if self._count else 0.0

    def add(self, slice_YX: NDArray[Any], *, z: int) -> None:
        """Take in slice `z` (from 0).

        Raises:
            StackRefused: NOT_FINITE or UNSUPPORTED_DTYPE (a value that float32 would change).
        """
        low, high = math.inf, -math.inf
        for block in _blocks(slice_YX):
            self._check_values(block, z)
            block_low, block_high = float(block.min()), float(block.max())
            self._count_maximum(block, block_high)
            self._merge(block)
            low, high = min(low, block_low), max(high, block_high)
        if low == high:
            self._constant.append(z)
        self.min, self.max = min(self.min, low), max(self.max, high)

    def check(self) -> None:
        """Refuse what only the whole stack shows.

        Raises:
            StackRefused: CONSTANT.
        """
        if self.min == self.max:
            raise StackRefused(
                CONSTANT,
                f"Every pixel of the stack is {self.min:g}: there is nothing to learn from. Check the export; the wrong "
                "channel, or a closed shutter, looks like this.",
            )

    def warnings(self) -> tuple[str, ...]:
        """What is accepted, but may spoil the result."""
        found = []
        share = self._num_at_max / max(1, self._count)
        if share > _SATURATED_SHARE and self._is_full_scale():
            found.append(
                f"{share:.1%} of the pixels are saturated (at {self.max:g}). What is cut off there can't be denoised; "
                "use less exposure or gain next time.",
            )
        if self._constant:
            numbers = ", ".join(str(z + 1) for z in self._constant[:_SHOWN_SLICES])
            more = ", ..." if len(self._constant) > _SHOWN_SLICES else ""
            word = "Slice" if len(self._constant) == 1 else f"{len(self._constant)} slices"
            listed = f" {numbers}" if len(self._constant) == 1 else f" ({numbers}{more})"
            verb = "is" if len(self._constant) == 1 else "are"
            found.append(
                f"{word}{listed} {verb} constant (one value everywhere); nothing can be learned from it."
            )
        return tuple(found)

    def _is_full_scale(self) -> bool:
        """Whether the largest value looks like the end of a detector's range."""
        return self._dtype.kind == "f" or self.max in _FULL_SCALES

    def _check_values(self, block: NDArray[Any], z: int) -> None:
        """Refuse values that a float32 network can't be given."""
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            raise StackRefused(
                NOT_FINITE,
                f"Slice {z + 1} holds pixels that are not numbers (NaN or infinite). In Fiji: Process > Noise > "
                "Remove NaNs..., or export without masking the background.",
            )
        if self._dtype.name in _CHECKED and not _survives_float32(block):
            raise StackRefused(
                UNSUPPORTED_DTYPE,
                f"Slice {z + 1} holds {self._dtype.name} values that float32 can't hold exactly, and the networks compute in "
                "float32. Convert the stack first, so that the loss is your choice: Fiji, Image > Type > 32-bit or 16-bit.",
            )

    def _count_maximum(self, block: NDArray[Any], high: float) -> None:
        """Count the pixels at the largest value seen so far."""
        if high < self._best:
            return
        if high > self._best:
            self._best, self._num_at_max = high, 0
        self._num_at_max += int(np.count_nonzero(block == block.dtype.type(high)))

    def _merge(self, block: NDArray[Any]) -> None:
        """Merge mean and squares of a block (Chan, Golub and LeVeque 1983: no cancellation)."""
        values = block.astype(np.float64)
        mean = float(values.mean())
        squares = float(np.square(values - mean).sum())
        count = self._count + values.size
        delta = mean - self.mean
        self._squares += squares + delta * delta * self._count * values.size / count
        self.mean += delta * values.size / count
        self._count = count


def _blocks(slice_YX: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Bands of rows of about a megapixel, so that float64 copies stay small."""
    rows = max(1, _BLOCK_PIXELS // max(1, slice_YX.shape[1]))
    for start in range(0, slice_YX.shape[0], rows):
        yield slice_YX[start : start + rows]


def _survives_float32(block: NDArray[Any]) -> bool:
    """Whether float32 holds every value of a block exactly."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(block.astype(np.float32).astype(np.float64), block.astype(np.float64)))
