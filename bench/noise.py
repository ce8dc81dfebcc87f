"""The kinds of noise of the yardstick.

Each takes clean images (Z, Y, X) in 0-1 and a generator, and gives the noisy ones, unclipped. Levels are standard
deviations in 1/255 of the full range.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter1d

Images = NDArray[Any]  # of floats
Mask = NDArray[np.bool_]

CORRELATED = 25 / 255
READ_OUT = 10 / 255
LEVEL = 15 / 255
LENGTH_PX = 9
SEGMENT_PX = 30
PERIOD_PX = 8
BLOB_SIGMA_PX = 1.0


def white(clean_ZYX: Images, rng: np.random.Generator) -> Images:
    """Gaussian, the same everywhere, each pixel on its own."""
    return clean_ZYX + rng.normal(0, 25 / 255, clean_ZYX.shape)


def poisson_gaussian(clean_ZYX: Images, rng: np.random.Generator) -> Images:
    """60 photons at full range, and a read-out noise."""
    peak = 60
    return rng.poisson(clean_ZYX * peak) / peak + rng.normal(0, 5 / 255, clean_ZYX.shape)


def along_rows(clean_ZYX: Images, rng: np.random.Generator) -> Images:
    """White noise averaged over 9 px of the row, and a white read-out noise."""
    return _averaged(clean_ZYX, rng, axis=-1)


def along_columns(clean_ZYX: Images, rng: np.random.Generator) -> Images:
    """As `along_rows`, turned."""
    return _averaged(clean_ZYX, rng, axis=-2)


def row_segments(clean_ZYX: Images, rng: np.random.Generator) -> Images:
    """Segments of 30 px of a row with one offset each, and white noise."""
    noise_ZYX = np.empty(clean_ZYX.shape)
    num_columns = clean_ZYX.shape[2]
    for slice_YX in noise_ZYX:
        for row_X in slice_YX:
            start = rng.integers(0, SEGMENT_PX)
            offsets = rng.normal(0, LEVEL, num_columns // SEGMENT_PX + 3)
            row_X[:] = np.repeat(offsets, SEGMENT_PX)[start : start + num_columns]
    return clean_ZYX + noise_ZYX + rng.normal(0, LEVEL, clean_ZYX.shape)


def along_diagonals(clean_ZYX: Images, rng: np.random.Generator) -> Images:
    """White noise averaged over 9 px of the falling diagonal, and a white read-out noise."""
    noise_ZYX = rng.normal(0, 1, clean_ZYX.shape)
    half = LENGTH_PX // 2
    summed_ZYX: Images = np.asarray(
        sum(np.roll(noise_ZYX, (step, step), (1, 2)) for step in range(-half, half + 1))
    )
    noisy_ZYX: Images = (
        clean_ZYX + summed_ZYX / np.sqrt(LENGTH_PX) * CORRELATED + rng.normal(0, READ_OUT, clean_ZYX.shape)
    )
    return noisy_ZYX


def isotropic(clean_ZYX: Images, rng: np.random.Generator) -> Images:
    """White noise blurred by a Gaussian of 1 px, and a white read-out noise."""
    blurred_ZYX: Images = gaussian_filter(
        rng.normal(0, 1, clean_ZYX.shape), (0, BLOB_SIGMA_PX, BLOB_SIGMA_PX), mode="wrap"
    )
    noisy_ZYX: Images = (
        clean_ZYX + blurred_ZYX / blurred_ZYX.std() * CORRELATED + rng.normal(0, READ_OUT, clean_ZYX.shape)
    )
    return noisy_ZYX


def periodic_stripes(clean_ZYX: Images, rng: np.random.Generator) -> Images:
    """Vertical stripes that come back every 8 px, at another phase in each slice, and white noise."""
    phase_Z11: Images = rng.uniform(0, 1, (len(clean_ZYX), 1, 1))
    angle_ZYX = 2 * np.pi * (np.arange(clean_ZYX.shape[2]) / PERIOD_PX + phase_Z11)
    stripes_ZYX: Images = np.sin(angle_ZYX) * np.sqrt(2) * LEVEL
    return clean_ZYX + stripes_ZYX + rng.normal(0, LEVEL, clean_ZYX.shape)


def _averaged(clean_ZYX: Images, rng: np.random.Generator, *, axis: int) -> Images:
    noise_ZYX: Images = uniform_filter1d(rng.normal(0, 1, clean_ZYX.shape), LENGTH_PX, axis=axis, mode="wrap")
    noisy_ZYX: Images = (
        clean_ZYX + noise_ZYX * np.sqrt(LENGTH_PX) * CORRELATED + rng.normal(0, READ_OUT, clean_ZYX.shape)
    )
    return noisy_ZYX


def _line(radius_px: int, *, axis: int) -> Mask:
    shape = [1, 1, 1]
    shape[axis] = 2 * radius_px + 1
    return np.ones(shape, dtype=np.bool_)


def _disc(square_px: int) -> Mask:
    radius = int(np.sqrt(square_px))
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(y**2 + x**2 <= square_px)[None]


CENTRE = np.ones((1, 1, 1), dtype=np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """One kind of noise.

    Attributes:
        title: for people.
        add: makes noisy images of clean ones.
        seed: of the yardstick's images.
        mask_ZYX: where it is correlated with the centre's by more than 0.05: bool (1, odd, odd). A periodic noise is
            so everywhere; there it is the line along which it does not change.
        direction: what structN2V of CAREamics is told; empty where it has no word for it.
    """

    title: str
    add: Callable[[Images, np.random.Generator], Images]
    seed: int
    mask_ZYX: Mask
    direction: str = ""


NOISES = {
    "A": Noise(title="white", add=white, seed=100, mask_ZYX=CENTRE),
    "B": Noise(title="Poisson–Gaussian", add=poisson_gaussian, seed=101, mask_ZYX=CENTRE),
    "C": Noise(
        title="correlated along rows",
        add=along_rows,
        seed=102,
        mask_ZYX=_line(LENGTH_PX - 1, axis=2),
        direction="horizontal",
    ),
    "D": Noise(
        title="row segments",
        add=row_segments,
        seed=103,
        mask_ZYX=_line(SEGMENT_PX - 1, axis=2),
        direction="horizontal",
    ),
    "columns": Noise(
        title="correlated along columns",
        add=along_columns,
        seed=104,
        mask_ZYX=_line(LENGTH_PX - 1, axis=1),
        direction="vertical",
    ),
    "diagonal": Noise(
        title="correlated along the diagonal",
        add=along_diagonals,
        seed=105,
        mask_ZYX=np.eye(2 * LENGTH_PX - 1, dtype=np.bool_)[None],
    ),
    "isotropic": Noise(title="correlated all around", add=isotropic, seed=106, mask_ZYX=_disc(10)),
    "stripes": Noise(
        title="white and periodic stripes",
        add=periodic_stripes,
        seed=107,
        mask_ZYX=_line(12, axis=1),
        direction="vertical",
    ),
}


def spectrum(noise: Noise, side_px: int, *, num_samples: int = 400) -> Images:
    """The expected squared magnitude of the noise's Fourier transform, (side, side): what BM3D may be told.

    Measured on fresh noise upon grey, not on the noise of the images.
    """
    rng = np.random.default_rng(noise.seed + 1000)
    grey_ZYX = np.full((8, side_px, side_px), 0.5)
    total_YX = np.zeros((side_px, side_px))
    for _ in range(num_samples // len(grey_ZYX)):
        total_YX += (np.abs(np.fft.fft2(noise.add(grey_ZYX, rng) - grey_ZYX)) ** 2).sum(axis=0)
    return total_YX / (num_samples // len(grey_ZYX) * len(grey_ZYX))
