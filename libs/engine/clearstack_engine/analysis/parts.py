"""The slow and the fine part of an image.

Axes: Y, X image rows and columns, or row and column offsets with offset zero in the middle.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_SLOW_SIGMA_PX = 8.0


def without_slow_parts(slice_YX: Float32Array) -> Float32Array:
    """The slice less what varies over more than some 20 pixels."""
    rest_YX = slice_YX
    for _ in range(2):  # once leaves a third of a wave of 60 pixels
        rest_YX = rest_YX - ndimage.gaussian_filter(rest_YX, _SLOW_SIGMA_PX, truncate=3.0)
    return np.asarray(rest_YX, dtype=np.float32)


def fine_part(slice_YX: Float32Array) -> Float32Array:
    """Second differences along both axes (Immerkær 1996), scaled so that white noise keeps its deviation."""
    second = np.array([1, -2, 1], dtype=np.float32)
    along_Y = ndimage.convolve1d(slice_YX, second, axis=0)
    return np.asarray(ndimage.convolve1d(along_Y, second, axis=1) / 6, dtype=np.float32)


def share_of_slow_parts(correlation_YX: Float64Array) -> float:
    """What `without_slow_parts` takes from the variance of noise with that correlation, 0 to 0.9."""
    y, x = (np.arange(side) - side // 2 for side in correlation_YX.shape)
    square_YX = (y[:, None] ** 2 + x**2) / _SLOW_SIGMA_PX**2
    # The power of (1 - g)², with g the blur, is 1 - 4 g + 6 g² - 4 g³ + g⁴; the n-th power of g is √n times as wide.
    factors = {1: 4, 2: -6, 3: 4, 4: -1}
    lost_YX = sum(factor * np.exp(-square_YX / (2 * n)) / n for n, factor in factors.items())
    lost = float((correlation_YX * lost_YX).sum()) / (2 * np.pi * _SLOW_SIGMA_PX**2)
    return min(0.9, max(0.0, lost))
