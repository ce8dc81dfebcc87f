"""Tells noise from what a denoiser takes out of a clean image.

Axes: Y, X image rows and columns; T square tiles, P pixels of a tile.
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


def is_structure(residual_YX: Float32Array, noisy_YX: Float32Array, denoised_YX: Float32Array) -> bool:
    """Whether a residual is too uneven and too heavy-tailed to be noise, as that of a noise-free image is.

    Noise may depend on brightness, so only pixels of like brightness are compared. Hot pixels are heavy-tailed,
    noise may be stronger on one side of an image; what a denoiser takes from clean edges is uneven and heavy-tailed.
    Constant places (padding, saturation) are left out.
    """
    stride = max(1, min(residual_YX.shape) // _ENOUGH_PX)
    noisy_TP, residual_TP, denoised_TP = (
        _tiles(image_YX[::stride, ::stride].astype(np.float64))
        for image_YX in (noisy_YX, residual_YX, denoised_YX)
    )
    is_live = np.ptp(noisy_TP, axis=1) > 0
    if not is_live.any():
        return False
    evened_TP = _evened(residual_TP[is_live] ** 2, denoised_TP[is_live])
    quiet, loud = np.quantile(evened_TP.mean(axis=1), (0.1, 0.9))
    return bool(loud > _UNEVEN * quiet and (evened_TP**2).mean() > _HEAVY_TAILED)


def _evened(square_TP: Float64Array, denoised_TP: Float64Array) -> Float64Array:
    """Squares divided by their mean among pixels of like brightness."""
    levels = np.quantile(denoised_TP, np.linspace(0, 1, _NUM_LEVELS + 1)[1:-1])
    level_TP = np.searchsorted(levels, denoised_TP)
    counts = np.bincount(level_TP.ravel(), minlength=_NUM_LEVELS)
    sums = np.bincount(level_TP.ravel(), weights=square_TP.ravel(), minlength=_NUM_LEVELS)
    means = sums / np.maximum(counts, 1)
    return np.asarray(square_TP / np.maximum(means[level_TP], np.finfo(np.float32).tiny))


def _tiles(image_YX: Float64Array) -> Float64Array:
    """The pixels of each square tile; what is left over at the lower and right edges is dropped."""
    height, width = (side // _TILE_PX for side in image_YX.shape)
    tiles = image_YX[: height * _TILE_PX, : width * _TILE_PX].reshape(height, _TILE_PX, width, _TILE_PX)
    return np.asarray(tiles.swapaxes(1, 2).reshape(height * width, _TILE_PX**2))
