"""How good a result is.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def psnr_per_slice(images_ZYX: NDArray[np.floating], truth_ZYX: NDArray[np.floating]) -> list[float]:
    """Peak signal-to-noise ratio in dB of each slice; both in 0-1, not clipped.

    Raises:
        ValueError: the shapes differ.
    """
    if images_ZYX.shape != truth_ZYX.shape:
        raise ValueError(f"a result of the shape {images_ZYX.shape} for a truth of {truth_ZYX.shape}")
    errors_ZYX = images_ZYX.astype(np.float64) - truth_ZYX
    return [float(10 * np.log10(1 / np.mean(error_YX**2))) for error_YX in errors_ZYX]
