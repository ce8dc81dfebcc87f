"""Measures the noise's correlation, slice by slice.

Axes: Z slice offset, Y row offset, X column offset in results; Y, X image rows and columns in images.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clearstack_engine.analysis.correlation import NoiseCorrelation
from clearstack_engine.analysis.flatness import flat_weights, high_passed
from clearstack_engine.analysis.lags import Spectrum, lag_sums, spectrum

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_NO_NOISE = 1e-6  # share of the image's range below which a residual is rounding, not noise
_HIGH_PASS_SIGMA_PX = 16.0


@dataclass(slots=True)
class _Slice:
    """Spectra of one slice: of the residual, of the flat places and of their weights."""

    residual: Spectrum
    flat: Spectrum
    weights: Spectrum


@dataclass(slots=True)
class _Sums:
    """Running sums of one slice offset."""

    residual_YX: Float64Array
    flat_YX: Float64Array
    weights_YX: Float64Array
    num_slices: int = field(default=0)


class CorrelationMeter:
    """Autocorrelation of the noise over a stack, with memory for two slices.

    Two sources are measured. The residual of white noise is white whatever the image, which the raw image is not;
    but the residual of correlated noise carries ringing, because stage 1 has predicted part of the noise already.
    The raw image where it is flattest has no ringing, but image structure may leak in. An offset counts only where
    both agree.
    """

    def __init__(self, *, num_offset_slices: int = 1, max_offset_px: int = 32) -> None:
        """Start a measurement.

        Args:
            num_offset_slices: 1 for offsets within a slice, 3 for those to the slice before and after too.
            max_offset_px: Largest offset in rows and columns; clipped to half the slice.

        Raises:
            ValueError: ``num_offset_slices`` is neither 1 nor 3, or ``max_offset_px`` is not positive.
        """
        if num_offset_slices not in (1, 3):
            raise ValueError(f"num_offset_slices is 1 or 3, not {num_offset_slices}")
        if max_offset_px < 1:
            raise ValueError(f"max_offset_px is 1 or more, not {max_offset_px}")
        self._num_offset_slices = num_offset_slices
        self._max_offset_px = max_offset_px
        self._shape: tuple[int, ...] | None = None
        self._half = (0, 0)
        self._sums: list[_Sums] = []
        self._previous: _Slice | None = None
        self._variances: list[float] = []

    def add(self, noisy_YX: Float32Array, denoised_YX: Float32Array) -> None:
        """Take in the next slice, in the order of z.

        Args:
            noisy_YX: The slice as it was acquired, any units.
            denoised_YX: The stage-1 output for it, same shape and units.

        Raises:
            ValueError: The slices differ in shape or are smaller than 3 pixels.
        """
        noisy_YX = np.asarray(noisy_YX, dtype=np.float32)
        denoised_YX = np.asarray(denoised_YX, dtype=np.float32)
        self._check(noisy_YX, denoised_YX)
        current = self._measure(noisy_YX, denoised_YX)
        self._accumulate(self._sums[0], current, current)
        if self._num_offset_slices > 1:
            if self._previous is not None:
                self._accumulate(self._sums[1], self._previous, current)
            self._previous = current

    def result(self) -> NoiseCorrelation:
        """What has been measured so far.

        Raises:
            ValueError: No slice has been added.
        """
        if self._shape is None:
            raise ValueError("no slice has been added")
        residual_ZYX = self._correlation("residual_YX")
        flat_ZYX = self._correlation("flat_YX")
        num_pixels = int(np.prod(self._shape)) * self._sums[0].num_slices
        agree_ZYX = np.sign(residual_ZYX) == np.sign(flat_ZYX)
        certainty_ZYX = np.minimum(
            self._certainty(residual_ZYX, num_pixels), self._certainty(flat_ZYX, num_pixels)
        )
        smaller_ZYX = np.where(np.abs(residual_ZYX) < np.abs(flat_ZYX), residual_ZYX, flat_ZYX)
        return NoiseCorrelation(
            correlation_ZYX=np.where(agree_ZYX, smaller_ZYX, 0).astype(np.float32),
            certainty_ZYX=np.where(agree_ZYX, certainty_ZYX, 0).astype(np.float32),
            residual_correlation_ZYX=residual_ZYX.astype(np.float32),
            flat_correlation_ZYX=flat_ZYX.astype(np.float32),
            num_pixels=num_pixels,
            noise_std=float(np.sqrt(np.mean(self._variances))),
        )

    def _check(self, noisy_YX: Float32Array, denoised_YX: Float32Array) -> None:
        if noisy_YX.ndim != 2 or noisy_YX.shape != denoised_YX.shape:  # noqa: PLR2004
            raise ValueError(
                f"noisy {noisy_YX.shape} and denoised {denoised_YX.shape} must be slices of one shape"
            )
        if self._shape is None:
            if min(noisy_YX.shape) < 3:  # noqa: PLR2004
                raise ValueError(f"a slice of {noisy_YX.shape} pixels is too small")
            self._shape = noisy_YX.shape
            height, width = noisy_YX.shape
            self._half = (min(self._max_offset_px, height // 2 - 1), min(self._max_offset_px, width // 2 - 1))
            window = (2 * self._half[0] + 1, 2 * self._half[1] + 1)
            num_sums = 1 + self._num_offset_slices // 2
            self._sums = [
                _Sums(np.zeros(window), np.zeros(window), np.zeros(window)) for _ in range(num_sums)
            ]
        elif noisy_YX.shape != self._shape:
            raise ValueError(f"a slice of {noisy_YX.shape} pixels in a stack of {self._shape}")

    def _measure(self, noisy_YX: Float32Array, denoised_YX: Float32Array) -> _Slice:
        residual_YX = noisy_YX - denoised_YX
        residual_YX -= residual_YX.mean()
        std = float(residual_YX.std())
        scale = 1 / std if std > _NO_NOISE * max(float(np.ptp(noisy_YX)), 1e-30) else 0.0
        weights_YX = flat_weights(noisy_YX, denoised_YX)
        flat_YX = high_passed(noisy_YX, _HIGH_PASS_SIGMA_PX) * weights_YX
        variance = float((flat_YX**2).sum() / max(float(weights_YX.sum()), 1.0))
        self._variances.append(variance)
        return _Slice(
            spectrum(residual_YX * scale, self._half),
            spectrum(flat_YX * (scale and 1 / np.sqrt(max(variance, 1e-30))), self._half),
            spectrum(weights_YX, self._half),
        )

    def _accumulate(self, sums: _Sums, first: _Slice, second: _Slice) -> None:
        assert self._shape is not None  # noqa: S101
        sums.residual_YX += lag_sums(first.residual, second.residual, self._shape, self._half)
        sums.flat_YX += lag_sums(first.flat, second.flat, self._shape, self._half)
        sums.weights_YX += lag_sums(first.weights, second.weights, self._shape, self._half)
        sums.num_slices += 1

    def _correlation(self, source: str) -> Float64Array:
        assert self._shape is not None  # noqa: S101
        counts_YX = np.outer(
            *(side - np.abs(np.arange(-h, h + 1)) for side, h in zip(self._shape, self._half, strict=True))
        )
        planes = []
        for sums in self._sums:
            pairs_YX = counts_YX * sums.num_slices if source == "residual_YX" else sums.weights_YX
            planes.append(getattr(sums, source) / np.maximum(pairs_YX, 1))
        centre = planes[0][self._half]
        stack = [planes[0]] if len(planes) == 1 else [planes[1][::-1, ::-1], planes[0], planes[1]]
        correlation_ZYX = np.stack(stack) / centre if centre > 0 else np.zeros((len(stack), *planes[0].shape))
        correlation_ZYX = (correlation_ZYX + correlation_ZYX[::-1, ::-1, ::-1]) / 2
        correlation_ZYX[len(stack) // 2, self._half[0], self._half[1]] = 1.0
        return np.asarray(np.clip(correlation_ZYX, -1, 1))

    def _certainty(self, correlation_ZYX: Float64Array, num_pixels: int) -> Float64Array:
        # Bartlett: neighbouring products of correlated noise are no independent samples.
        spread = float(np.sqrt((correlation_ZYX**2).sum() / max(num_pixels, 1)))
        certainty_ZYX = np.abs(correlation_ZYX) / spread
        certainty_ZYX[len(correlation_ZYX) // 2, self._half[0], self._half[1]] = 0
        return np.asarray(certainty_ZYX)
