"""Z-score normalisation with the statistics of the training stack.

Never the range of the image at hand: one hot pixel would squeeze everything else into a corner.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clearstack_engine.errors import StackError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """The mean and the standard deviation of a stack, in its own units."""

    mean: float
    std: float

    @classmethod
    def of(cls, stack_ZYX: NDArray[np.generic]) -> Normalisation:
        """Measure a stack slice by slice, so that a memory-mapped one is never read in whole.

        Raises:
            StackError: the stack is constant or holds NaN or infinity.
        """
        means_Z = np.empty(len(stack_ZYX))
        squares_Z = np.empty(len(stack_ZYX))
        for z, slice_YX in enumerate(stack_ZYX):
            values_YX = np.asarray(slice_YX, dtype=np.float64)
            means_Z[z] = values_YX.mean()
            squares_Z[z] = values_YX.var()
        mean = float(means_Z.mean())
        std = float(np.sqrt(squares_Z.mean() + means_Z.var()))
        if not np.isfinite(std):
            raise StackError("The stack holds NaN or infinite values; replace them before training.")
        if std == 0.0:
            raise StackError("The stack is constant; there is nothing to learn from it.")
        return cls(mean=mean, std=std)

    def apply(self, values: NDArray[np.generic]) -> NDArray[np.float32]:
        """Values in the stack's units -> float32 of zero mean and unit variance."""
        normalised: NDArray[np.float32] = np.array(values, dtype=np.float32)  # one copy: slices can be large
        normalised -= np.float32(self.mean)
        normalised /= np.float32(self.std)
        return normalised

    def undo(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inverse of `apply`, as float32 in the stack's units."""
        return (values * np.float32(self.std) + np.float32(self.mean)).astype(np.float32, copy=False)
