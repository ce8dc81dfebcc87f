"""Reads a stack slice by slice, with no more than a few slices in memory.

Axes of arrays: Z slice, Y row, X column.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from clearstack_stacks.errors import TRUNCATED, StackRefused
from clearstack_stacks.layout import Layout, find_layout
from clearstack_stacks.tiff import damaged, open_tiff, refusing_damage

if TYPE_CHECKING:
    from os import PathLike

    import tifffile
    from numpy.typing import NDArray


class StackReader:
    """Reads the slices of a stack; a context manager. Slices may be read from several threads.

    Attributes:
        tif: the opened file, for its metadata.
        layout: where the slices are.
        shape_ZYX: slices, rows, columns.
        dtype: dtype of the slices, in native byte order.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        """Open `path`, a stack that validation has accepted.

        Raises:
            StackRefused: UNSUPPORTED_AXES, TRUNCATED or UNREADABLE.
            OSError: the file can't be opened.
        """
        with ExitStack() as opened:
            self.tif: tifffile.TiffFile = opened.enter_context(open_tiff(Path(path)))
            self.layout: Layout = find_layout(self.tif)
            self._close = opened.pop_all().close
        self.shape_ZYX = self.layout.shape_ZYX
        self.dtype: np.dtype[Any] = self.layout.dtype.newbyteorder("=")
        self._lock = Lock()
        self._volume: tuple[int, NDArray[Any]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def num_slices(self) -> int:
        """Slices of the stack."""
        return self.shape_ZYX[0]

    def close(self) -> None:
        """Close the file."""
        self._volume = None
        self._close()

    def read_slice(self, z: int) -> NDArray[Any]:
        """Read slice `z` (from 0) as a YX array of `dtype`, which the caller may change.

        Raises:
            IndexError: there is no such slice.
            StackRefused: TRUNCATED or UNREADABLE (its pixels can't be decoded).
        """
        if not 0 <= z < self.num_slices:
            raise IndexError(f"slice {z} of {self.num_slices}")
        with self._lock:
            slice_YX = self._read_run(z) if self.layout.offset_bytes is not None else self._decode(z)
        if slice_YX.shape != self.shape_ZYX[1:]:
            raise damaged(f"slice {z + 1} has shape {slice_YX.shape} instead of {self.shape_ZYX[1:]}")
        return np.ascontiguousarray(slice_YX, dtype=self.dtype)

    def read_slices(self, start: int, stop: int) -> NDArray[Any]:
        """Read slices `start` to `stop` (exclusive) as a ZYX array of `dtype`.

        Raises:
            IndexError: there are no such slices.
            StackRefused: TRUNCATED or UNREADABLE.
        """
        if not 0 <= start <= stop <= self.num_slices:
            raise IndexError(f"slices {start} to {stop} of {self.num_slices}")
        slices_ZYX = np.empty((stop - start, *self.shape_ZYX[1:]), self.dtype)
        for index, z in enumerate(range(start, stop)):
            slices_ZYX[index] = self.read_slice(z)
        return slices_ZYX

    def map_slices(self, folder: Path) -> NDArray[Any]:
        """All slices as a read-only ZYX array that lives on disk: memory holds no more of it than is being used.

        Args:
            folder: pixels that have to be decoded go into a file there; the array must not be used once it is gone.

        Raises:
            StackRefused: TRUNCATED or UNREADABLE.
            OSError: the pixels don't fit on the disk.
        """
        if self.layout.offset_bytes is not None:
            path, offset = Path(self.tif.filehandle.path), self.layout.offset_bytes
            dtype = self.layout.dtype
        else:
            path, offset, dtype = folder / "slices.raw", 0, self.dtype
            with path.open("wb") as decoded:
                for z in range(self.num_slices):
                    self.read_slice(z).tofile(decoded)
        return np.memmap(path, dtype, mode="r", offset=offset, shape=self.shape_ZYX)

    def _read_run(self, z: int) -> NDArray[Any]:
        """A slice out of the one uncompressed run of pixels."""
        offset = self.layout.offset_bytes or 0
        file = self.tif.filehandle
        file.seek(offset + z * self.layout.slice_bytes)
        slice_YX = np.empty(self.shape_ZYX[1:], self.layout.dtype)
        buffer = slice_YX.reshape(-1).view(np.uint8).data
        if file.readinto(buffer) < self.layout.slice_bytes:  # type: ignore[arg-type]
            raise StackRefused(
                TRUNCATED,
                f"The file is cut off within slice {z + 1}. Copy it again; the transfer may not have finished.",
            )
        return slice_YX.astype(self.dtype, copy=False)

    def _decode(self, z: int) -> NDArray[Any]:
        """A slice out of a page that must be decoded."""
        number, depth = divmod(z, self.layout.slices_per_page)
        if self.layout.slices_per_page == 1:
            return self._decode_page(number)
        # A volumetric page can only be decoded whole: keep it for its other slices.
        if self._volume is None or self._volume[0] != number:
            self._volume = (number, self._decode_page(number))
        return np.array(self._volume[1][depth])

    def _decode_page(self, number: int) -> NDArray[Any]:
        """All pixels of a page, YX or ZYX."""
        problem = f"the pixels of page {number + 1} can't be decoded, or their compression is not supported"
        with refusing_damage(problem):
            return np.asarray(self.layout.pages[number].asarray(maxworkers=1))
