"""Names the shape of a mask, and notices when it has none.

Axes: N active offsets; each row holds (dz, dy, dx).
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pattern = Literal["none", "horizontal", "vertical", "diagonal", "grid", "isotropic", "irregular"]

_LINE_SHARE = 0.9  # of the squared correlation, for a mask to be called a line
_LONE_SHARE = 0.3  # of the active pixels without an active neighbour, for a mask to be called scattered


def classify(mask_YX: NDArray[np.bool_], strength_YX: NDArray[np.float64]) -> Pattern:
    """Pattern of the active pixels around the centre.

    Args:
        mask_YX: bool, odd sides, centre active.
        strength_YX: Squared correlation of each pixel, same shape.
    """
    half = np.array(mask_YX.shape) // 2
    offsets = np.argwhere(mask_YX) - half
    strengths = strength_YX[mask_YX]
    off_centre = offsets.any(axis=1)
    if not off_centre.any():
        return "none"
    dy, dx = offsets[off_centre].T
    weights = strengths[off_centre] / strengths[off_centre].sum()
    if weights[dy == 0].sum() >= _LINE_SHARE:
        return "horizontal"
    if weights[dx == 0].sum() >= _LINE_SHARE:
        return "vertical"
    if _along_one_slope(dy, dx, weights):
        return "diagonal"
    if _is_spaced(mask_YX):
        return "grid"
    return "isotropic" if _is_round(dy, dx, weights) else "irregular"


def is_scattered(mask_YX: NDArray[np.bool_]) -> bool:
    """Whether many active pixels have no active neighbour, as in a mask drawn by chance."""
    return bool(_num_lone(mask_YX) > max(2, _LONE_SHARE * int(mask_YX.sum())))


def _along_one_slope(dy: NDArray[np.int_], dx: NDArray[np.int_], weights: NDArray[np.float64]) -> bool:
    covariance = np.cov(np.stack([dy, dx]), aweights=weights, bias=True) if len(dy) > 1 else np.zeros((2, 2))
    small, large = np.linalg.eigvalsh(covariance)
    return bool(large > 0 and small <= 0.1 * large)


def _is_spaced(mask_YX: NDArray[np.bool_]) -> bool:
    return bool(int(mask_YX.sum()) >= 5 and _num_lone(mask_YX) == int(mask_YX.sum()))  # noqa: PLR2004


def _is_round(dy: NDArray[np.int_], dx: NDArray[np.int_], weights: NDArray[np.float64]) -> bool:
    spread = np.array([(weights * dy**2).sum(), (weights * dx**2).sum()])
    compact = np.hypot(dy, dx).max() <= 2 * np.sqrt(len(dy) / np.pi) + 1
    return bool(compact and spread.min() >= 0.5 * spread.max())


def _num_lone(mask_YX: NDArray[np.bool_]) -> int:
    padded = np.pad(mask_YX, 1)
    height, width = mask_YX.shape
    neighbours = sum(
        padded[y : y + height, x : x + width].astype(int)
        for y in range(3)
        for x in range(3)
        if (y, x) != (1, 1)
    )
    return int((mask_YX & (neighbours == 0)).sum())
