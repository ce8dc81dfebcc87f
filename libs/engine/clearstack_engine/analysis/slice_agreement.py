"""How much neighbouring slices have in common: whether a network that sees them learns more from them.

Axes: Y, X image rows and columns, or row and column shifts with shift zero in the middle.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clearstack_engine.analysis.lags import lag_sums, spectrum
from clearstack_engine.analysis.parts import without_slow_parts

Float32Array = NDArray[np.float32]

SMOOTH_SIGMA_PX = 1.5
_MAX_SHIFT_PX = 8
_AGREES = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceAgreement:
    """What neighbouring slices share.

    Attributes:
        correlation: Of the fine structure of neighbouring slices, -1 to 1, the noise's share taken out, at the best
            shift.
        shift_px: By how much the image moves from slice to slice.
        num_pairs: Pairs of slices that were compared.
    """

    correlation: float
    shift_px: float
    num_pairs: int

    @property
    def pays(self) -> bool:
        """Whether neighbouring slices tell enough of each other for 2.5D."""
        return self.correlation >= _AGREES


class SliceComparison:
    """Gathers pairs of neighbouring slices of one shape."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._half = (min(_MAX_SHIFT_PX, shape[0] // 2 - 1), min(_MAX_SHIFT_PX, shape[1] // 2 - 1))
        self._found: list[tuple[float, float]] = []

    def add(self, first_YX: Float32Array, second_YX: Float32Array, noise_variance: float) -> None:
        """Compare two neighbouring slices.

        Args:
            first_YX: A slice.
            second_YX: The next one.
            noise_variance: What noise contributes to the variance of a slice after `smooth`, units of the input.
        """
        first_YX, second_YX = smooth(first_YX), smooth(second_YX)
        spectra = (spectrum(first_YX, self._half), spectrum(second_YX, self._half))
        products_YX = lag_sums(*spectra, self._shape, self._half) / first_YX.size
        signal = [float(image_YX.var()) - noise_variance for image_YX in (first_YX, second_YX)]
        if min(signal) <= 0.2 * noise_variance:
            return  # nothing but noise: there is nothing to agree about
        best = np.unravel_index(int(products_YX.argmax()), products_YX.shape)
        shift = float(np.hypot(best[0] - self._half[0], best[1] - self._half[1]))
        self._found.append(
            (min(1.0, float(products_YX[best]) / float(np.sqrt(signal[0] * signal[1]))), shift)
        )

    def result(self) -> SliceAgreement | None:
        """The typical pair; None when there was none with structure in it."""
        if not self._found:
            return None
        correlation, shift_px = np.median(self._found, axis=0)
        return SliceAgreement(
            correlation=float(correlation), shift_px=float(shift_px), num_pairs=len(self._found)
        )


def smooth(slice_YX: Float32Array) -> Float32Array:
    """The slice without its slow parts and most of its noise."""
    return np.asarray(
        ndimage.gaussian_filter(without_slow_parts(slice_YX), SMOOTH_SIGMA_PX), dtype=np.float32
    )
