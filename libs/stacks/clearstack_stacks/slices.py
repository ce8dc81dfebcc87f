"""Single slices out of a large file: a table of where they are is made once, then each needs a few reads only.

Axes of arrays: Z slice, Y row, X column.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
import tifffile

from clearstack_stacks.layout import find_layout
from clearstack_stacks.tiff import damaged, open_tiff, refusing_damage

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceTable:
    """Where the slices of one file are.

    Attributes:
        shape_ZYX: slices, rows, columns.
        dtype: dtype in the file's byte order.
        offset_bytes: where the pixels of all slices begin, when they lie in one uncompressed run; else None.
        page_offsets: where the heads of the pages begin, uint64, in the order of the slices; empty for one run.
    """

    shape_ZYX: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset_bytes: int | None
    page_offsets: NDArray[np.uint64]

    @property
    def slice_bytes(self) -> int:
        """Bytes of a decoded slice."""
        return self.shape_ZYX[1] * self.shape_ZYX[2] * self.dtype.itemsize

    def to_json(self) -> bytes:
        """The table for others, who can then spare the heads of all pages."""
        fields = {
            "shape_ZYX": self.shape_ZYX,
            "dtype": self.dtype.str,
            "offset_bytes": self.offset_bytes,
            "page_offsets": self.page_offsets.tolist(),
        }
        return json.dumps(fields).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The table that `to_json` gave."""
        fields = json.loads(data)
        num_slices, height, width = fields["shape_ZYX"]
        return cls(
            shape_ZYX=(num_slices, height, width),
            dtype=np.dtype(fields["dtype"]),
            offset_bytes=fields["offset_bytes"],
            page_offsets=np.array(fields["page_offsets"], np.uint64),
        )


def find_slices(file: BinaryIO) -> SliceTable:
    """Make the table of a stack that validation has accepted; reads the head of every page that is not in one run.

    Raises:
        StackRefused: UNSUPPORTED_AXES, TRUNCATED or UNREADABLE.
    """
    with _opened(file) as tif:
        layout = find_layout(tif)
        is_run = layout.offset_bytes is not None
        offsets = [] if is_run else [page.offset for page in layout.pages]
        return SliceTable(
            shape_ZYX=layout.shape_ZYX,
            dtype=layout.dtype,
            offset_bytes=layout.offset_bytes,
            page_offsets=np.array(offsets, np.uint64),
        )


def read_slice(file: BinaryIO, table: SliceTable, z: int) -> NDArray[Any]:
    """Slice `z` (from 0) as a YX array in native byte order.

    Raises:
        IndexError: there is no such slice.
        StackRefused: UNREADABLE: it is not as the table says, or can't be decoded.
    """
    if not 0 <= z < table.shape_ZYX[0]:
        raise IndexError(f"slice {z} of {table.shape_ZYX[0]}")
    slice_YX = _of_run(file, table, z) if table.offset_bytes is not None else _of_page(file, table, z)
    return np.ascontiguousarray(slice_YX, table.dtype.newbyteorder("="))


def _opened(file: BinaryIO) -> AbstractContextManager[tifffile.TiffFile]:
    file.seek(0)  # wherever it stands is taken for its beginning
    return open_tiff(file)


def _of_run(file: BinaryIO, table: SliceTable, z: int) -> NDArray[Any]:
    file.seek((table.offset_bytes or 0) + z * table.slice_bytes)
    pixels = file.read(table.slice_bytes)
    if len(pixels) != table.slice_bytes:
        raise damaged(f"it ends within slice {z + 1}")
    return np.frombuffer(pixels, table.dtype).reshape(table.shape_ZYX[1:])


def _of_page(file: BinaryIO, table: SliceTable, z: int) -> NDArray[Any]:
    slices_per_page = table.shape_ZYX[0] // len(table.page_offsets)  # more than 1 in volumetric files only
    number, depth = divmod(z, slices_per_page)
    with _opened(file) as tif, refusing_damage(f"the pixels of page {number + 1} can't be decoded"):
        tif.filehandle.seek(int(table.page_offsets[number]))
        page = tifffile.TiffPage(tif, number)
        if page.nbytes != table.slice_bytes * slices_per_page:
            raise damaged(f"page {number + 1} has another size than the first")
        pixels_ZYX = np.asarray(page.asarray(maxworkers=1)).reshape(slices_per_page, *table.shape_ZYX[1:])
        slice_YX: NDArray[Any] = pixels_ZYX[depth]
        return slice_YX
