"""Small stacks and configurations for the engine's tests.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from clearstack_engine.config import StageConfig
from numpy.typing import NDArray

TINY = StageConfig(
    patch_size_px=16,
    patches_per_slice=6,
    batch_size=5,
    num_features=8,
    num_layers=2,
    learning_rate=1e-3,
    num_epochs=3,
    seed=7,
)


def tiny(**changes: object) -> StageConfig:
    """The smallest sensible configuration, with changes."""
    return replace(TINY, **changes)  # type: ignore[arg-type]


def smooth_stack(num_slices: int, num_rows: int, num_columns: int) -> NDArray[np.float64]:
    """Waves that differ from slice to slice, between 0 and 1."""
    z_Z11 = np.arange(num_slices)[:, None, None]
    y_Y1 = np.arange(num_rows)[:, None]
    x_X = np.arange(num_columns)
    return 0.5 + 0.25 * np.sin(y_Y1 / 9 + z_Z11) + 0.25 * np.cos(x_X / 11 - z_Z11)


def noisy_stack(num_slices: int, num_rows: int, num_columns: int, *, seed: int = 0) -> NDArray[np.uint16]:
    """The same under white noise of standard deviation 0.1, as 16-bit counts."""
    generator = np.random.default_rng(seed)
    noisy_ZYX = smooth_stack(num_slices, num_rows, num_columns)
    noisy_ZYX = noisy_ZYX + generator.normal(0, 0.1, noisy_ZYX.shape)
    return (noisy_ZYX.clip(0, 1) * 60000).astype(np.uint16)


def psnr(estimate: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """In decibels, for values between 0 and 1."""
    return float(-10 * np.log10(np.mean((estimate - truth) ** 2)))
