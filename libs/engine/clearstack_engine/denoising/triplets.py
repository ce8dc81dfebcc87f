"""The slices that a 2.5D network sees.

Axes: Z slices, C input slices, Y rows, X columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearstack_engine.sampling.patches import neighbours_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def triplet(stack_ZYX: NDArray[np.generic], z: int) -> NDArray[np.generic]:
    """Slice `z` between its neighbours, (3, Y, X), mirrored at the ends: slice 0 comes as (1, 0, 1)."""
    z_C = neighbours_of(np.array(z), len(stack_ZYX), 3)
    return np.stack([np.asarray(stack_ZYX[i]) for i in z_C])
