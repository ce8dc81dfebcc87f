"""A mask that a person edits: read from a file, or changed pixel by pixel."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from clearstack.v1.mask_pb2 import Mask, MaskPlane
from clearstack.v1.mask_service_pb2 import ApproveMaskRequest
from numpy.typing import NDArray

from clearstack_cli.errors import UsageError

_LARGEST_SIDE_PX = 129
# As large as a mask of float64 can be, with its header.
_LARGEST_FILE_BYTES = 3 * _LARGEST_SIDE_PX**2 * 8 + 4096

Planes = NDArray[np.bool_]


def approval(
    training: str, extracted: Mask, *, file: Path | None, toggles: Sequence[str]
) -> ApproveMaskRequest:
    """The request that approves a mask as edited.

    Args:
        training: Its resource name.
        extracted: The mask that is there.
        file: A .npy file, (height, width) or (3, height, width), in place of the extracted mask.
        toggles: Offsets from the centre, `Y,X` or in 2.5D `Z,Y,X`, that are switched.

    Raises:
        UsageError: The file or an offset does not make a mask of this training.
    """
    mask_ZYX = _extracted(extracted) if file is None else _read(file, len(extracted.planes))
    for each in toggles:
        mask_ZYX = _toggled(mask_ZYX, _offset(each, len(mask_ZYX)))
    planes = [
        MaskPlane(slice_offset=z - len(mask_ZYX) // 2, active=plane_YX.ravel().tolist())
        for z, plane_YX in enumerate(mask_ZYX)
    ]
    _, height, width = mask_ZYX.shape
    return ApproveMaskRequest(
        training=training, edited_planes=planes, kernel_height=height, kernel_width=width
    )


def _extracted(mask: Mask) -> Planes:
    shape_ZYX = (len(mask.planes), mask.summary.kernel_height, mask.summary.kernel_width)
    return np.array([plane.active for plane in mask.planes], dtype=np.bool_).reshape(shape_ZYX)


def _read(path: Path, num_planes: int) -> Planes:
    mask = _load(path)
    if mask.dtype.kind not in "biuf" or not np.isin(mask, (0, 1)).all():
        raise UsageError(f"{path} holds values other than 0 and 1; a mask says of each pixel yes or no.")
    mask_ZYX = mask[None] if mask.ndim == 2 else mask  # noqa: PLR2004 - (height, width)
    needed = "(3, height, width): the slices Z-1, Z and Z+1" if num_planes > 1 else "(height, width)"
    if mask_ZYX.ndim != 3 or len(mask_ZYX) != num_planes:  # noqa: PLR2004 - (planes, height, width)
        raise UsageError(f"{path} has the shape {mask.shape}; the mask of this training needs {needed}.")
    if any(side % 2 == 0 or side > _LARGEST_SIDE_PX for side in mask_ZYX.shape[1:]):
        raise UsageError(
            f"{path} has the shape {mask.shape}; height and width must be odd, so that there is a centre, "
            f"and {_LARGEST_SIDE_PX} px at most."
        )
    return mask_ZYX.astype(np.bool_)


def _load(path: Path) -> NDArray[Any]:
    if path.stat().st_size > _LARGEST_FILE_BYTES:
        raise UsageError(f"{path} is too large for a mask: {_LARGEST_SIDE_PX} px a side are the most.")
    try:
        loaded = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError):
        loaded = None
    if not isinstance(loaded, np.ndarray):
        raise UsageError(f"{path} is no .npy file with a mask; write one with numpy.save.")
    return loaded


def _offset(text: str, num_planes: int) -> tuple[int, int, int]:
    form = "Z,Y,X with Z -1, 0 or 1" if num_planes > 1 else "Y,X"
    example = "-1,0,3" if num_planes > 1 else "0,3"
    wrong = UsageError(
        f"--toggle {text} is no offset of this mask: give {form}, counted from the centre, such as --toggle {example}."
    )
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise wrong from None
    if len(numbers) != (3 if num_planes > 1 else 2):
        raise wrong
    z, y, x = [0] * (3 - len(numbers)) + numbers
    if abs(z) > num_planes // 2:
        raise wrong
    if max(abs(y), abs(x)) > _LARGEST_SIDE_PX // 2:
        raise UsageError(
            f"--toggle {text} is too far from the centre: {_LARGEST_SIDE_PX // 2} px are the most."
        )
    if (z, y, x) == (0, 0, 0):
        raise UsageError(
            f"--toggle {text} is the centre, the pixel that is predicted; it always belongs to the mask."
        )
    return z, y, x


def _toggled(mask_ZYX: Planes, offset_ZYX: tuple[int, int, int]) -> Planes:
    """The mask with one pixel switched; it grows where the pixel lies outside."""
    z, y, x = offset_ZYX
    pad_y, pad_x = (
        max(0, abs(offset) - side // 2) for offset, side in zip((y, x), mask_ZYX.shape[1:], strict=True)
    )
    grown_ZYX = np.pad(mask_ZYX, ((0, 0), (pad_y, pad_y), (pad_x, pad_x)))
    planes, height, width = grown_ZYX.shape
    at = (planes // 2 + z, height // 2 + y, width // 2 + x)
    grown_ZYX[at] = not grown_ZYX[at]
    return grown_ZYX
