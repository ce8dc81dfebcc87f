"""Makes one noise correlation out of the two that can be measured.

Axes: Z slice offset (1 or 3), Y row offset, X column offset; the middle element is offset zero.
"""

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]

_PROOF = 0.05  # |correlation| that both sources must show at one offset before the flat one is believed at all of them
_OPPOSED_PROOF = 0.1  # where they differ in sign
_FURTHEST = 1.2  # steps beyond the flat places, as long as the one from the busier ones: further is guesswork
_STEADY = 0.25  # growth of a correlation from flat places to busier ones, in itself
_FIXED = 0.2  # |correlation| with the neighbouring slice that image structure in flat places does not reach
MIN_CERTAINTY = 5.0  # standard errors: a window of 65 x 65 offsets holds a 4 by chance


def without_image(
    flat_ZYX: Float64Array, busier_ZYX: Float64Array, structure: tuple[float, float]
) -> Float64Array:
    """Correlation that the noise would show where there is no image at all.

    Args:
        flat_ZYX: Correlation of the noisy image in its flat places.
        busier_ZYX: The same in places with more of the image.
        structure: Variance of the image in that of the noise in the two. Where they differ little, what was taken for
            image is noise that stage 1 has left in it, and nothing is known.
    """
    flat, busier = (ratio / (1 + ratio) for ratio in structure)
    if busier <= flat or flat > _FURTHEST * (busier - flat):
        return flat_ZYX
    return np.asarray(flat_ZYX - flat / (busier - flat) * (busier_ZYX - flat_ZYX))


def combine(
    residual_ZYX: Float64Array,
    flat_ZYX: Float64Array,
    error_ZYX: tuple[Float64Array, Float64Array],
    growth_ZYX: Float64Array,
) -> tuple[Float64Array, Float64Array]:
    """Best correlation at each offset, and its significance in standard errors.

    The residual of white noise is white whatever the image, so it tells whether there is structured noise at all. The
    residual of structured noise is bent, down to the other sign, because stage 1 has predicted part of that noise (the
    residual of the best prediction has the inverse of the noise's spectrum), so the shape is taken from the flat places.

    Args:
        residual_ZYX: Correlation of the residual.
        flat_ZYX: Correlation of the noisy image in its flat places, the image taken out.
        error_ZYX: Standard errors of the two.
        growth_ZYX: By how much the correlation is larger in busier places, in magnitude. That of noise is the same
            everywhere; that of an image which stage 1 has lost grows.
    """
    sure_ZYX = np.minimum(np.abs(residual_ZYX) / error_ZYX[0], np.abs(flat_ZYX) / error_ZYX[1])
    agree_ZYX = np.sign(residual_ZYX) == np.sign(flat_ZYX)
    shown_ZYX = np.minimum(np.abs(residual_ZYX), np.abs(flat_ZYX))
    large_ZYX = shown_ZYX > np.where(agree_ZYX, _PROOF, _OPPOSED_PROOF)
    proof_ZYX = large_ZYX & (sure_ZYX > MIN_CERTAINTY)
    middle = tuple(side // 2 for side in residual_ZYX.shape)
    proof_ZYX[middle] = False
    proven_Z11 = _power(flat_ZYX, proof_ZYX) * _STEADY**2 > _power(growth_ZYX, proof_ZYX)
    trusted_ZYX = proven_Z11 | (proven_Z11[middle[0]] & _is_fixed_pattern(flat_ZYX, np.abs(flat_ZYX)))
    correlation_ZYX = np.where(trusted_ZYX, flat_ZYX, 0)
    certainty_ZYX = np.where(trusted_ZYX, np.abs(flat_ZYX) / error_ZYX[1], 0)
    correlation_ZYX[middle], certainty_ZYX[middle] = 1, 0
    return correlation_ZYX, certainty_ZYX


def _power(correlation_ZYX: Float64Array, where_ZYX: NDArray[np.bool_]) -> Float64Array:
    return np.asarray((correlation_ZYX**2 * where_ZYX).sum(axis=(1, 2), keepdims=True))


def _is_fixed_pattern(flat_ZYX: Float64Array, believed_ZYX: Float64Array) -> NDArray[np.bool_]:
    """Where noise is nearly the same in the neighbouring slices.

    Otherwise each slice offset needs its own proof: neighbouring slices share image structure, and seldom noise. But
    stage 1 predicts a fixed pattern so well that little of it is left in the residual to prove it with.
    """
    middle = len(flat_ZYX) // 2
    strong_YX = believed_ZYX[middle] > _FIXED
    return np.asarray(strong_YX & (np.abs(flat_ZYX) > np.maximum(_FIXED, np.abs(flat_ZYX[middle]) / 2)))
