"""The eight turns and flips of a square, and which of them map a mask onto itself.

Axes: ... any leading axes, Y rows, X columns, Z slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Symmetry:
    """First `num_turns` quarter turns, then a flip along X."""

    num_turns: int
    flip: bool

    def apply(self, images_YX: torch.Tensor) -> torch.Tensor:
        """Turn and flip the last two axes."""
        turned_YX = images_YX.rot90(self.num_turns, (-2, -1)) if self.num_turns else images_YX
        return turned_YX.flip(-1) if self.flip else turned_YX

    def undo(self, images_YX: torch.Tensor) -> torch.Tensor:
        """The inverse of `apply`."""
        unflipped_YX = images_YX.flip(-1) if self.flip else images_YX
        return unflipped_YX.rot90(-self.num_turns, (-2, -1)) if self.num_turns else unflipped_YX


ALL_SYMMETRIES = tuple(Symmetry(num_turns, flip) for flip in (False, True) for num_turns in range(4))


def symmetries_of(mask_ZYX: NDArray[np.bool_]) -> tuple[Symmetry, ...]:
    """Those symmetries that leave the mask as it is; the identity is always the first."""

    def keeps(symmetry: Symmetry) -> bool:
        turned_ZYX = np.rot90(mask_ZYX, symmetry.num_turns, (-2, -1))
        moved_ZYX = np.flip(turned_ZYX, -1) if symmetry.flip else turned_ZYX
        return np.array_equal(moved_ZYX, mask_ZYX)

    return tuple(symmetry for symmetry in ALL_SYMMETRIES if keeps(symmetry))
