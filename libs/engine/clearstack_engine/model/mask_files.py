"""Reads a mask from mask.npy or mask.json.

Axes: Z slice offset, Y and X row and column offset.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from clearstack_engine.errors import ModelFilesError, ModelMismatchError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_LARGEST_SIDE = 255
_TWO_D = 2
_THREE_D = 3


def read_mask(folder: Path, num_input_slices: int) -> NDArray[np.bool_] | None:
    """The mask in a folder, bool (Z, Y, X) with 1 or 3 slices; None if there is none.

    Raises:
        ModelFilesError: it cannot be read.
        ModelMismatchError: it is no mask, or not one for that many slices.
    """
    if (folder / "mask.npy").exists():
        mask = _read_npy(folder / "mask.npy")
    elif (folder / "mask.json").exists():
        mask = _read_json(folder / "mask.json")
    else:
        return None
    mask_ZYX = mask[None] if mask.ndim == _TWO_D else mask
    if mask_ZYX.ndim != _THREE_D or len(mask_ZYX) != num_input_slices:
        raise ModelMismatchError(
            f"The mask has the shape {mask.shape}; a model with {num_input_slices} input slice(s) needs "
            f"{num_input_slices} plane(s)."
        )
    if any(side % 2 == 0 or side > _LARGEST_SIDE for side in mask_ZYX.shape[1:]):
        raise ModelMismatchError(
            f"The mask has the shape {mask.shape}; its sides must be odd, and {_LARGEST_SIDE} at most."
        )
    if not np.isin(mask_ZYX, (0, 1)).all():
        raise ModelMismatchError("The mask has values other than 0 and 1.")
    return mask_ZYX.astype(np.bool_)


def _read_npy(path: Path) -> NDArray[np.generic]:
    try:
        # Mapped: a shape that lies about the file is noticed before memory is taken.
        mask: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelFilesError(f"mask.npy cannot be read: {error}.") from error
    if not isinstance(mask, np.ndarray) or mask.dtype.kind not in "biuf":
        raise ModelFilesError("mask.npy does not hold an array of numbers.")
    return mask


def _read_json(path: Path) -> NDArray[np.generic]:
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        shape_YX = _described_shape(fields["summary"])
        # Fields that are not set are left out: a plane with nothing active has no list.
        planes = [plane.get("active") or [False] * (shape_YX[0] * shape_YX[1]) for plane in fields["planes"]]
        return np.array([np.array(plane, dtype=np.bool_).reshape(shape_YX) for plane in planes])
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFilesError(f"mask.json is not the description of a mask: {error!r}.") from error


def _described_shape(summary: dict[str, Any]) -> tuple[int, int]:
    """Height and width, looked at before memory is taken for them."""
    height, width = int(summary["kernel_height"]), int(summary["kernel_width"])
    if max(height, width) > _LARGEST_SIDE:
        raise ValueError(f"{width} x {height} is too large for a mask")
    return height, width
