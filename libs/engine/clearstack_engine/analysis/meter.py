"""Measures the noise's correlation, slice by slice.

Axes: Z slice offset, Y row offset, X column offset in results; Y, X image rows and columns in images.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearstack_engine.analysis.combine import combine, without_image
from clearstack_engine.analysis.correlation import NoiseCorrelation
from clearstack_engine.analysis.flatness import VisibleNoise, visible_noise
from clearstack_engine.analysis.high_pass import as_unfiltered
from clearstack_engine.analysis.lags import Spectrum, lag_sums, spectrum

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_RESIDUAL, _FLAT, _WEIGHTS, _BUSIER, _BUSIER_WEIGHTS = range(5)
_MIN_SIDE_PX = 8
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class _Slice:
    """A slice's noise and the spectra of its views and their weights."""

    noise: VisibleNoise
    spectra: tuple[Spectrum, ...]


class CorrelationMeter:
    """Autocorrelation of the noise over a stack, with memory for two slices."""

    def __init__(
        self, *, num_offset_slices: int = 1, max_offset_px: int = 32, denoised_is_clean: bool = False
    ) -> None:
        """Start a measurement.

        Args:
            num_offset_slices: 1 for offsets within a slice, 3 for those to the slice before and after too.
            max_offset_px: Largest offset in rows and columns; clipped to less than half the slice.
            denoised_is_clean: The denoised slices hold little of the noise, as those of a stage that was told of its
                structure do: then they show which slow parts of the noisy ones are image. A single blind spot lets
                structured noise through, and taking that away would bend its correlation.

        Raises:
            ValueError: ``num_offset_slices`` is neither 1 nor 3, or ``max_offset_px`` is not positive.
        """
        if num_offset_slices not in (1, 3):
            raise ValueError(f"num_offset_slices is 1 or 3, not {num_offset_slices}")
        if max_offset_px < 1:
            raise ValueError(f"max_offset_px is 1 or more, not {max_offset_px}")
        self._num_offset_slices = num_offset_slices
        self._max_offset_px = max_offset_px
        self._denoised_is_clean = denoised_is_clean
        self._shape: tuple[int, ...] | None = None
        self._half = (0, 0)
        self._sums_ZCYX = np.zeros((1, 5, 1, 1))  # Z: slice offset 0 or 1; C: the views
        self._previous: _Slice | None = None
        self._alike = np.zeros(2)  # sums of products and of squares of neighbouring residuals
        self._variances: list[float] = []
        self._weight_powers = 0.0
        self._structures = np.zeros(2)
        self._num_slices = 0

    def add(self, noisy_YX: Float32Array, denoised_YX: Float32Array) -> None:
        """Take in the next slice, in the order of z.

        Args:
            noisy_YX: The slice as it was acquired, any units.
            denoised_YX: The stage-1 output for it, same shape and units. Without a stage 1, a blurred copy will do
                for ``flat_correlation_ZYX``, and for that alone.

        Raises:
            ValueError: The slices differ in shape or are smaller than 8 pixels.
        """
        noisy_YX = np.asarray(noisy_YX, dtype=np.float32)
        denoised_YX = np.asarray(denoised_YX, dtype=np.float32)
        self._check(noisy_YX.shape, denoised_YX.shape)
        self._num_slices += 1
        noise = visible_noise(noisy_YX, denoised_YX, denoised_is_clean=self._denoised_is_clean)
        if noise is None:
            self._previous = None
            return
        images = (
            noise.residual_YX,
            noise.flat_YX,
            noise.weights_YX,
            noise.busier_YX,
            noise.busier_weights_YX,
        )
        current = _Slice(noise, tuple(spectrum(image_YX, self._half) for image_YX in images))
        self._accumulate(current)
        self._previous = current

    def result(self) -> NoiseCorrelation:
        """What has been measured so far.

        Raises:
            ValueError: No slice has been added.
        """
        if self._shape is None:
            raise ValueError("no slice has been added")
        # A few noisy slices among clean ones may be the clean ones' structure after all.
        is_noisy = 2 * len(self._variances) > self._num_slices
        residual_ZYX, flat_ZYX, busier_ZYX = (
            self._correlation(view, weights, is_noisy=is_noisy)
            for view, weights in ((_RESIDUAL, _WEIGHTS), (_FLAT, _WEIGHTS), (_BUSIER, _BUSIER_WEIGHTS))
        )
        growth_ZYX = np.maximum(np.abs(busier_ZYX) - np.abs(flat_ZYX), 0)
        flat_ZYX = as_unfiltered(without_image(flat_ZYX, busier_ZYX, self._structure()))
        errors = (self._standard_error(residual_ZYX), self._standard_error(flat_ZYX))
        correlation_ZYX, certainty_ZYX = combine(residual_ZYX, flat_ZYX, errors, growth_ZYX)
        return NoiseCorrelation(
            correlation_ZYX=correlation_ZYX.astype(np.float32),
            certainty_ZYX=certainty_ZYX.astype(np.float32),
            residual_correlation_ZYX=residual_ZYX.astype(np.float32),
            flat_correlation_ZYX=flat_ZYX.astype(np.float32),
            num_pixels=round(self._sums_ZCYX[0, _WEIGHTS][self._half] * self._pixels_per_weight()),
            noise_std=float(np.sqrt(np.mean(self._variances))) if is_noisy else 0.0,
        )

    def _check(self, noisy: tuple[int, ...], denoised: tuple[int, ...]) -> None:
        if noisy != denoised or len(noisy) != 2:  # noqa: PLR2004
            raise ValueError(f"noisy {noisy} and denoised {denoised} must be slices of one shape")
        if self._shape is None:
            if min(noisy) < _MIN_SIDE_PX:
                raise ValueError(f"a slice of {noisy} pixels is too small: {_MIN_SIDE_PX} a side at least")
            self._shape = noisy
            self._half = (
                min(self._max_offset_px, noisy[0] // 2 - 1),
                min(self._max_offset_px, noisy[1] // 2 - 1),
            )
            window = (2 * self._half[0] + 1, 2 * self._half[1] + 1)
            self._sums_ZCYX = np.zeros((1 + self._num_offset_slices // 2, 5, *window))
        elif noisy != self._shape:
            raise ValueError(f"a slice of {noisy} pixels in a stack of {self._shape}")

    def _accumulate(self, current: _Slice) -> None:
        self._variances.append(current.noise.variance)
        self._weight_powers += float((current.noise.weights_YX.astype(np.float64) ** 4).sum())
        self._structures += current.noise.structure
        self._add_pair(0, current, current)
        if self._previous is None:
            return
        before, now = self._previous.noise.residual_YX, current.noise.residual_YX
        common = (before != 0) & (now != 0)
        self._alike += (
            float((before * now).sum()),
            float((before[common] ** 2 + now[common] ** 2).sum() / 2),
        )
        if self._num_offset_slices > 1:
            self._add_pair(1, self._previous, current)

    def _add_pair(self, dz: int, first: _Slice, second: _Slice) -> None:
        assert self._shape is not None  # noqa: S101 (add checks the shape before it measures)
        for source, pair in enumerate(zip(first.spectra, second.spectra, strict=True)):
            self._sums_ZCYX[dz, source] += lag_sums(*pair, self._shape, self._half)

    def _per_offset(self, half_Z: Float64Array) -> Float64Array:
        """All slice offsets from 0 and +1: what lies before a slice mirrors what lies behind it."""
        if len(half_Z) == 1:
            return half_Z.copy()
        return np.stack([half_Z[1, ::-1, ::-1], half_Z[0], half_Z[1]])

    def _structure(self) -> tuple[float, float]:
        """Mean variance of the image in that of the noise, in the flat places and in the busier ones."""
        weights = self._sums_ZCYX[0, [_WEIGHTS, _BUSIER_WEIGHTS], *self._half]
        flat, busier = self._structures / np.maximum(weights, _TINY)
        return float(flat), float(busier)

    def _correlation(self, view: int, weights: int, *, is_noisy: bool) -> Float64Array:
        means_ZYX = self._per_offset(
            self._sums_ZCYX[:, view] / np.maximum(self._sums_ZCYX[:, weights], _TINY)
        )
        middle = (len(means_ZYX) // 2, *self._half)
        correlation_ZYX = np.zeros_like(means_ZYX)
        if is_noisy and means_ZYX[middle] > 0:
            symmetric_ZYX = (means_ZYX + means_ZYX[::-1, ::-1, ::-1]) / 2
            correlation_ZYX = np.clip(symmetric_ZYX / means_ZYX[middle], -1, 1)
        correlation_ZYX[middle] = 1
        return correlation_ZYX

    def _standard_error(self, correlation_ZYX: Float64Array) -> Float64Array:
        """Bartlett's formula: neighbouring products of correlated noise are no independent samples.

        Noise that is the same in all slices is one sample, however many slices there are.
        """
        pairs_ZYX = self._per_offset(self._sums_ZCYX[:, _WEIGHTS]) * self._pixels_per_weight()
        fixed = min(1.0, float(self._alike[0] / self._alike[1]) ** 2) if self._alike[1] > 0 else 0.0
        num_samples = (1 - fixed) + fixed * max(len(self._variances), 1)
        power = float((correlation_ZYX[len(correlation_ZYX) // 2] ** 2).sum())
        return np.asarray(np.sqrt(power * num_samples / np.maximum(pairs_ZYX, 1)))

    def _pixels_per_weight(self) -> float:
        total = float(self._sums_ZCYX[0, _WEIGHTS][self._half])
        return total / self._weight_powers if self._weight_powers > 0 else 0.0
