"""Draws fresh blind spots for a whole batch at once.

N2V: Krull, Buchholz, Jug, "Noise2Void", CVPR 2019, section 3.3 (a random share of pixels is hidden and predicted).
structN2V: Broaddus et al., "Removing structured noise with self-supervised blind-spot networks", ISBI 2020
(every pixel whose noise is correlated with the predicted one's is hidden as well).

Axes: B batch, C input slices, Z slices of the mask, Y rows, X columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

SINGLE_PIXEL_ZYX = np.ones((1, 1, 1), dtype=np.bool_)


class BlindSpot:
    """The shape of what is hidden together, laid over the input slices of the network.

    Args:
        mask_ZYX: bool (1 | 3, odd, odd), centre True: the offsets whose noise is correlated with the centre's.
        num_input_slices: 1 or 3. A mask of three slices over one input slice keeps its middle plane; a mask of
            one slice over three lies on the middle one.
        mask_percentage: share of a patch's pixels that are replaced.

    Raises:
        ValueError: the mask has not the promised shape or its centre is not set.
    """

    def __init__(
        self, mask_ZYX: NDArray[np.bool_] | None, *, num_input_slices: int, mask_percentage: float
    ) -> None:
        self.mask_CYX = _fit(SINGLE_PIXEL_ZYX if mask_ZYX is None else mask_ZYX, num_input_slices)
        num_in_plane = int(self.mask_CYX[num_input_slices // 2].sum())
        # Hidden neighbourhoods overlap: this many centres hide, on average, the share that was asked for.
        self.centre_share: float = 1 - (1 - mask_percentage / 100) ** (1 / num_in_plane)

    @property
    def is_structured(self) -> bool:
        """Whether more than the pixel itself is hidden."""
        return int(self.mask_CYX.sum()) > 1

    @property
    def reaches_other_slices(self) -> bool:
        """Whether pixels of the neighbouring slices are hidden too."""
        return int(self.mask_CYX.sum()) > int(self.mask_CYX[len(self.mask_CYX) // 2].sum())

    def draw_centres(
        self, shape_BYX: tuple[int, ...], *, generator: torch.Generator, device: torch.device
    ) -> torch.Tensor:
        """Random pixels to predict: bool (B, Y, X)."""
        draws_BYX = torch.rand(shape_BYX, generator=generator, device=device)
        return draws_BYX.lt(self.centre_share)

    def hide(self, centres_BYX: torch.Tensor) -> torch.Tensor:
        """Everything that may not be seen when these centres are predicted: bool (B, C, Y, X)."""
        if not self.is_structured and len(self.mask_CYX) == 1:
            return centres_BYX[:, None]
        # conv2d correlates; flipped, the mask is laid around each centre as it stands.
        kernel_CYX = torch.from_numpy(self.mask_CYX[:, ::-1, ::-1].astype(np.float32)).to(centres_BYX.device)
        num_rows, num_columns = self.mask_CYX.shape[1:]
        counts_BCYX = functional.conv2d(
            centres_BYX[:, None].float(), kernel_CYX[:, None], padding=(num_rows // 2, num_columns // 2)
        )
        return counts_BCYX > 0.5  # noqa: PLR2004 - between no centre and one


def _fit(mask_ZYX: NDArray[np.bool_], num_input_slices: int) -> NDArray[np.bool_]:
    mask_ZYX = np.asarray(mask_ZYX, dtype=np.bool_)
    dimensions = 3
    if mask_ZYX.ndim != dimensions or len(mask_ZYX) not in {1, 3} or not all(n % 2 for n in mask_ZYX.shape):
        raise ValueError(f"A mask has 1 or 3 slices and odd sides, not the shape {mask_ZYX.shape}")
    centre_YX: NDArray[np.bool_] = mask_ZYX[len(mask_ZYX) // 2]
    if not centre_YX[centre_YX.shape[0] // 2, centre_YX.shape[1] // 2]:
        raise ValueError("The centre of a mask must be set: a network that sees the pixel would copy it")
    if num_input_slices == len(mask_ZYX):
        return mask_ZYX
    if num_input_slices == 1:
        return centre_YX[None]
    nothing_YX = np.zeros_like(centre_YX)
    return np.stack([nothing_YX, centre_YX, nothing_YX])
