"""Names the shape of a mask, and notices when it has none.

Axes: Y, X row and column offset; the middle element is offset zero.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pattern = Literal["none", "horizontal", "vertical", "diagonal", "grid", "isotropic", "irregular"]

_LATTICE_SHARE = 0.6  # of the active pixels, and of the steps between them, for a mask to be called a grid
_LATTICE_MIN_PX = 4
_SLENDER = 0.1  # variance across a line in that along it
_STEEP = 0.41  # tan 22.5°: a line nearer to an axis than that counts as along it
_ROUND = 0.5  # variance along one axis in that along the other
_CHECKERED = 0.15  # correlation of pixels of one colour, and of pixels of two
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
    if (line := _line(dy, dx, weights)) is not None:
        return line
    if _is_lattice(mask_YX):
        return "grid"
    return "isotropic" if _is_round(dy, dx, weights) else "irregular"


def is_checkered(correlation_YX: NDArray[np.floating]) -> bool:
    """Whether the noise changes its sign from pixel to pixel, as the squares of a chessboard their colour."""
    y, x = (side // 2 for side in correlation_YX.shape)
    if not (y and x):
        return False
    beside = max(correlation_YX[y, x + 1], correlation_YX[y + 1, x])
    across = min(correlation_YX[y + 1, x + 1], correlation_YX[y + 1, x - 1])
    return bool(beside < -_CHECKERED and across > _CHECKERED)


def is_scattered(mask_YX: NDArray[np.bool_]) -> bool:
    """Whether many active pixels have no active neighbour, as in a mask drawn by chance."""
    return bool(_lone(mask_YX, diagonals=True).sum() > max(2, _LONE_SHARE * int(mask_YX.sum())))


def _line(dy: NDArray[np.int_], dx: NDArray[np.int_], weights: NDArray[np.float64]) -> Pattern | None:
    """The line that the correlation lies along, if it is slender enough for one."""
    offsets = np.stack([dy, dx])
    (small, large), axes = np.linalg.eigh((offsets * weights) @ offsets.T)
    if small > _SLENDER * large:
        return None
    rise, run = np.abs(axes[:, 1])
    if rise < _STEEP * run:
        return "horizontal"
    return "vertical" if run < _STEEP * rise else "diagonal"


def _is_lattice(mask_YX: NDArray[np.bool_]) -> bool:
    """Whether most pixels stand apart, and a step between two of them mostly leads from the centre to another."""
    lone_YX = _lone(mask_YX, diagonals=False)
    if lone_YX.sum() < max(_LATTICE_MIN_PX, _LATTICE_SHARE * mask_YX.sum()):
        return False
    half = np.array(mask_YX.shape) // 2
    offsets = np.argwhere(lone_YX) - half
    steps = (offsets[:, None] - offsets[None, :]).reshape(-1, 2)
    inside = (np.abs(steps) <= np.abs(offsets).max(axis=0)).all(axis=1) & steps.any(axis=1)
    return bool(mask_YX[tuple((steps[inside] + half).T)].mean() >= _LATTICE_SHARE)


def _is_round(dy: NDArray[np.int_], dx: NDArray[np.int_], weights: NDArray[np.float64]) -> bool:
    spread = np.array([(weights * dy**2).sum(), (weights * dx**2).sum()])
    compact = np.hypot(dy, dx).max() <= 2 * np.sqrt(len(dy) / np.pi) + 1
    return bool(compact and spread.min() >= _ROUND * spread.max())


def _lone(mask_YX: NDArray[np.bool_], *, diagonals: bool) -> NDArray[np.bool_]:
    """Active pixels without an active neighbour."""
    neighbourhood = ndimage.generate_binary_structure(2, 2 if diagonals else 1)
    num_YX = ndimage.convolve(mask_YX.astype(int), neighbourhood.astype(int), mode="constant")
    return np.asarray(mask_YX & (num_YX == 1))
