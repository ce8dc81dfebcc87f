"""Writes a result like its source, slice by slice.

Axes of arrays: Y row, X column.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import tifffile

from clearstack_stacks.convert import to_dtype
from clearstack_stacks.metadata import WritePlan, plan_like
from clearstack_stacks.reading import StackReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

    from numpy.typing import NDArray


def write_like(
    source_path: str | PathLike[str],
    out_path: str | PathLike[str],
    slices: Iterable[NDArray[Any]],
    *,
    dtype: str | None = None,
) -> None:
    """Write `slices` as a TIFF with the shape, axes, dtype, pixel size and metadata of a source.

    The file appears under `out_path` only when it is whole. It is uncompressed, and a BigTIFF where it must be
    (ImageJ's own way beyond 4 GB for ImageJ files). Memory: one slice.

    Args:
        source_path: a stack that validation has accepted.
        out_path: where the result goes; overwritten.
        slices: YX arrays in the order of z, as many as the source has. Float32, or the final dtype.
        dtype: numpy name of the result's dtype; None for the source's. Integers are rounded and clipped.

    Raises:
        ValueError: there are more or fewer slices than in the source, or one has another shape.
        StackRefused: the source can't be read.
        OSError: the result can't be written.
    """
    with StackReader(source_path) as source:
        target = source.dtype if dtype is None else np.dtype(dtype)
        plan = plan_like(source.tif, source.layout, target)
        checked = _checked(slices, source.shape_ZYX, target)
        with _whole_or_nothing(Path(out_path)) as temporary:
            _write(temporary, checked, plan, target)


def _write(path: Path, slices: Iterator[NDArray[Any]], plan: WritePlan, dtype: np.dtype[Any]) -> None:
    """Stream the slices into a new file."""
    with warnings.catch_warnings():
        # tifffile warns that an ImageJ file beyond 4 GB has one head only: that is how ImageJ wants it.
        warnings.simplefilter("ignore", UserWarning)
        with tifffile.TiffWriter(path, **plan.writer) as writer:
            writer.write(slices, shape=plan.shape, dtype=dtype, **plan.write)
    for _ in slices:
        pass  # the check of the count stands behind the last slice


def _checked(
    slices: Iterable[NDArray[Any]], shape_ZYX: tuple[int, int, int], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    """The slices as `dtype`; neither more nor fewer than `shape_ZYX` has, and of its shape."""
    num_slices, *shape_YX = shape_ZYX
    count = 0
    for slice_YX in slices:
        count += 1
        if count > num_slices:
            raise ValueError(f"there are more slices than the source's {num_slices}")
        if list(slice_YX.shape) != shape_YX:
            raise ValueError(f"slice {count} has shape {slice_YX.shape}, the source's have {tuple(shape_YX)}")
        yield np.ascontiguousarray(to_dtype(slice_YX, dtype))
    if count < num_slices:
        raise ValueError(f"there are {count} slices, the source has {num_slices}")


@contextmanager
def _whole_or_nothing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place when all went well, and goes otherwise."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
