"""Sample stacks with known truth, one for each kind of noise, so that anyone can try everything without data.

Axes of arrays: Z slice, Y row, X column. Brightness is a share of full scale, 0 to 1, until it is stored as uint16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import scipy  # which loads `ndimage` when it is used: the command line only needs the names of the samples

from clearstack_stacks.phantom import draw_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

FULL_SCALE: Final = 65_535
_MIN_SIDE_PX: Final = 32
_PEAK_PHOTONS: Final = 60.0
_READ_NOISE: Final = 5 / 255
_ROW_LENGTH_PX: Final = 9
_STRIPE_LENGTHS_PX: Final = (24, 49)

Noise = Callable[["NDArray[np.float32]", np.random.Generator], "NDArray[Any]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A noisy stack and what it would be without noise.

    Attributes:
        name: which kind of noise.
        noisy_ZYX: uint16.
        truth_ZYX: uint16, in the same scale.
        data_range: full scale, for `psnr`.
    """

    name: str
    noisy_ZYX: NDArray[np.uint16]
    truth_ZYX: NDArray[np.uint16]
    data_range: float = float(FULL_SCALE)


def make_sample(name: str, *, num_slices: int = 16, side_px: int = 192, seed: int = 0) -> Sample:
    """Generate a sample; the same arguments give the same pixels, and one seed one truth for all kinds of noise.

    Args:
        name: one of `SAMPLE_NAMES`: "white", "poisson", "rows", "stripes".
        num_slices: 1 or more; 2.5D needs 20.
        side_px: height and width, 32 or more.
        seed: 0 or more.

    Raises:
        ValueError: an argument is out of range.
    """
    if name not in _NOISES:
        raise ValueError(f"there is no sample {name!r}; there are {', '.join(SAMPLE_NAMES)}")
    if num_slices < 1 or side_px < _MIN_SIDE_PX:
        raise ValueError(
            f"a sample needs 1 slice and {_MIN_SIDE_PX} px a side, not {num_slices} and {side_px}"
        )
    truth_ZYX = draw_cells((num_slices, side_px, side_px), np.random.default_rng([seed, 0]))
    rng = np.random.default_rng([seed, 1 + SAMPLE_NAMES.index(name)])
    noisy_ZYX = _NOISES[name](truth_ZYX, rng)
    return Sample(name=name, noisy_ZYX=_stored(noisy_ZYX), truth_ZYX=_stored(truth_ZYX))


def _stored(stack_ZYX: NDArray[Any]) -> NDArray[np.uint16]:
    """Shares of full scale as a camera stores them."""
    return np.asarray(np.rint(np.clip(stack_ZYX, 0, 1) * FULL_SCALE), dtype=np.uint16)


def _white(truth_ZYX: NDArray[np.float32], rng: np.random.Generator) -> NDArray[Any]:
    """Independent in every pixel, as from electronics."""
    return truth_ZYX + rng.normal(0, 25 / 255, truth_ZYX.shape)


def _poisson(truth_ZYX: NDArray[np.float32], rng: np.random.Generator) -> NDArray[Any]:
    """Few photons, and the camera's read noise."""
    photons = rng.poisson(truth_ZYX * _PEAK_PHOTONS) / _PEAK_PHOTONS
    return photons + rng.normal(0, _READ_NOISE, truth_ZYX.shape)


def _rows(truth_ZYX: NDArray[np.float32], rng: np.random.Generator) -> NDArray[Any]:
    """Correlated along rows, as from a slow detector in a scanning microscope, and some white noise."""
    # The mean of n independent pixels has 1/√n of their deviation.
    deviation = 25 / 255 * np.sqrt(_ROW_LENGTH_PX)
    noise = rng.normal(0, deviation, truth_ZYX.shape)
    smeared = scipy.ndimage.uniform_filter1d(noise, _ROW_LENGTH_PX, axis=-1, mode="wrap")
    return truth_ZYX + smeared + rng.normal(0, 10 / 255, truth_ZYX.shape)


def _stripes(truth_ZYX: NDArray[np.float32], rng: np.random.Generator) -> NDArray[Any]:
    """Streaks down the columns whose strength swells across the slice, as from a light sheet, and some white noise."""
    num_slices, height, width = truth_ZYX.shape
    # Each column is cut into segments of its own length and phase; each segment has one offset.
    length = rng.integers(*_STRIPE_LENGTHS_PX, size=(num_slices, 1, width))
    phase = rng.integers(0, length)
    segment = (np.arange(height)[None, :, None] + phase) // length
    offsets = rng.normal(0, 18 / 255, (num_slices, height // _STRIPE_LENGTHS_PX[0] + 2, width))
    swell = 1 + 0.4 * np.sin(
        2 * np.pi * (np.arange(width) / rng.uniform(20, 40) + rng.random((num_slices, 1, 1)))
    )
    streaks = np.take_along_axis(offsets, segment, axis=1) * swell
    return truth_ZYX + streaks + rng.normal(0, 10 / 255, truth_ZYX.shape)


_NOISES: Final[dict[str, Noise]] = {"white": _white, "poisson": _poisson, "rows": _rows, "stripes": _stripes}
SAMPLE_NAMES: Final = tuple(_NOISES)
