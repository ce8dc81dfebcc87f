"""Compares images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def psnr(a: NDArray[Any], b: NDArray[Any], data_range: float) -> float:
    """Peak signal-to-noise ratio in dB of two arrays of one shape; infinite when they are equal.

    Args:
        a: any shape and dtype.
        b: the same shape.
        data_range: the largest possible difference of two pixels, in their unit; positive.

    Raises:
        ValueError: the shapes differ, or `data_range` is not positive.
    """
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ")
    if data_range <= 0:
        raise ValueError(f"data_range is {data_range}, but must be positive")
    error = float(np.mean(np.square(a.astype(np.float64) - b.astype(np.float64))))
    return math.inf if error == 0 else 10 * math.log10(data_range**2 / error)
