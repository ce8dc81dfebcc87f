"""What kind of noise a stack has, judged from its quiet places.

Axes: Y, X row and column offset; the middle element is offset zero.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clearstack_engine.analysis.quiet_places import QuietNoise

Float64Array = NDArray[np.float64]

_NOTHING = 0.005  # of the value range: noise below it is not worth a training
_LITTLE = 0.01
_DIRECTED = 0.15  # correlation along a direction, over that of all directions
_DIRECTED_EXTRAPOLATED = 0.1
_ROUND = 0.42  # with the four neighbours; fine image structure stays below it once it is extrapolated away
_NEAR_PX = 3
_LOCAL_PX = 5
_CERTAIN = 6.0  # standard errors
_FAINTLY_ROUND = 0.22  # the same where the noise is so even that fine structure would have to be everywhere
_EVEN, _UNEVEN, _VERY_EVEN = 0.5, 0.45, 0.55
_FAINT_SWELL = 0.01  # of the value range


class NoiseKind(StrEnum):
    """What the noise is like."""

    NONE = "none"
    WHITE = "white"
    DIRECTED = "directed"
    ROUND = "round"


def judge(noise: QuietNoise) -> NoiseKind:
    """The kind of noise.

    Noise along lines or on a grid differs from image structure by its direction. Noise of short range in all
    directions looks like fine image structure, but is equally strong everywhere and stays where the image is flat.
    """
    value_range = max(noise.value_range, np.finfo(np.float64).tiny)
    swells = noise.evenness > _EVEN and not noise.is_structure and noise.std > _FAINT_SWELL * value_range
    if noise.floor_std < _NOTHING * value_range and not swells:
        return NoiseKind.NONE
    if _is_directed(noise):
        return NoiseKind.DIRECTED
    near = min(_near(noise.correlation_YX), _near(noise.extrapolated_YX))
    if (near > _ROUND and noise.evenness > _UNEVEN) or (
        near > _FAINTLY_ROUND and noise.evenness > _VERY_EVEN
    ):
        return NoiseKind.ROUND
    if near < _ROUND:
        return NoiseKind.WHITE
    return NoiseKind.NONE if noise.floor_std < _LITTLE * value_range else NoiseKind.WHITE


def noise_correlation(noise: QuietNoise, kind: NoiseKind) -> Float64Array:
    """The correlation that belongs to the noise of that kind; what image structure adds is taken out as far as can be.

    Returns:
        float64 of the shape of the measured correlation, 1 at the centre.
    """
    middle = tuple(side // 2 for side in noise.correlation_YX.shape)
    if kind is NoiseKind.ROUND:
        correlation_YX = noise.correlation_YX.copy()
    elif kind is NoiseKind.DIRECTED:
        background_YX = np.maximum(_background(noise.correlation_YX), 0)
        correlation_YX = noise.correlation_YX - background_YX
        correlation_YX[np.abs(correlation_YX) < _DIRECTED / 2] = 0
    else:
        correlation_YX = np.zeros_like(noise.correlation_YX)
    correlation_YX[middle] = 1
    return correlation_YX


def _is_directed(noise: QuietNoise) -> bool:
    found_YX = noise.correlation_YX - _background(noise.correlation_YX)
    also_YX = noise.extrapolated_YX - _background(noise.extrapolated_YX)
    directed_YX = (np.abs(found_YX) > np.maximum(_DIRECTED, _CERTAIN * noise.standard_error_YX)) & (
        found_YX * also_YX > _DIRECTED_EXTRAPOLATED * np.abs(found_YX)
    )
    directed_YX[tuple(side // 2 for side in directed_YX.shape)] = False
    return bool(directed_YX.any())


def _near(correlation_YX: Float64Array) -> float:
    """Typical correlation with the four neighbours."""
    y, x = (side // 2 for side in correlation_YX.shape)
    return float((correlation_YX[y, x + 1] + correlation_YX[y + 1, x]) / 2)


def _background(correlation_YX: Float64Array) -> Float64Array:
    """What image structure may contribute: near the centre the same in all directions, further out slowly changing."""
    y, x = (np.arange(side) - side // 2 for side in correlation_YX.shape)
    distance_YX = np.hypot(y[:, None], x)
    ring_YX = np.rint(distance_YX - 0.1).astype(int)  # the nearest ring is the eight neighbours
    background_YX = ndimage.median_filter(correlation_YX, _LOCAL_PX, mode="nearest")
    for ring in range(1, _NEAR_PX + 1):
        background_YX[ring_YX == ring] = np.median(correlation_YX[ring_YX == ring])
    return np.asarray(background_YX)
