"""How noise grows with brightness: the photon-transfer curve of a single recording.

Each photon that a detector counts adds to the variance as much as to the signal, so that shot noise has a variance that
rises along a line; its slope is the detector's gain (Foi et al. 2008, section II).

Axes: Y, X image rows and columns; T square tiles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_TILE_PX = 12
_NUM_BINS = 12
_MIN_TILES = 96
_LOW = 0.3  # of the tiles of one brightness, the quietest tell of noise; the others hold structure
_SURE = 4.0  # standard errors of the slope
_MATTERS = 1.5  # variance at the bright end over that at the dark end


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDependence:
    """The noise's variance as a line over brightness.

    Attributes:
        gain: Variance per brightness, units of the input; for shot noise, input units per detected photon.
        variance_at_zero: Where the line meets brightness 0, squared units of the input; may be negative where the
            detector adds an offset.
        certainty: The slope in its standard errors.
        ratio: Variance at the bright end over that at the dark end.
    """

    gain: float
    variance_at_zero: float
    certainty: float
    ratio: float

    @property
    def is_measurable(self) -> bool:
        """Whether the noise certainly grows with brightness, and enough to matter."""
        return self.certainty > _SURE and self.ratio > _MATTERS

    def variance_at(self, brightness: float) -> float:
        """Of the noise where the image is that bright, squared units of the input; never negative."""
        return max(0.0, self.variance_at_zero + self.gain * brightness)


class PhotonTransfer:
    """Gathers brightness and noise of tiles."""

    def __init__(self) -> None:
        self._means: list[Float64Array] = []
        self._variances: list[Float64Array] = []

    def add(self, slice_YX: Float32Array, fine_YX: Float32Array) -> None:
        """Take in a slice and its pixel-to-pixel part (see `quiet_places.fine_part`)."""
        mean_T, power_T = _tile_means(slice_YX), _tile_means(fine_YX.astype(np.float64) ** 2)
        alive_T = power_T > 0
        self._means.append(mean_T[alive_T])
        self._variances.append(power_T[alive_T])

    def result(self) -> SignalDependence | None:
        """The line; None when the stack is too small or has one brightness only."""
        mean_T = np.concatenate(self._means) if self._means else np.zeros(0)
        if len(mean_T) < _MIN_TILES:
            return None
        edges = np.quantile(mean_T, np.linspace(0, 1, _NUM_BINS + 1)[1:-1])
        bins_T = np.searchsorted(edges, mean_T)
        variance_T = np.concatenate(self._variances)
        filled = [
            index for index in range(_NUM_BINS) if (bins_T == index).sum() > _MIN_TILES // _NUM_BINS // 2
        ]
        if len(filled) < _NUM_BINS // 2:
            return None
        brightness = np.array([mean_T[bins_T == index].mean() for index in filled])
        variance = np.array([np.quantile(variance_T[bins_T == index], _LOW) for index in filled])
        return fit_line(brightness, variance)


def fit_line(brightness: Float64Array, variance: Float64Array) -> SignalDependence | None:
    """The line through some brightnesses, in rising order, and the variances there; None for one brightness."""
    spread = brightness - brightness.mean()
    power = float((spread**2).sum())
    if power <= 0:
        return None
    gain = float((spread * variance).sum()) / power
    at_zero = float(variance.mean() - gain * brightness.mean())
    misfit = variance - at_zero - gain * brightness
    error = np.sqrt(float((misfit**2).sum()) / max(1, len(variance) - 2) / power)
    dark, bright = at_zero + gain * brightness[0], at_zero + gain * brightness[-1]
    return SignalDependence(
        gain=gain,
        variance_at_zero=at_zero,
        certainty=float(gain / max(error, np.finfo(np.float64).tiny)),
        ratio=float(bright / max(dark, 1e-3 * abs(bright), np.finfo(np.float64).tiny)),
    )


def _tile_means(image_YX: NDArray[np.floating]) -> Float64Array:
    height, width = (side // _TILE_PX for side in image_YX.shape)
    tiles = image_YX[: height * _TILE_PX, : width * _TILE_PX].reshape(height, _TILE_PX, width, _TILE_PX)
    return np.asarray(tiles.mean(axis=(1, 3), dtype=np.float64).ravel())
