"""Brings network output back to the dtype of a file.

Axes of arrays: Y row, X column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


def to_dtype(slice_YX: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Convert to `dtype`: integers are rounded (half to even) and clipped, never wrapped.

    Args:
        slice_YX: any numbers. NaN becomes 0 in an integer dtype.
        dtype: an integer or floating dtype; its byte order is ignored.

    Returns:
        An array of the same shape and of `dtype` in native byte order; the input itself when it is that already.
    """
    target = np.dtype(dtype).newbyteorder("=")
    if slice_YX.dtype == target:
        return slice_YX
    if target.kind == "f":
        largest = np.finfo(target).max
        clipped = (
            np.clip(slice_YX, -largest, largest) if slice_YX.dtype.itemsize > target.itemsize else slice_YX
        )
        return clipped.astype(target)
    if target.kind not in "iu":
        raise ValueError(f"{target} is neither an integer nor a floating dtype")
    return _to_integers(slice_YX, target)


def _to_integers(slice_YX: NDArray[Any], target: np.dtype[Any]) -> NDArray[Any]:
    """Round and clip to an integer dtype."""
    bounds = np.iinfo(target)
    if slice_YX.dtype.kind in "iu":
        own = np.iinfo(slice_YX.dtype)
        clipped: NDArray[Any] = np.clip(slice_YX, max(bounds.min, own.min), min(bounds.max, own.max))
        return clipped.astype(target)
    # float64 holds every bound of up to 32 bits exactly; float32 would round 2^32 - 1 up and wrap.
    exact = slice_YX.dtype == np.float32 and target.itemsize <= 2  # noqa: PLR2004 - 16 bits fit into 24
    values: NDArray[Any] = slice_YX.astype(np.float32 if exact else np.float64)
    np.clip(np.rint(values, out=values), bounds.min, bounds.max, out=values)
    values[np.isnan(values)] = 0
    return values.astype(target)
