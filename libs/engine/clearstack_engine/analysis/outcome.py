"""What a denoising has done to a stack, judged without knowing the truth.

Noise is what varies where the image is flat; what was lost is what the residual holds where the image has structure, and
does not hold where it is flat and equally bright.

Axes: Y, X image rows and columns, or row and column offsets; T square tiles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clearstack_engine.analysis.correlation import NoiseCorrelation
from clearstack_engine.analysis.extraction import ExtractedMask, MaskExtractorConfig, extract_mask
from clearstack_engine.analysis.meter import CorrelationMeter
from clearstack_engine.analysis.parts import fine_part, without_slow_parts

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_TILE_PX = 8
_NUM_LEVELS = 4  # of brightness
_FLATTEST, _BUSIEST = 0.3, 0.7  # shares of the tiles of one brightness
_STRUCTURE_SIGMA_PX = 1.0
_WORSE = 1.1
_SURE = 3.0  # standard errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the noise and of the signal.

    Attributes:
        noise_std: Standard deviation of the noise in the input, units of the input.
        left_std: Of the noise that is still in the result, units of the input.
        lost_std: Standard deviation of the structure that went into the residual, units of the input.
        structure_std: Standard deviation of the structure that the result has where it has most.
        correlation: Of the noise before (`flat_correlation_ZYX`) and of the residual (`residual_correlation_ZYX`).
        mask: Where the noise of the input is correlated.
        captured: Share of the noise's covariance that the residual has too, at the offsets of the mask: near 1 where
            structured noise was removed, near 0 or below where it passes for image; 1 where there is none.
    """

    noise_std: float
    left_std: float
    lost_std: float
    structure_std: float
    correlation: NoiseCorrelation
    mask: ExtractedMask
    captured: float

    @property
    def removed_percent(self) -> float:
        """Share of the noise's deviation that was removed."""
        return 100 * (1 - min(1.0, self.left_std / self.noise_std)) if self.noise_std else 0.0

    @property
    def lost_percent(self) -> float:
        """Share of the structure's deviation that was lost."""
        whole = float(np.hypot(self.structure_std, self.lost_std))
        return 100 * self.lost_std / whole if whole else 0.0

    @property
    def error_std(self) -> float:
        """Noise that was left and structure that was lost together: an estimate from above of the result's error."""
        return float(np.hypot(self.left_std, self.lost_std))

    def is_worse_than(self, other: "Outcome") -> bool:
        """Whether this result is clearly further from the truth than another of the same input."""
        return self.error_std > _WORSE * other.error_std


class OutcomeMeter:
    """Compares a stack with its result, slice by slice."""

    def __init__(self) -> None:
        self._meter = CorrelationMeter()
        self._rows: list[tuple[float, ...]] = []

    def add(self, noisy_YX: Float32Array, denoised_YX: Float32Array) -> None:
        """Take in a slice and its result, of one shape and in the same units."""
        noisy_YX = np.asarray(noisy_YX, dtype=np.float32)
        denoised_YX = np.asarray(denoised_YX, dtype=np.float32)
        self._meter.add(noisy_YX, denoised_YX)
        self._rows.append(_powers(noisy_YX, denoised_YX))

    def result(self) -> Outcome:
        """What became of the noise and of the signal.

        Raises:
            ValueError: No slice has been added.
        """
        correlation = self._meter.result()
        mask = extract_mask(correlation, MaskExtractorConfig())
        noise, removed, fine_before, fine_after, lost, structure = np.sqrt(
            np.maximum(np.mean(self._rows, axis=0), 0)
        )
        captured = _captured(correlation, mask, min(1.0, float(removed / noise) ** 2) if noise else 1.0)
        # Noise is left where fine grain is left, or where its pattern is not in the residual.
        grain = min(1.0, float(fine_after / fine_before)) if fine_before else 0.0
        left = max(grain, np.sqrt(1 - min(1.0, max(0.0, captured))))
        noise_std = float(noise) if correlation.noise_std else 0.0
        return Outcome(
            noise_std=noise_std,
            left_std=float(left) * noise_std,
            lost_std=float(lost),
            structure_std=float(structure),
            correlation=correlation,
            mask=mask,
            captured=captured,
        )


def _powers(noisy_YX: Float32Array, denoised_YX: Float32Array) -> tuple[float, ...]:
    """Variances of noise, of what was removed, of fine grain before and after, of lost structure and of structure."""
    before_YX, after_YX = without_slow_parts(noisy_YX), without_slow_parts(denoised_YX)
    residual_T, after_T = _tile_power(before_YX - after_YX), _tile_power(after_YX)
    unflat_T = _tile_power(ndimage.gaussian_filter(after_YX, _STRUCTURE_SIGMA_PX))
    brightness_T = _tiles(denoised_YX).mean(axis=1)
    edges = np.quantile(brightness_T, np.linspace(0, 1, _NUM_LEVELS + 1)[1:-1])
    levels_T = np.searchsorted(edges, brightness_T)
    flat_T, busy_T = np.zeros_like(levels_T, dtype=bool), np.zeros_like(levels_T, dtype=bool)
    for level in np.unique(levels_T):
        here_T = levels_T == level
        low, high = np.quantile(unflat_T[here_T], (_FLATTEST, _BUSIEST))
        flat_T |= here_T & (unflat_T <= low)
        busy_T |= here_T & (unflat_T >= high)
    flattest_T = unflat_T <= np.quantile(unflat_T, _FLATTEST)
    return (
        float(_tile_power(before_YX)[flattest_T].mean()),
        float(residual_T[flattest_T].mean()),
        float(_tile_power(fine_part(noisy_YX))[flat_T].mean()),
        float(_tile_power(fine_part(denoised_YX))[flat_T].mean()),
        _excess(residual_T, brightness_T, busy_T, flat_T),
        float(after_T[busy_T].mean() - after_T[flat_T].mean()),
    )


def _excess(
    residual_T: Float64Array, brightness_T: Float64Array, busy_T: NDArray[np.bool_], flat_T: NDArray[np.bool_]
) -> float:
    """By how much busy places have more residual than flat ones of their brightness would; 0 where it may be chance."""
    gain, at_zero = (
        np.polyfit(brightness_T[flat_T], residual_T[flat_T], 1) if flat_T.sum() > 1 else (0.0, 0.0)
    )
    excess_T = residual_T - at_zero - gain * brightness_T
    excess = float(excess_T[busy_T].mean())
    error = float(np.sqrt(excess_T[busy_T].var() / busy_T.sum() + excess_T[flat_T].var() / flat_T.sum()))
    return excess if excess > _SURE * error else 0.0


def _captured(correlation: NoiseCorrelation, mask: ExtractedMask, removed_share: float) -> float:
    """As `Outcome.captured`; ``removed_share`` is the residual's variance in that of the noise."""
    if mask.is_empty:
        return 1.0
    active = [offset for offset in mask.offsets[: mask.num_active_pixels - 1] if offset.dz == 0]
    z, y, x = (side // 2 for side in correlation.correlation_ZYX.shape)
    index = tuple(np.array([(z, y + offset.dy, x + offset.dx) for offset in active]).T)
    noise, residual = correlation.flat_correlation_ZYX[index], correlation.residual_correlation_ZYX[index]
    power = float((noise**2).sum())
    return removed_share * float((noise * residual).sum()) / power if power else 1.0


def _tile_power(image_YX: Float32Array) -> Float64Array:
    return np.asarray((_tiles(image_YX) ** 2).mean(axis=1))


def _tiles(image_YX: Float32Array) -> Float64Array:
    """(T, pixels): the pixels of each square tile; what is left over at the lower and right edges is dropped."""
    side = min(_TILE_PX, *image_YX.shape)
    height, width = image_YX.shape[0] // side, image_YX.shape[1] // side
    tiles = image_YX[: height * side, : width * side].reshape(height, side, width, side)
    return np.asarray(tiles.swapaxes(1, 2).reshape(height * width, side**2), dtype=np.float64)
