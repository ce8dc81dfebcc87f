"""NumPy arrays as TIFF files and back. Axes: Z slice, Y row, X column."""

import hashlib
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from clearstack_client.errors import ClearstackError

_AXES = {2: "YX", 3: "ZYX"}


def write(
    path: Path, array: NDArray[Any], *, pixel_size_um: float | None = None, z_step_um: float | None = None
) -> None:
    """Writes an array as OME-TIFF.

    Args:
        path: Where to.
        array: (Y, X) or (Z, Y, X); the dtypes of spec B2.
        pixel_size_um: Along x and y.
        z_step_um: Between slices.

    Raises:
        ClearstackError: Another number of axes, or numbers that no TIFF for microscopy has.
    """
    axes = _AXES.get(array.ndim)
    if axes is None:
        raise ClearstackError(
            f"The array has {array.ndim} axes, shape {array.shape}: a stack has two (rows, columns) or three "
            "(slices, rows, columns). Send one channel and one time point at a time."
        )
    if array.dtype.kind not in "uif" or array.size == 0:
        raise ClearstackError(
            f"An array of {array.dtype}, shape {array.shape}, holds no grey values to denoise."
        )
    sizes = {"PhysicalSizeX": pixel_size_um, "PhysicalSizeY": pixel_size_um, "PhysicalSizeZ": z_step_um}
    known = {name: value for name, value in sizes.items() if value}
    units = {f"{name}Unit": "µm" for name in known}
    native = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    # Of the pixels, so that the same array is the same file: an upload that was cut off is found again.
    identity = {"UUID": f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(native.data).digest()[:16])}"}
    metadata = {"axes": axes, **known, **units, **identity}
    tifffile.imwrite(path, native, ome=True, photometric="minisblack", metadata=metadata)


def read(path: Path) -> NDArray[Any]:
    """Every pixel of a TIFF, with its own axes and dtype."""
    return np.asarray(tifffile.imread(path))
