"""Draws cells that never lived: a truth to measure a denoising against.

Axes of arrays: Z slice, Y row, X column. Everything is drawn in three dimensions, so that slices differ and yet drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import scipy  # not `ndimage`: see samples.py

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Volume = NDArray[np.float32]

# A slice is as thick as this many pixels are wide.
_Z_STEP_PX: Final = 2.5
_AREA_PER_CELL_PX: Final = 2_600
_FILAMENT_STEPS: Final = 160


def draw_cells(shape_ZYX: tuple[int, int, int], rng: np.random.Generator) -> Volume:
    """Cells with nuclei, a mitochondrial network, filaments and puncta on an uneven background.

    Args:
        shape_ZYX: slices, rows, columns.
        rng: where everything random comes from.

    Returns:
        A float32 ZYX array with values from 0.15 to 0.85.
    """
    inside, rim, nuclei = _cells(shape_ZYX, rng)
    chromatin = _texture(shape_ZYX, 2.2, rng)
    network = np.exp(-np.square(_texture(shape_ZYX, 2.8, rng) / 0.25))
    scene = 0.06 * _texture(shape_ZYX, 40.0, rng) + 0.22 * inside + 0.25 * rim
    scene += 0.30 * network * inside * (1 - nuclei)
    scene += nuclei * (0.45 + 0.16 * np.tanh(1.5 * chromatin))
    scene += 0.55 * _filaments(shape_ZYX, rng) * (0.25 + 0.75 * inside) * (1 - 0.7 * nuclei)
    scene += 0.60 * _puncta(shape_ZYX, rng) * (0.15 + 0.85 * inside)
    scene = scipy.ndimage.gaussian_filter(scene, (0.3, 0.7, 0.7))  # the microscope's own blur
    low, high = np.percentile(scene, [0.2, 99.8])
    scaled = 0.15 + 0.7 * np.clip((scene - low) / (high - low), 0, 1)
    return np.asarray(scaled, dtype=np.float32)


def _texture(shape_ZYX: tuple[int, int, int], grain_px: float, rng: np.random.Generator) -> Volume:
    """Smooth noise of mean 0 and deviation 1, with grains of about `grain_px`."""
    noise = rng.standard_normal(shape_ZYX, dtype=np.float32)
    smooth = scipy.ndimage.gaussian_filter(noise, (grain_px / _Z_STEP_PX, grain_px, grain_px), mode="wrap")
    return np.asarray((smooth - smooth.mean()) / smooth.std(), dtype=np.float32)


def _cells(shape_ZYX: tuple[int, int, int], rng: np.random.Generator) -> tuple[Volume, Volume, Volume]:
    """How far each voxel is inside a cell, on a cell's rim, and inside a nucleus; each 0 to 1."""
    inside, rim, nuclei = (np.zeros(shape_ZYX, np.float32) for _ in range(3))
    num_cells = max(3, shape_ZYX[1] * shape_ZYX[2] // _AREA_PER_CELL_PX)
    warp = 0.16 * _texture(shape_ZYX, 14.0, rng)
    for _ in range(num_cells):
        centre = rng.uniform((-0.2, 0, 0), (1.2, 1, 1)) * shape_ZYX
        radii = rng.uniform((7, 22, 22), (14, 38, 38))
        angle = rng.uniform(0, np.pi)
        distance = _distance(shape_ZYX, centre, radii, angle) + warp
        body = _soft_step((1 - distance) * 12)
        inside = np.maximum(inside, body * np.float32(rng.uniform(0.6, 1.0)))
        rim = np.maximum(rim, np.exp(-np.square((1 - distance) / 0.05)))
        offset = centre + rng.uniform(-0.2, 0.2, 3) * radii
        kernel = _distance(shape_ZYX, offset, radii * rng.uniform(0.38, 0.5), angle) + 0.5 * warp
        nuclei = np.maximum(nuclei, _soft_step((1 - kernel) * 9))
    return inside, rim, nuclei


def _distance(
    shape_ZYX: tuple[int, int, int], centre: NDArray[np.float64], radii: NDArray[np.float64], angle: float
) -> Volume:
    """Distance from the centre of a turned ellipsoid, 1 on its surface."""
    z, y, x = np.ogrid[: shape_ZYX[0], : shape_ZYX[1], : shape_ZYX[2]]
    along = (x - centre[2]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
    across = (y - centre[1]) * np.cos(angle) - (x - centre[2]) * np.sin(angle)
    height = (z - centre[0]) / radii[0]
    squared = height**2 + (across / radii[1]) ** 2 + (along / radii[2]) ** 2
    return np.asarray(np.sqrt(squared), dtype=np.float32)


def _soft_step(values: Volume) -> Volume:
    """A step from 0 to 1 as smooth as a microscope would show it."""
    return np.asarray(0.5 * (1 + np.tanh(values)), dtype=np.float32)


def _filaments(shape_ZYX: tuple[int, int, int], rng: np.random.Generator) -> Volume:
    """Thin bent lines, brightness about 0 to 1."""
    num = max(6, shape_ZYX[1] * shape_ZYX[2] * shape_ZYX[0] // 12_000)
    heading = rng.uniform(0, 2 * np.pi, num)[:, None] + np.cumsum(
        rng.normal(0, 0.06, (num, _FILAMENT_STEPS)), 1
    )
    start = rng.uniform((0, 0, 0), shape_ZYX, (num, 3))
    z = start[:, :1] + np.cumsum(rng.normal(0, 0.05, (num, _FILAMENT_STEPS)), 1)
    y = start[:, 1:2] + np.cumsum(np.sin(heading), 1)
    x = start[:, 2:] + np.cumsum(np.cos(heading), 1)
    return _blurred_points(shape_ZYX, np.stack([z, y, x]).reshape(3, -1), (0.5, 0.8, 0.8))


def _puncta(shape_ZYX: tuple[int, int, int], rng: np.random.Generator) -> Volume:
    """Bright spots at the limit of resolution, brightness about 0 to 1."""
    num = max(20, shape_ZYX[1] * shape_ZYX[2] * shape_ZYX[0] // 2_500)
    points = rng.uniform((0, 0, 0), shape_ZYX, (num, 3)).T
    return _blurred_points(shape_ZYX, points, (0.6, 1.1, 1.1))


def _blurred_points(
    shape_ZYX: tuple[int, int, int], points: NDArray[np.float64], sigma: tuple[float, float, float]
) -> Volume:
    """Points as the microscope shows them, the typical one of brightness 1."""
    volume = np.zeros(shape_ZYX, np.float32)
    index = np.floor(points).astype(np.intp)
    within = np.all((index >= 0) & (index < np.array(shape_ZYX)[:, None]), axis=0)
    np.add.at(volume, tuple(index[:, within]), 1.0)
    blurred = scipy.ndimage.gaussian_filter(volume, sigma)
    lit = blurred[volume > 0]
    scale = float(np.median(lit)) if lit.size else 1.0
    return np.asarray(np.minimum(blurred / scale, 2.0), dtype=np.float32)
