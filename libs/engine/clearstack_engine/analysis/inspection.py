"""Looks at a stack without training on it: how noisy it is, what its noise is like, and what to do about it.

Axes: Z slices, Y rows, X columns of images; Y, X row and column offset in correlations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clearstack_engine.analysis.correlation import NoiseCorrelation
from clearstack_engine.analysis.extraction import ExtractedMask, MaskExtractorConfig, extract_mask
from clearstack_engine.analysis.parts import fine_part, share_of_slow_parts
from clearstack_engine.analysis.patterns import is_checkered
from clearstack_engine.analysis.quiet_places import QuietNoise, QuietPlaces
from clearstack_engine.analysis.recommendation import Recommendation, recommend
from clearstack_engine.analysis.signal_dependence import PhotonTransfer, SignalDependence
from clearstack_engine.analysis.slice_agreement import (
    SMOOTH_SIGMA_PX,
    SliceAgreement,
    SliceComparison,
)
from clearstack_engine.analysis.verdict import NoiseKind, judge, noise_correlation

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_NUM_SLICES = 8  # that are looked at, evenly spread
_MAX_SIDE_PX = 1024  # of larger slices, the middle
_MIN_SIDE_PX = 16


class SliceSource(Protocol):
    """A stack that can be read slice by slice."""

    @property
    def num_slices(self) -> int:
        """How many there are."""
        ...

    def read_slice(self, z: int) -> NDArray[np.generic]:
        """Slice ``z`` (Y, X), counted from 0."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a look at a stack tells.

    Attributes:
        noise_std: Standard deviation of the noise, units of the input; 0 where there is none.
        noise_percent: The same in percent of the stack's range of values.
        signal_to_noise: Standard deviation of the image over that of the noise; 0 where there is no noise.
        dependence: How the noise grows with brightness; None where it does not, or it cannot be measured.
        correlation_YX: float32 (odd, odd), 1 at the centre: of the noise as measured in the flattest places.
        saturated_percent: Pixels with the largest value of the data type, or clipped at one value below it.
        black_percent: Pixels clipped at the smallest value.
        agreement: Of neighbouring slices; None where it could not be measured.
        mask: A preview of the mask that autoStructN2V would find.
        recommendation: What to do.
        num_slices_measured: Slices that were looked at.
    """

    noise_std: float
    noise_percent: float
    signal_to_noise: float
    dependence: SignalDependence | None
    correlation_YX: Float32Array
    saturated_percent: float
    black_percent: float
    agreement: SliceAgreement | None
    mask: ExtractedMask
    recommendation: Recommendation
    num_slices_measured: int


def inspect_stack(stack: SliceSource) -> Inspection:
    """Look at a stack; seconds, whatever its size.

    Raises:
        ValueError: It has no slice, or slices of less than 16 pixels a side.
    """
    chosen = _evenly(stack.num_slices, _NUM_SLICES)
    slices = [_middle(stack.read_slice(z)) for z in chosen]
    if not slices or min(slices[0].shape) < _MIN_SIDE_PX:
        raise ValueError(f"a stack with slices of {_MIN_SIDE_PX} pixels a side or more is needed")
    places, transfer = QuietPlaces(slices[0].shape), PhotonTransfer()
    for slice_YX in slices:
        places.add(slice_YX)
        transfer.add(slice_YX, fine_part(slice_YX))
    noise = places.result()
    kind = judge(noise)
    correlation_YX = noise_correlation(noise, kind)
    std = 0.0 if kind is NoiseKind.NONE else _std(noise, kind)
    dependence = _dependence(transfer, noise, std)
    agreement = _agreement(stack, chosen, noise.std**2 if std else 0.0, noise.correlation_YX)
    mask = _mask(correlation_YX, noise, std)
    mean = float(np.mean([slice_YX.mean() for slice_YX in slices]))
    typical = np.sqrt(dependence.variance_at(mean)) if dependence else std
    saturated, black = _clipped(slices)
    return Inspection(
        noise_std=float(typical),
        noise_percent=100 * float(typical) / noise.value_range if typical else 0.0,
        signal_to_noise=_signal_to_noise(slices, float(typical)),
        dependence=dependence,
        correlation_YX=noise.correlation_YX.astype(np.float32),
        saturated_percent=saturated,
        black_percent=black,
        agreement=agreement,
        mask=mask,
        recommendation=recommend(
            kind,
            mask.pattern,
            mask.offsets[0].correlation if mask.offsets else 0.0,
            agreement,
            stack.num_slices,
            depends_on_signal=dependence is not None,
            checkered=is_checkered(noise.correlation_YX),
        ),
        num_slices_measured=len(slices),
    )


def _evenly(count: int, wanted: int) -> list[int]:
    return sorted({round(z) for z in np.linspace(0, count - 1, min(count, wanted))}) if count else []


def _middle(slice_YX: NDArray[np.generic]) -> Float32Array:
    rows, columns = (
        slice(max(0, (side - _MAX_SIDE_PX) // 2), max(0, (side - _MAX_SIDE_PX) // 2) + _MAX_SIDE_PX)
        for side in slice_YX.shape
    )
    return np.asarray(slice_YX[rows, columns], dtype=np.float32)


def _std(noise: QuietNoise, kind: NoiseKind) -> float:
    """White noise is measured where it is finest: no image structure reaches there."""
    if kind is NoiseKind.WHITE:
        return noise.fine_std
    return noise.std / float(np.sqrt(1 - share_of_slow_parts(noise.correlation_YX)))


def _dependence(transfer: PhotonTransfer, noise: QuietNoise, std: float) -> SignalDependence | None:
    """The line of the whole noise: what was measured is its pixel-to-pixel part."""
    line = transfer.result()
    if line is None or not std or not line.is_measurable:
        return None
    share = (std / max(noise.fine_std, np.finfo(np.float64).tiny)) ** 2
    return SignalDependence(
        gain=line.gain * share,
        variance_at_zero=line.variance_at_zero * share,
        certainty=line.certainty,
        ratio=line.ratio,
    )


def _agreement(
    stack: SliceSource, chosen: Sequence[int], variance: float, correlation_YX: Float64Array
) -> SliceAgreement | None:
    firsts = [z for z in chosen if z + 1 < stack.num_slices]
    if not firsts:
        return None
    left = variance * _share_left_by_smoothing(correlation_YX)
    comparison: SliceComparison | None = None
    for z in firsts:
        first_YX, second_YX = _middle(stack.read_slice(z)), _middle(stack.read_slice(z + 1))
        comparison = comparison or SliceComparison(first_YX.shape)
        comparison.add(first_YX, second_YX, left)
    return comparison.result() if comparison else None


def _share_left_by_smoothing(correlation_YX: Float64Array) -> float:
    kernel_YX = np.zeros_like(correlation_YX)
    kernel_YX[tuple(side // 2 for side in kernel_YX.shape)] = 1
    kernel_YX = ndimage.gaussian_filter(kernel_YX, SMOOTH_SIGMA_PX * np.sqrt(2), mode="constant")
    return float(np.clip((kernel_YX * correlation_YX).sum(), 0, 1))


def _mask(correlation_YX: Float64Array, noise: QuietNoise, std: float) -> ExtractedMask:
    correlation_ZYX = correlation_YX[None].astype(np.float32)
    certainty_ZYX = (np.abs(correlation_ZYX) / np.maximum(noise.standard_error_YX, 1e-6)).astype(np.float32)
    measured = NoiseCorrelation(
        correlation_ZYX=correlation_ZYX,
        certainty_ZYX=certainty_ZYX,
        residual_correlation_ZYX=np.zeros_like(correlation_ZYX),
        flat_correlation_ZYX=noise.correlation_YX[None].astype(np.float32),
        num_pixels=0,
        noise_std=std,
    )
    return extract_mask(measured, MaskExtractorConfig())


def _clipped(slices: Sequence[Float32Array]) -> tuple[float, float]:
    """Percent of pixels at the very largest and at the very smallest value, where many share it."""
    high, low = max(float(each.max()) for each in slices), min(float(each.min()) for each in slices)
    count = sum(each.size for each in slices)
    shares = [100 * sum(int((each == value).sum()) for each in slices) / count for value in (high, low)]
    # A single extreme pixel is no clipping.
    return tuple(share if share > 0.01 and high > low else 0.0 for share in shares)  # type: ignore[return-value]  # noqa: PLR2004


def _signal_to_noise(slices: Sequence[Float32Array], noise_std: float) -> float:
    if not noise_std:
        return 0.0
    variance = float(np.mean([each.var(dtype=np.float64) for each in slices]))
    return float(np.sqrt(max(0.0, variance - noise_std**2)) / noise_std)
