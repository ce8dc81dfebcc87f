"""Measures how strong noise is, and how it grows with brightness, in the flattest places of each brightness.

Axes: Y, X image rows and columns; T square tiles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearstack_engine.analysis.flatness import unflatness
from clearstack_engine.analysis.high_pass import less_image
from clearstack_engine.analysis.parts import fine_part
from clearstack_engine.analysis.signal_dependence import SignalDependence, fit_line

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_TILE_PX = 16
_FLATTEST = 0.15  # of the tiles, or of those of one brightness
_NUM_LEVELS = 12  # of brightness
_MIN_TILES = 4  # of a brightness: the flattest of fewer tell nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseLevel:
    """The power of the noise in the flattest places, squared units of the input.

    Attributes:
        high_passed: Of what `high_passed` leaves of it; image structure reaches in a little.
        fine: Of its `fine_part`; image structure hardly reaches there.
        brightness: Of the flattest places, units of the input.
        mean_brightness: Of the whole stack.
        line: The fine power over brightness; None where that cannot be measured.
    """

    high_passed: float
    fine: float
    brightness: float
    mean_brightness: float
    line: SignalDependence | None


class LevelMeter:
    """Gathers the tiles of some slices: brightness, unflatness, high-passed and fine power."""

    def __init__(self, *, denoised_is_clean: bool = False) -> None:
        """Start a measurement; see `CorrelationMeter` for the argument."""
        self._denoised_is_clean = denoised_is_clean
        self._rows_CT: list[Float64Array] = []

    def add(self, noisy_YX: Float32Array, denoised_YX: Float32Array) -> None:
        """Take in a slice and what is known of its image, of one shape and in the same units."""
        rest_YX = less_image(noisy_YX, denoised_YX, denoised_is_clean=self._denoised_is_clean)
        images = (denoised_YX, unflatness(denoised_YX), rest_YX**2, fine_part(noisy_YX) ** 2)
        rows_CT = np.stack([_tile_means(image_YX) for image_YX in images])
        self._rows_CT.append(rows_CT[:, rows_CT[3] > 0])

    def result(self) -> NoiseLevel:
        """What was found; no noise where every slice is constant."""
        tiles_CT = np.concatenate(self._rows_CT, axis=1) if self._rows_CT else np.zeros((4, 0))
        if not tiles_CT.size:
            return NoiseLevel(high_passed=0, fine=0, brightness=0, mean_brightness=0, line=None)
        brightness, _, power, fine = _flattest(tiles_CT).mean(axis=1)
        return NoiseLevel(
            high_passed=float(power),
            fine=float(fine),
            brightness=float(brightness),
            mean_brightness=float(tiles_CT[0].mean()),
            line=_line(tiles_CT),
        )


def _flattest(tiles_CT: Float64Array) -> Float64Array:
    count = max(1, round(_FLATTEST * tiles_CT.shape[1]))
    return np.asarray(tiles_CT[:, np.argsort(tiles_CT[1], kind="stable")[:count]])


def _line(tiles_CT: Float64Array) -> SignalDependence | None:
    edges = np.quantile(tiles_CT[0], np.linspace(0, 1, _NUM_LEVELS + 1)[1:-1])
    levels_T = np.searchsorted(edges, tiles_CT[0])
    chosen = [_flattest(tiles_CT[:, levels_T == level]) for level in np.unique(levels_T)]
    enough = [each.mean(axis=1) for each in chosen if each.shape[1] >= _MIN_TILES]
    if len(enough) < _NUM_LEVELS // 2:
        return None
    brightness, _, _, fine = np.stack(enough, axis=1)
    return fit_line(brightness, fine)


def _tile_means(image_YX: Float32Array) -> Float64Array:
    """(T,); what is left over at the lower and right edges is dropped."""
    side = min(_TILE_PX, *image_YX.shape)
    height, width = image_YX.shape[0] // side, image_YX.shape[1] // side
    tiles = image_YX[: height * side, : width * side].reshape(height, side, width, side)
    return np.asarray(tiles.mean(axis=(1, 3), dtype=np.float64).ravel())
