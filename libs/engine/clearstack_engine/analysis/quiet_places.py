"""Measures noise without a trained network, in the places where a stack's image is flattest.

There the noisy image, freed of everything that varies slowly, is nearly all noise. What image structure is left in it
grows from the flattest places to the next flattest; what the two have in common is noise.

Axes: Y, X image rows and columns, or row and column offsets with offset zero in the middle.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clearstack_engine.analysis.evenness import is_structure
from clearstack_engine.analysis.lags import lag_sums, spectrum
from clearstack_engine.analysis.parts import fine_part, without_slow_parts

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_MAX_OFFSET_PX = 24
_STRUCTURE_SIGMA_PX = 2.0
_NEIGHBOURHOOD_PX = 33
_FLATTEST, _FLAT = 0.15, 0.5  # shares of a slice
_QUIETEST = 0.02
_QUIETEST_OF_NOISE = 0.83  # power of white noise in its quietest places, in its mean power
_FEW = 0.1  # of the pairs of pixels at offset zero: with fewer, a correlation is chance
_TINY = 1e-12
_MOST_EXTRAPOLATION = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietNoise:
    """The noise of a stack as its quiet places show it.

    Attributes:
        correlation_YX: float64 (odd, odd), 1 at the centre: of the noise in the flattest places.
        extrapolated_YX: The same if the image were flatter still: closer to the truth where structure leaks in, and
            less certain.
        standard_error_YX: float64, of the correlation.
        std: Standard deviation in the flattest places, units of the input.
        fine_std: The part of it that differs from pixel to pixel, scaled so that white noise has ``std``.
        floor_std: ``fine_std`` of the quietest places: there is no less noise anywhere.
        evenness: Power in the quietest places over the typical one: 0.5 to 0.9 for noise, often far less for images.
        is_structure: Whether most slices look like image structure and not like noise.
        value_range: From nearly the darkest to nearly the brightest value.
    """

    correlation_YX: Float64Array
    extrapolated_YX: Float64Array
    standard_error_YX: Float64Array
    std: float
    fine_std: float
    floor_std: float
    evenness: float
    is_structure: bool
    value_range: float


class QuietPlaces:
    """Gathers the quiet places of some slices."""

    def __init__(self, shape: tuple[int, int]) -> None:
        """Start for slices of ``shape`` (rows, columns), 8 pixels or more a side."""
        self._shape = shape
        self._half = (min(_MAX_OFFSET_PX, shape[0] // 2 - 1), min(_MAX_OFFSET_PX, shape[1] // 2 - 1))
        window = (2, 2 * self._half[0] + 1, 2 * self._half[1] + 1)
        self._products_CYX, self._counts_CYX = (
            np.zeros(window),
            np.zeros(window),
        )  # C: flattest, next flattest
        self._unflatness = np.zeros(3)  # of the very flattest, the flattest, the next flattest
        self._rows: list[tuple[float, ...]] = []

    def add(self, slice_YX: Float32Array) -> None:
        """Take in a slice; a constant one tells nothing."""
        slice_YX = np.asarray(slice_YX, dtype=np.float32)
        live_YX = _live(slice_YX)
        if not live_YX.any():
            return
        rest_YX = without_slow_parts(slice_YX)
        power_YX, fine_YX = _local_power(rest_YX), _local_power(fine_part(slice_YX))
        unflat_YX = _local_power(ndimage.gaussian_filter(rest_YX, _STRUCTURE_SIGMA_PX))
        first, second = np.quantile(unflat_YX[live_YX], (_FLATTEST, _FLAT))
        flattest_YX = live_YX & (unflat_YX <= first)
        self._correlate(
            rest_YX, power_YX, unflat_YX, (flattest_YX, live_YX & ~flattest_YX & (unflat_YX <= second))
        )
        quiet, typical = np.quantile(power_YX[live_YX], (_QUIETEST, 0.5))
        self._rows.append(
            (
                float(power_YX[flattest_YX].mean()),
                float(fine_YX[flattest_YX].mean()),
                float(np.quantile(fine_YX[live_YX], _QUIETEST)) / _QUIETEST_OF_NOISE,
                float(quiet / max(typical, _TINY)),
                float(is_structure(rest_YX, slice_YX, slice_YX - rest_YX)),
                float(np.subtract(*np.quantile(slice_YX, (0.995, 0.005)))),
            )
        )

    def result(self) -> QuietNoise:
        """What was found; silence when every slice is constant."""
        rows = self._rows or [(0.0, 0.0, 0.0, 0.0, 1.0, 0.0)]
        variance, fine, floor, evenness, structure, value_range = np.mean(rows, axis=0)
        covariance_CYX = self._products_CYX / np.maximum(self._counts_CYX, 1)
        flattest_YX, next_YX = covariance_CYX
        steps = np.diff(self._unflatness)
        slope = min(_MOST_EXTRAPOLATION, max(0.0, steps[0] / max(steps[1], _TINY)))
        return QuietNoise(
            correlation_YX=(correlation_YX := self._normalised(flattest_YX)),
            extrapolated_YX=self._normalised(flattest_YX - slope * (next_YX - flattest_YX)),
            standard_error_YX=self._standard_error(correlation_YX),
            std=float(np.sqrt(variance)),
            fine_std=float(np.sqrt(fine)),
            floor_std=float(np.sqrt(floor)),
            evenness=float(evenness),
            is_structure=bool(structure > 0.5),  # noqa: PLR2004 - most of them
            value_range=float(value_range),
        )

    def _correlate(
        self,
        rest_YX: Float32Array,
        power_YX: Float32Array,
        unflat_YX: Float32Array,
        places: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    ) -> None:
        # Bright places of shot noise would outvote all others.
        even_YX = 1 / np.sqrt(power_YX + _TINY)
        unflat_YX = unflat_YX * even_YX**2
        lowest = float(np.quantile(unflat_YX[places[0]], 0.1))
        self._unflatness += [
            lowest,
            *(float(unflat_YX[place].mean()) if place.any() else lowest for place in places),
        ]
        for index, place_YX in enumerate(places):
            images = (rest_YX * even_YX * place_YX, place_YX.astype(np.float32))
            for sums_CYX, image_YX in zip((self._products_CYX, self._counts_CYX), images, strict=True):
                found = spectrum(image_YX.astype(np.float32), self._half)
                sums_CYX[index] += lag_sums(found, found, self._shape, self._half)

    def _normalised(self, covariance_YX: Float64Array) -> Float64Array:
        centre = float(covariance_YX[self._half])
        correlation_YX = np.zeros_like(covariance_YX)
        if centre > _TINY:
            correlation_YX = np.clip((covariance_YX + covariance_YX[::-1, ::-1]) / (2 * centre), -1, 1)
            for counts_YX in self._counts_CYX:
                correlation_YX[counts_YX < _FEW * counts_YX[self._half]] = 0
        correlation_YX[self._half] = 1
        return correlation_YX

    def _standard_error(self, correlation_YX: Float64Array) -> Float64Array:
        """Bartlett's formula: neighbouring products of correlated noise are no independent samples."""
        pairs_YX = np.maximum(self._counts_CYX[0], 1)
        return np.asarray(np.sqrt((correlation_YX**2).sum() / pairs_YX))


def _live(slice_YX: Float32Array) -> NDArray[np.bool_]:
    """Where most pixels differ from their neighbours: neither padding nor saturated."""
    differs_YX = ndimage.maximum_filter(slice_YX, 3) > ndimage.minimum_filter(slice_YX, 3)
    return np.asarray(_mean(differs_YX.astype(np.float32)) > 0.5)  # noqa: PLR2004 - most of them


def _local_power(image_YX: Float32Array) -> Float32Array:
    return np.maximum(_mean(image_YX**2), 0)


def _mean(image_YX: Float32Array) -> Float32Array:
    return np.asarray(ndimage.uniform_filter(image_YX, _NEIGHBOURHOOD_PX), dtype=np.float32)
