"""Noise made visible: high-passed, evened out, and where the image is flat.

Axes: Y, X image rows and columns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clearstack_engine.analysis.evenness import is_structure
from clearstack_engine.analysis.high_pass import high_passed, less_image

Float32Array = NDArray[np.float32]

_STRUCTURE_SIGMA_PX = 2.0
_NEIGHBOURHOOD_PX = (
    33  # a small one picks places where the noise happens to be weak, which bends its correlation
)
_FLAT_RATIO = 0.02  # variance of the image in that of the noise at which a place counts half
_BUSIER = 10.0  # times as much structure counts half in the less choosy view
_DEAD_SHARE = 1e-3  # of the typical noise variance: below it a place is padding or saturated, not quiet
_ROUNDING = 1e-5  # of the image's range: a weaker residual is arithmetic, not noise


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleNoise:
    """One slice's noise in its two views, both with a standard deviation of about 1.

    Attributes:
        residual_YX: float32, (noisy - denoised), high-passed, times the weights.
        flat_YX: float32, the noisy image, treated alike.
        weights_YX: float32, 0 to 1, the more the flatter the image.
        busier_YX: float32, as ``flat_YX`` with weights that let more image structure in.
        busier_weights_YX: float32, 0 to 1, these weights.
        structure: Sums over the slice of the image's variance, in that of the noise, times the squares of the two
            weights.
        variance: Of the high-passed noisy image in the flat places, squared units of the input.
    """

    residual_YX: Float32Array
    flat_YX: Float32Array
    weights_YX: Float32Array
    busier_YX: Float32Array
    busier_weights_YX: Float32Array
    structure: tuple[float, float]
    variance: float


def visible_noise(
    noisy_YX: Float32Array, denoised_YX: Float32Array, *, denoised_is_clean: bool = False
) -> VisibleNoise | None:
    """The noise of a slice, or None where there is none and the residual is what the denoiser did to the image."""
    residual_YX = high_passed(noisy_YX - denoised_YX)
    power_YX = _local_power(residual_YX)
    limit = (_ROUNDING * float(np.ptp(noisy_YX))) ** 2
    if not (power_YX > limit).any() or is_structure(residual_YX, noisy_YX, denoised_YX):
        return None
    typical = float(np.median(power_YX[power_YX > limit]))
    alive_YX = power_YX > _DEAD_SHARE * typical
    ratio_YX = unflatness(denoised_YX) / np.clip(power_YX, _DEAD_SHARE * typical, typical)
    weights_YX, busier_weights_YX = (
        np.asarray(alive_YX * half / (half + ratio_YX), dtype=np.float32)
        for half in (_FLAT_RATIO, _BUSIER * _FLAT_RATIO)
    )
    rest_YX = less_image(noisy_YX, denoised_YX, denoised_is_clean=denoised_is_clean)
    flat_YX = rest_YX * weights_YX
    even_YX = 1 / np.sqrt(np.maximum(power_YX, _DEAD_SHARE * typical))
    return VisibleNoise(
        residual_YX=np.asarray(residual_YX * weights_YX * even_YX, dtype=np.float32),
        flat_YX=np.asarray(flat_YX * even_YX, dtype=np.float32),
        weights_YX=weights_YX,
        busier_YX=np.asarray(rest_YX * busier_weights_YX * even_YX, dtype=np.float32),
        busier_weights_YX=busier_weights_YX,
        structure=(
            float((ratio_YX * weights_YX**2).sum()),
            float((ratio_YX * busier_weights_YX**2).sum()),
        ),
        variance=float((flat_YX**2).sum() / (weights_YX**2).sum()),
    )


def unflatness(denoised_YX: Float32Array) -> Float32Array:
    """Local variance of the image without what is finer than some pixels, where noise may be left."""
    smooth_YX = ndimage.gaussian_filter(denoised_YX - denoised_YX.mean(), _STRUCTURE_SIGMA_PX)
    structure_YX = _local_power(smooth_YX) - ndimage.uniform_filter(smooth_YX, _NEIGHBOURHOOD_PX) ** 2
    return np.asarray(np.maximum(structure_YX, 0), dtype=np.float32)


def _local_power(image_YX: Float32Array) -> Float32Array:
    return np.asarray(ndimage.uniform_filter(image_YX**2, _NEIGHBOURHOOD_PX), dtype=np.float32)
