"""Makes one noise correlation out of the two that can be measured.

Axes: Z slice offset (1 or 3), Y row offset, X column offset; the middle element is offset zero.
"""

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]

_PROOF = 0.05  # |correlation| that both sources must show at one offset before the flat one is believed at all of them
_OPPOSED_PROOF = 0.1  # where they differ in sign
_MOST_IMAGE = 2.0  # of the difference between busier and flat places
_FIXED = 0.2  # |correlation| with the neighbouring slice that image structure in flat places does not reach
MIN_CERTAINTY = 5.0  # standard errors: a window of 65 x 65 offsets holds a 4 by chance


def without_image(flat_ZYX: Float64Array, busier_ZYX: Float64Array) -> Float64Array:
    """Correlation of the noise, from that of the noisy image in its flat places and in busier ones.

    What busier places have more is image. Noise goes together at few offsets, image structure at nearly all: as much is
    taken away as leaves the least sum of magnitudes.
    """
    image_ZYX = busier_ZYX - flat_ZYX
    told_ZYX = image_ZYX != 0
    if not told_ZYX.any():
        return flat_ZYX
    ratios, weights = flat_ZYX[told_ZYX] / image_ZYX[told_ZYX], np.abs(image_ZYX[told_ZYX])
    order = np.argsort(ratios)
    half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    share = float(np.clip(ratios[order[half]], 0, _MOST_IMAGE))
    return np.asarray(flat_ZYX - share * image_ZYX)


def combine(
    residual_ZYX: Float64Array, flat_ZYX: Float64Array, error_ZYX: tuple[Float64Array, Float64Array]
) -> tuple[Float64Array, Float64Array]:
    """Best correlation at each offset, and its significance in standard errors.

    The residual of white noise is white whatever the image, so it tells whether there is structured noise at all. The
    residual of structured noise is bent, down to the other sign, because stage 1 has predicted part of that noise (the
    residual of the best prediction has the inverse of the noise's spectrum), so the shape is taken from the flat places.

    Args:
        residual_ZYX: Correlation of the residual.
        flat_ZYX: Correlation of the noisy image in its flat places, the image taken out.
        error_ZYX: Standard errors of the two.
    """
    sure_ZYX = np.minimum(np.abs(residual_ZYX) / error_ZYX[0], np.abs(flat_ZYX) / error_ZYX[1])
    agree_ZYX = np.sign(residual_ZYX) == np.sign(flat_ZYX)
    shown_ZYX = np.minimum(np.abs(residual_ZYX), np.abs(flat_ZYX))
    proof_ZYX = (shown_ZYX > np.where(agree_ZYX, _PROOF, _OPPOSED_PROOF)) & (sure_ZYX > MIN_CERTAINTY)
    middle = tuple(side // 2 for side in residual_ZYX.shape)
    proof_ZYX[middle] = False
    proven_Z11 = np.asarray(proof_ZYX.any(axis=(1, 2), keepdims=True))
    trusted_ZYX = proven_Z11 | (proven_Z11[middle[0]] & _is_fixed_pattern(flat_ZYX, np.abs(flat_ZYX)))
    correlation_ZYX = np.where(trusted_ZYX, flat_ZYX, np.where(agree_ZYX, np.sign(flat_ZYX) * shown_ZYX, 0))
    certainty_ZYX = np.where(trusted_ZYX, np.abs(flat_ZYX) / error_ZYX[1], np.where(agree_ZYX, sure_ZYX, 0))
    correlation_ZYX[middle], certainty_ZYX[middle] = 1, 0
    return correlation_ZYX, certainty_ZYX


def _is_fixed_pattern(flat_ZYX: Float64Array, believed_ZYX: Float64Array) -> NDArray[np.bool_]:
    """Where noise is nearly the same in the neighbouring slices.

    Otherwise each slice offset needs its own proof: neighbouring slices share image structure, and seldom noise. But
    stage 1 predicts a fixed pattern so well that little of it is left in the residual to prove it with.
    """
    middle = len(flat_ZYX) // 2
    strong_YX = believed_ZYX[middle] > _FIXED
    return np.asarray(strong_YX & (np.abs(flat_ZYX) > np.maximum(_FIXED, np.abs(flat_ZYX[middle]) / 2)))
