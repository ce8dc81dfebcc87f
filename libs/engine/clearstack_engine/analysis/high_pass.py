"""Takes the slow parts out of an image, and what that does to the correlation of its noise back out of the latter.

Axes: Y, X image rows and columns; Z slice offset, Y and X row and column offset in correlations.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_SIGMA_PX = 8.0
_SEEN_SIGMA_PX = 4.0
_LARGE = 0.05  # smaller correlations may be the filter's doing
_NUM_ROUNDS = 3


def high_passed(image_YX: Float32Array) -> Float32Array:
    """The image less its own blur: what is left varies over less than some 8 pixels."""
    return np.asarray(image_YX - ndimage.gaussian_filter(image_YX, _SIGMA_PX, truncate=3.0), dtype=np.float32)


def less_image(noisy_YX: Float32Array, denoised_YX: Float32Array, *, denoised_is_clean: bool) -> Float32Array:
    """As `high_passed`, and with slow parts that a clean denoised image shows taken out too.

    A blur alone leaves a third of a wave of 56 pixels, which can be more than the noise. What is fine stays in, as the
    noise that a denoiser took for image would be in there.
    """
    if not denoised_is_clean:
        return high_passed(noisy_YX)
    seen_YX = ndimage.gaussian_filter(denoised_YX, _SEEN_SIGMA_PX, truncate=3.0)
    return high_passed(np.asarray(noisy_YX - seen_YX, dtype=np.float32))


def as_unfiltered(correlation_ZYX: Float64Array) -> Float64Array:
    """The correlation of noise that shows ``correlation_ZYX`` after `high_passed`.

    The filter takes from every offset what the noise holds in sum, times 2 g - g * g, where g is the blur.
    """
    lost_YX = _lost(correlation_ZYX.shape[1:])
    mended_ZYX = correlation_ZYX
    for _ in range(_NUM_ROUNDS):
        total_Z11 = np.where(np.abs(mended_ZYX) > _LARGE, mended_ZYX, 0).sum(axis=(1, 2), keepdims=True)
        centre = 1 + float(total_Z11[len(total_Z11) // 2, 0, 0]) * lost_YX.max()
        mended_ZYX = (correlation_ZYX + total_Z11 * lost_YX) / centre
    return np.asarray(np.clip(mended_ZYX, -1, 1))


def gain_of_high_pass(correlation_YX: Float64Array) -> float:
    """The share of its variance that noise of that correlation keeps through `high_passed`, 0.1 to 1."""
    lost_YX = _lost(correlation_YX.shape)
    return max(0.1, 1 - float((correlation_YX * lost_YX).sum()))


def _lost(shape: tuple[int, ...]) -> Float64Array:
    """What the filter takes: 2 g - g * g at every offset."""
    y, x = (np.arange(side, dtype=np.float64) - side // 2 for side in shape)
    square_YX = (y[:, None] ** 2 + x**2) / _SIGMA_PX**2
    return np.asarray((np.exp(-square_YX / 2) - np.exp(-square_YX / 4) / 4) / (np.pi * _SIGMA_PX**2))
