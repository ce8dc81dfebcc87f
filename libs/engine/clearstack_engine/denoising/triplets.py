"""The slices that a 2.5D network sees.

Axes: Z slices, C input slices, Y rows, X columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from clearstack_engine.sampling.patches import neighbours_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Slices(Protocol):
    """A (Z, Y, X) array, or what gives its slices one at a time."""

    def __len__(self) -> int: ...

    def __getitem__(self, z: int, /) -> NDArray[np.generic]: ...


def triplet(stack_ZYX: Slices, z: int) -> NDArray[np.generic]:
    """Slice `z` between its neighbours, (3, Y, X), mirrored at the ends: slice 0 comes as (1, 0, 1)."""
    z_C = neighbours_of(np.array(z), len(stack_ZYX), 3)
    return np.stack([np.asarray(stack_ZYX[int(i)]) for i in z_C])
