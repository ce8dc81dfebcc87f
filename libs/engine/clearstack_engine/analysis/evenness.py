"""Tells noise from what a denoiser takes out of a clean image.

Axes: Y, X image rows and columns; T, S rows and columns of square tiles.
"""

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_NUM_LEVELS = 64
_TILE_PX = 8
_ENOUGH_PX = 256  # a side; larger images are thinned out
_UNEVEN = 4.0  # noise power in the loudest tenth of the tiles over that in the quietest; noise has 1.2 to 2.5
_HEAVY_TAILED = 5.0  # fourth moment among pixels of one brightness; 3 for Gaussian noise


def is_structure(residual_YX: Float32Array, denoised_YX: Float32Array) -> bool:
    """Whether a residual is too uneven and too heavy-tailed to be noise, as that of a noise-free image is.

    Noise may depend on brightness, so only pixels of like brightness are compared. Hot pixels are heavy-tailed,
    noise may be stronger on one side of an image; what a denoiser takes from clean edges is uneven and heavy-tailed.
    """
    stride = max(1, min(residual_YX.shape) // _ENOUGH_PX)
    square_YX = residual_YX[::stride, ::stride].astype(np.float64) ** 2
    evened_YX = _evened(square_YX, denoised_YX[::stride, ::stride])
    power_TS = _tile_means(evened_YX)
    if not power_TS.size:
        return False
    quiet, loud = np.quantile(power_TS, (0.1, 0.9))
    return bool(loud > _UNEVEN * quiet and (evened_YX**2).mean() > _HEAVY_TAILED)


def _evened(square_YX: Float64Array, denoised_YX: Float32Array) -> Float64Array:
    """Squares divided by their mean among pixels of like brightness."""
    levels = np.quantile(denoised_YX, np.linspace(0, 1, _NUM_LEVELS + 1)[1:-1])
    level_YX = np.searchsorted(levels, denoised_YX)
    counts = np.bincount(level_YX.ravel(), minlength=_NUM_LEVELS)
    sums = np.bincount(level_YX.ravel(), weights=square_YX.ravel(), minlength=_NUM_LEVELS)
    means = sums / np.maximum(counts, 1)
    return np.asarray(square_YX / np.maximum(means[level_YX], np.finfo(np.float32).tiny))


def _tile_means(image_YX: Float64Array) -> Float64Array:
    height, width = (side // _TILE_PX for side in image_YX.shape)
    tiles = image_YX[: height * _TILE_PX, : width * _TILE_PX].reshape(height, _TILE_PX, width, _TILE_PX)
    return np.asarray(tiles.mean(axis=(1, 3)))
