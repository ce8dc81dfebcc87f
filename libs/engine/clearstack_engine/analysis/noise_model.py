"""The noise of a stack as a model that can be calculated with: its autocovariance, and how it grows with brightness.

The variance follows a line over brightness (Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for
single-image raw-data", 2008, section II); what grows are photons, each counted in one pixel, so that part is white.

Axes: Z slice offset (1, or 3 for Z-1/Z/Z+1), Y row offset, X column offset in covariances; Z, Y, X or Y, X in images.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clearstack_engine.analysis.high_pass import gain_of_high_pass
from clearstack_engine.analysis.meter import CorrelationMeter
from clearstack_engine.analysis.noise_level import LevelMeter, NoiseLevel
from clearstack_engine.analysis.quiet_places import QuietPlaces
from clearstack_engine.analysis.verdict import NoiseKind, judge, noise_correlation

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_BLUR_SIGMA_PX = 2.0
_STRUCTURED = 0.05  # |correlation| below which the noise passes for white
_MIN_CORRELATION = 0.02  # smaller ones may be image structure
_LARGE = 0.1  # nothing but noise correlates as much in flat places


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseModel:
    """Zero-mean noise, correlated over pixel offsets, with a white part that may grow with brightness.

    At brightness x its autocovariance is ``autocovariance_ZYX`` plus, at offset zero, ``gain * (x - mean_brightness)``.

    Attributes:
        autocovariance_ZYX: float32 (1 or 3, odd, odd), squared units of the input, point-symmetric about its centre:
            of all the noise, white and correlated, at the stack's mean brightness. The centre is the variance; all
            zero where the stack has no noise.
        mean_brightness: Of the stack, units of the input.
        gain: Variance per brightness, units of the input: those per photon; 0 where the noise does not grow.
    """

    autocovariance_ZYX: Float32Array
    mean_brightness: float
    gain: float

    @property
    def variance(self) -> float:
        """At the mean brightness, squared units of the input."""
        return float(self.autocovariance_ZYX[tuple(side // 2 for side in self.autocovariance_ZYX.shape)])

    @property
    def is_white(self) -> bool:
        """Whether no pixel's noise goes together with another's."""
        return bool(np.count_nonzero(self.autocovariance_ZYX) <= 1)

    @property
    def noise_std(self) -> float:
        """Standard deviation at the mean brightness, units of the input."""
        return float(np.sqrt(self.variance))

    @property
    def variance_at_zero(self) -> float:
        """Where the line of the variance meets brightness 0; below 0 where the detector adds an offset."""
        return self.variance - self.gain * self.mean_brightness

    @property
    def correlated_variance(self) -> float:
        """The part of the variance that is certainly not white: as much as the strongest covariance with another pixel."""
        others_ZYX = np.abs(self.autocovariance_ZYX)
        others_ZYX[tuple(side // 2 for side in others_ZYX.shape)] = 0
        return min(self.variance, float(others_ZYX.max()))

    def variance_at(self, brightness: Float32Array) -> Float32Array:
        """Variance where the image is that bright, any shape; never below that of the correlated part."""
        line = self.variance_at_zero + self.gain * np.asarray(brightness, dtype=np.float32)
        return np.asarray(np.maximum(line, self.correlated_variance), dtype=np.float32)


class NoiseModelMeter:
    """Measures the noise model of a stack, slice by slice, with memory for two slices."""

    def __init__(
        self, *, num_offset_slices: int = 1, max_offset_px: int = 32, denoised_is_clean: bool = False
    ) -> None:
        """Start a measurement.

        Args:
            num_offset_slices: 1 for offsets within a slice, 3 for those to the slice before and after too; these need
                a denoised stack.
            max_offset_px: Largest offset in rows and columns, at most 24 without a denoised stack; clipped to less than
                half the slice.
            denoised_is_clean: See `CorrelationMeter`.
        """
        self._num_offset_slices = num_offset_slices
        self._correlation = CorrelationMeter(
            num_offset_slices=num_offset_slices,
            max_offset_px=max_offset_px,
            denoised_is_clean=denoised_is_clean,
        )
        self._max_offset_px = max_offset_px
        self._quiet: QuietPlaces | None = None
        self._level = LevelMeter(denoised_is_clean=denoised_is_clean)
        self._has_denoised: bool | None = None

    def add(self, noisy_YX: Float32Array, denoised_YX: Float32Array | None = None) -> None:
        """Take in the next slice, in the order of z.

        Args:
            noisy_YX: The slice as it was acquired, any real dtype and units, 16 pixels or more a side.
            denoised_YX: What any stage made of it, same shape and units; None for all slices, or for none.

        Raises:
            ValueError: The slices differ in shape, are too small, or some come with a denoised one and others without.
        """
        noisy_YX = np.asarray(noisy_YX, dtype=np.float32)
        if self._has_denoised not in (None, denoised_YX is not None):
            raise ValueError("a denoised slice is needed for all slices, or for none")
        self._has_denoised = denoised_YX is not None
        if denoised_YX is None:
            self._quiet = self._quiet or QuietPlaces(noisy_YX.shape)
            self._quiet.add(noisy_YX)
            self._level.add(noisy_YX, ndimage.gaussian_filter(noisy_YX, _BLUR_SIGMA_PX))
        else:
            denoised_YX = np.asarray(denoised_YX, dtype=np.float32)
            self._correlation.add(noisy_YX, denoised_YX)
            self._level.add(noisy_YX, denoised_YX)

    def result(self) -> NoiseModel:
        """The model of what has been added so far.

        Raises:
            ValueError: No slice has been added.
        """
        correlation_ZYX, is_noisy = self._found()
        level = self._level.result()
        middle = tuple(side // 2 for side in correlation_ZYX.shape)
        is_white = np.count_nonzero(np.abs(correlation_ZYX) > _STRUCTURED) == 1
        correlation_ZYX[~_believed(correlation_ZYX, is_white=is_white)] = 0
        variance = (
            level.fine if is_white else level.high_passed / gain_of_high_pass(correlation_ZYX[middle[0]])
        )
        gain = _gain(level)
        autocovariance_ZYX = is_noisy * variance * correlation_ZYX
        autocovariance_ZYX[middle] += is_noisy * gain * (level.mean_brightness - level.brightness)
        return NoiseModel(
            autocovariance_ZYX=autocovariance_ZYX.astype(np.float32),
            mean_brightness=level.mean_brightness,
            gain=is_noisy * gain,
        )

    def _found(self) -> tuple[Float64Array, bool]:
        """The correlation, and whether there is noise at all."""
        if self._quiet is None:
            found = self._correlation.result()
            return found.correlation_ZYX.astype(np.float64), found.noise_std > 0
        quiet = self._quiet.result()
        kind = judge(quiet)
        correlation_YX = noise_correlation(quiet, kind)
        margin = [max(0, side // 2 - self._max_offset_px) for side in correlation_YX.shape]
        inner = tuple(slice(cut, side - cut) for cut, side in zip(margin, correlation_YX.shape, strict=True))
        return correlation_YX[None, *inner].copy(), kind is not NoiseKind.NONE


def measure_noise_model(
    noisy_ZYX: Iterable[Float32Array],
    denoised_ZYX: Iterable[Float32Array] | None = None,
    *,
    num_offset_slices: int = 1,
    max_offset_px: int = 32,
    denoised_is_clean: bool = False,
) -> NoiseModel:
    """The noise model of a stack; see `NoiseModelMeter` for the arguments and `NoiseModel` for the result."""
    meter = NoiseModelMeter(
        num_offset_slices=num_offset_slices,
        max_offset_px=max_offset_px,
        denoised_is_clean=denoised_is_clean,
    )
    if denoised_ZYX is None:
        for noisy_YX in noisy_ZYX:
            meter.add(noisy_YX)
    else:
        for noisy_YX, denoised_YX in zip(noisy_ZYX, denoised_ZYX, strict=True):
            meter.add(noisy_YX, denoised_YX)
    return meter.result()


def _believed(correlation_ZYX: Float64Array, *, is_white: bool) -> NDArray[np.bool_]:
    """Large correlations, and small ones that hang together with them; small ones by themselves are image or chance."""
    size_ZYX = np.abs(correlation_ZYX)
    if is_white:
        return np.asarray(size_ZYX >= 1)
    neighbours = np.ones((3, 3, 3), dtype=bool)
    return np.asarray(
        ndimage.binary_propagation(size_ZYX > _LARGE, neighbours, mask=size_ZYX > _MIN_CORRELATION)
    )


def _gain(level: NoiseLevel) -> float:
    return level.line.gain if level.line is not None and level.line.is_measurable else 0.0
