"""Turns a measured noise correlation into the blind-spot mask of a second stage.

A structured mask hides, together with a pixel, all pixels whose noise tells of that pixel's noise: Broaddus, Krull,
Weigert, Schmidt, Myers, "Removing Structured Noise with Self-Supervised Blind-Spot Networks" (2020), section 2.

Axes: Z slice offset (1, or 3 for Z-1/Z/Z+1), Y row offset, X column offset; the middle element is offset zero.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clearstack_engine.analysis.combine import MIN_CERTAINTY
from clearstack_engine.analysis.correlation import NoiseCorrelation
from clearstack_engine.analysis.patterns import Pattern, classify, is_checkered, is_scattered

_PERMISSIVE = 1 / 400  # |correlation| asked for at percentile 0; 1/20 at 50, 1 at 100
_NUM_RUNNERS_UP = 8
_CONTINUES = 3.0  # standard errors, next to a correlation that is beyond doubt

Float32Array = NDArray[np.float32]

NOT_FOUND = "No structured noise detected"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskExtractorConfig:
    """How strict the mask extractor is.

    Attributes:
        adaptive_thresholding: Whether the threshold rises with the distance from the centre.
        base_percentile: 0 to 100, higher = stricter. The |correlation| a pixel must exceed next to the centre is
            400 ** (base_percentile / 100 - 1): 0.0025 at 0, 0.05 at 50, 1 at 100.
        percentile_decay: 1.0 to 2.0, the factor on the threshold for each doubling of the distance; 1.0 = none.
            Only with ``adaptive_thresholding``.
        max_masked_pixels: 1 to 500, the most active pixels over all slices of the mask, its centre among them.
    """

    adaptive_thresholding: bool = True
    base_percentile: float = 50.0
    percentile_decay: float = 1.15
    max_masked_pixels: int = 25

    def __post_init__(self) -> None:
        for name, low, high in (
            ("base_percentile", 0, 100),
            ("percentile_decay", 1, 2),
            ("max_masked_pixels", 1, 500),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be {low} to {high}, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetCorrelation:
    """The noise's correlation at one offset from the centre (slices, rows, columns) and its standard errors."""

    dz: int
    dy: int
    dx: int
    correlation: float
    certainty: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedMask:
    """A blind-spot mask and what a reviewer wants to know about it.

    Attributes:
        mask_ZYX: bool (1 or 3, odd, odd), point-symmetric, centre True, no larger than its pixels need.
        pattern: The shape of the active pixels.
        offsets: The active offsets but the centre, strongest first, then the strongest inactive ones.
        warnings: Sentences for the review.
    """

    mask_ZYX: NDArray[np.bool_]
    pattern: Pattern
    offsets: tuple[OffsetCorrelation, ...]
    warnings: tuple[str, ...]

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Rows and columns of the mask."""
        return (self.mask_ZYX.shape[1], self.mask_ZYX.shape[2])

    @property
    def num_active_pixels(self) -> int:
        """Active pixels over all slices of the mask, the centre among them."""
        return int(self.mask_ZYX.sum())

    @property
    def coverage_percent(self) -> float:
        """Active pixels in 100 kernel pixels."""
        return 100.0 * self.num_active_pixels / self.mask_ZYX.size

    @property
    def is_empty(self) -> bool:
        """Whether the centre is the only active pixel."""
        return self.num_active_pixels == 1


def extract_mask(correlation: NoiseCorrelation, config: MaskExtractorConfig) -> ExtractedMask:
    """The mask of the offsets at which the noise is correlated; milliseconds."""
    rho_ZYX = np.abs(correlation.correlation_ZYX).astype(np.float64)
    excess_ZYX = rho_ZYX / _threshold(rho_ZYX.shape, config)
    candidates_ZYX = _sure(excess_ZYX > 1, correlation.certainty_ZYX)
    window_ZYX = _strongest(candidates_ZYX, excess_ZYX, config.max_masked_pixels)
    pattern = _pattern(window_ZYX, correlation.correlation_ZYX)
    return ExtractedMask(
        mask_ZYX=_cropped(window_ZYX),
        pattern=pattern,
        offsets=_offsets(window_ZYX, correlation),
        warnings=_warnings(window_ZYX, pattern),
    )


def _sure(large_ZYX: NDArray[np.bool_], certainty_ZYX: Float32Array) -> NDArray[np.bool_]:
    """Large correlations that are no chance: certain ones, and less certain ones that continue them."""
    certain_ZYX = large_ZYX & (certainty_ZYX > MIN_CERTAINTY)
    likely_ZYX = large_ZYX & (certainty_ZYX > _CONTINUES)
    return np.asarray(
        ndimage.binary_propagation(certain_ZYX, np.ones((1, 3, 3), dtype=bool), mask=likely_ZYX)
    )


def _pattern(mask_ZYX: NDArray[np.bool_], rho_ZYX: Float32Array) -> Pattern:
    found = np.where(mask_ZYX, rho_ZYX, 0).astype(np.float64)
    if is_checkered(found[len(found) // 2]):
        return "grid"
    return classify(np.asarray(mask_ZYX.any(axis=0)), (found**2).max(axis=0))


def _centre(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(side // 2 for side in shape)


def _threshold(shape: tuple[int, ...], config: MaskExtractorConfig) -> NDArray[np.float64]:
    base = _PERMISSIVE ** (1 - config.base_percentile / 100)
    if not config.adaptive_thresholding:
        return np.full(shape, base)
    axes = np.ogrid[tuple(slice(-(side // 2), side // 2 + 1) for side in shape)]
    distance = np.sqrt(sum(axis.astype(np.float64) ** 2 for axis in axes))
    return np.asarray(base * np.maximum(distance, 1) ** np.log2(config.percentile_decay))


def _strongest(
    candidates_ZYX: NDArray[np.bool_], excess_ZYX: NDArray[np.float64], max_pixels: int
) -> NDArray[np.bool_]:
    """The centre and as many of the strongest pairs of opposite offsets as the cap allows.

    Strong is measured against each offset's own threshold: of a periodic noise's equal peaks the near ones stay.
    """
    shape = candidates_ZYX.shape
    middle = candidates_ZYX.size // 2
    half = np.arange(middle)  # the other half mirrors it
    half = half[candidates_ZYX.ravel()[:middle]]
    order = np.argsort(-excess_ZYX.ravel()[half], kind="stable")
    kept = half[order[: (max_pixels - 1) // 2]]
    mask = np.zeros(candidates_ZYX.size, dtype=bool)
    mask[middle] = True
    mask[kept] = True
    mask[candidates_ZYX.size - 1 - kept] = True
    return mask.reshape(shape)


def _cropped(mask_ZYX: NDArray[np.bool_]) -> NDArray[np.bool_]:
    centre = _centre(mask_ZYX.shape)
    reach = np.abs(np.argwhere(mask_ZYX) - centre).max(axis=0)
    rows = slice(centre[1] - reach[1], centre[1] + reach[1] + 1)
    columns = slice(centre[2] - reach[2], centre[2] + reach[2] + 1)
    return mask_ZYX[:, rows, columns].copy()


def _offsets(mask_ZYX: NDArray[np.bool_], correlation: NoiseCorrelation) -> tuple[OffsetCorrelation, ...]:
    centre = np.array(_centre(mask_ZYX.shape))
    rho_ZYX = correlation.correlation_ZYX
    order = np.argsort(-np.abs(rho_ZYX), axis=None, kind="stable")
    order = order[order != mask_ZYX.size // 2]
    active = mask_ZYX.ravel()[order]
    chosen = [*order[active], *order[~active][:_NUM_RUNNERS_UP]]
    found = []
    for flat_index in chosen:
        index = np.unravel_index(flat_index, mask_ZYX.shape)
        dz, dy, dx = (int(step) for step in np.array(index) - centre)
        rho, certainty = float(rho_ZYX[index]), float(correlation.certainty_ZYX[index])
        found.append(OffsetCorrelation(dz=dz, dy=dy, dx=dx, correlation=rho, certainty=certainty))
    return tuple(found)


def _warnings(mask_ZYX: NDArray[np.bool_], pattern: Pattern) -> tuple[str, ...]:
    if pattern == "none":
        return (f"{NOT_FOUND}: stage 2 has nothing to add, skip it.",)
    if pattern == "irregular" and is_scattered(np.asarray(mask_ZYX.any(axis=0))):
        return (
            "The active pixels are scattered as if by chance: raise Base Percentile or lower Max Masked Pixels.",
        )
    return ()
