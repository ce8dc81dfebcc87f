"""Where a noisy image is flat, so that what varies there is noise.

Axes: Y, X image rows and columns.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float32Array = NDArray[np.float32]

_FLAT_SHARE = 0.15
_STRUCTURE_SIGMA_PX = 2.0
_NEIGHBOURHOOD_PX = 17


def flat_weights(noisy_YX: Float32Array, guide_YX: Float32Array) -> Float32Array:
    """Weight 1 on the flattest 15 % of an image and 0 elsewhere.

    Flat is where the guide varies little for the noise there is: a black border without noise says nothing.

    Args:
        noisy_YX: float32 image, any units.
        guide_YX: float32, where the structure is read off: the denoised image, or the noisy one again.
    """
    structure_YX = _local_variance(ndimage.gaussian_filter(guide_YX, _STRUCTURE_SIGMA_PX))
    noise_YX = _local_variance(noisy_YX)
    noisy = noise_YX > 1e-12 * max(float(noise_YX.max()), 1e-30)
    if not noisy.any():
        return np.zeros_like(noisy_YX)
    ratio_YX = np.where(noisy, structure_YX / np.where(noisy, noise_YX, 1), np.inf)
    return np.asarray(ratio_YX <= np.quantile(ratio_YX[noisy], _FLAT_SHARE), dtype=np.float32)


def high_passed(noisy_YX: Float32Array, sigma_px: float) -> Float32Array:
    """The image less its own Gaussian blur: what is left varies over less than about ``sigma_px``."""
    return np.asarray(noisy_YX - ndimage.gaussian_filter(noisy_YX, sigma_px), dtype=np.float32)


def _local_variance(image_YX: Float32Array) -> Float32Array:
    centred_YX = image_YX - image_YX.mean()
    mean_YX = ndimage.uniform_filter(centred_YX, _NEIGHBOURHOOD_PX)
    square_YX = ndimage.uniform_filter(centred_YX**2, _NEIGHBOURHOOD_PX)
    return np.asarray(np.maximum(square_YX - mean_YX**2, 0), dtype=np.float32)
