"""Takes the slow parts out of an image, and what that does to the correlation of its noise back out of the latter.

Axes: Y, X image rows and columns; Z slice offset, Y and X row and column offset in correlations.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_SIGMA_PX = 8.0
_LARGE = 0.05  # smaller correlations may be the filter's doing
_NUM_ROUNDS = 3


def high_passed(image_YX: Float32Array) -> Float32Array:
    """The image less its own blur: what is left varies over less than some 8 pixels."""
    return np.asarray(image_YX - ndimage.gaussian_filter(image_YX, _SIGMA_PX, truncate=3.0), dtype=np.float32)


def as_unfiltered(correlation_ZYX: Float64Array) -> Float64Array:
    """The correlation of noise that shows ``correlation_ZYX`` after `high_passed`.

    The filter takes from every offset what the noise holds in sum, times 2 g - g * g, where g is the blur.
    """
    _, height, width = correlation_ZYX.shape
    y, x = np.ogrid[-(height // 2) : height // 2 + 1, -(width // 2) : width // 2 + 1]
    square_YX = (x.astype(np.float64) ** 2 + y.astype(np.float64) ** 2) / _SIGMA_PX**2
    lost_YX = (np.exp(-square_YX / 2) - np.exp(-square_YX / 4) / 4) / (np.pi * _SIGMA_PX**2)
    mended_ZYX = correlation_ZYX
    for _ in range(_NUM_ROUNDS):
        total_Z11 = np.where(np.abs(mended_ZYX) > _LARGE, mended_ZYX, 0).sum(axis=(1, 2), keepdims=True)
        centre = 1 + float(total_Z11[len(total_Z11) // 2, 0, 0]) * lost_YX.max()
        mended_ZYX = (correlation_ZYX + total_Z11 * lost_YX) / centre
    return np.asarray(np.clip(mended_ZYX, -1, 1))
