"""Every way of storing a stack is read to the same pixels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.limits import Limits
from clearstack_stacks.reading import StackReader
from clearstack_stacks.validation import inspect_tiff

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .conftest import WriteTiff

STORAGES: dict[str, dict[str, Any]] = {
    "plain": {"metadata": None},
    "shaped": {"metadata": {"axes": "ZYX"}},
    "one head": {"metadata": {"axes": "ZYX"}, "truncate": True},
    "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "imagej one head": {"imagej": True, "metadata": {"axes": "ZYX"}, "truncate": True},
    "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
    "bigtiff": {"bigtiff": True},
    "big endian": {"byteorder": ">"},
    "big endian bigtiff": {"byteorder": ">", "bigtiff": True, "metadata": None},
    "tiled": {"tile": (16, 16)},
    "tiled deflate": {"tile": (16, 16), "compression": "zlib", "metadata": None},
    "strips": {"rowsperstrip": 5},
    "lzw": {"compression": "lzw"},
    "lzw predictor": {"compression": "lzw", "predictor": True, "byteorder": ">"},
    "deflate": {"compression": "zlib", "predictor": True},
    "zstd": {"compression": "zstd"},
    "packbits": {"compression": "packbits"},
    "lossless jpeg": {"compression": "jpeg", "compressionargs": {"lossless": True, "bitspersample": 16}},
    "volumetric": {"volumetric": True, "metadata": None},
    "volumetric deflate": {"volumetric": True, "tile": (8, 16, 16), "compression": "zlib"},
    "length one axes": {"metadata": {"axes": "TZCYX"}},
}


@pytest.mark.parametrize("storage", STORAGES)
def test_every_storage_gives_the_same_pixels(
    storage: str, stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff
) -> None:
    """Single- and multi-page, ImageJ, OME, BigTIFF, tiled, stripped and compressed files read alike."""  # spec: B1
    data: NDArray[Any] = stack_ZYX[None, :, None] if storage == "length one axes" else stack_ZYX
    path = write_tiff(data, **STORAGES[storage])
    info = inspect_tiff(path, Limits())
    with StackReader(path) as reader:
        assert reader.shape_ZYX == stack_ZYX.shape == (info.num_slices, info.height, info.width)
        assert reader.dtype == np.uint16
        assert reader.dtype.isnative
        np.testing.assert_array_equal(reader.read_slices(0, 5), stack_ZYX)
        np.testing.assert_array_equal(reader.read_slice(3), stack_ZYX[3])


@pytest.mark.parametrize("options", [{}, {"imagej": True}, {"ome": True}, {"metadata": None}])
def test_a_single_slice_is_a_stack_of_one(
    options: dict[str, Any], stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff
) -> None:
    """A 2-D image has axes YX and one slice."""  # spec: B1
    path = write_tiff(stack_ZYX[0], **options)
    info = inspect_tiff(path, Limits())
    assert (info.axes, info.num_slices) == ("YX", 1)
    with StackReader(path) as reader:
        np.testing.assert_array_equal(reader.read_slice(0), stack_ZYX[0])


def test_slices_written_one_by_one_are_one_stack(tmp_path: Path, stack_ZYX: NDArray[np.uint16]) -> None:
    """A loop around `write` makes as many images as slices; they count as one stack, in order."""  # spec: B1
    path = tmp_path / "loop.tif"
    with tifffile.TiffWriter(path) as writer:
        for slice_YX in stack_ZYX:
            writer.write(slice_YX)
    assert inspect_tiff(path, Limits()).axes == "IYX"
    with StackReader(path) as reader:
        np.testing.assert_array_equal(reader.read_slices(0, 5), stack_ZYX)


def test_a_pyramid_is_read_at_full_resolution(tmp_path: Path, stack_ZYX: NDArray[np.uint16]) -> None:
    """Reduced copies in sub-pages are no slices."""  # spec: B1
    path = tmp_path / "pyramid.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(stack_ZYX, subifds=1, photometric="minisblack", metadata={"axes": "ZYX"})
        writer.write(stack_ZYX[:, ::2, ::2], subfiletype=1, photometric="minisblack")
    with StackReader(path) as reader:
        np.testing.assert_array_equal(reader.read_slices(0, 5), stack_ZYX)


def test_a_slice_may_be_changed_and_is_contiguous(
    stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff
) -> None:
    """What the reader hands out belongs to the caller."""
    with StackReader(write_tiff(stack_ZYX)) as reader:
        slice_YX = reader.read_slice(0)
        slice_YX[:] = 0
        assert slice_YX.flags.c_contiguous
        np.testing.assert_array_equal(reader.read_slice(0), stack_ZYX[0])


@pytest.mark.parametrize("z", [-1, 5])
def test_there_are_no_other_slices(z: int, stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """A slice outside the stack is an error, not another slice."""
    with StackReader(write_tiff(stack_ZYX)) as reader, pytest.raises(IndexError):
        reader.read_slice(z)


def test_damaged_pixels_are_named(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """Compressed data that can't be decoded are refused, with the page."""
    path = write_tiff(stack_ZYX, compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[2].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[offset : offset + 40] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(StackRefused, match="page 3") as refused:
        inspect_tiff(path, Limits())
    assert refused.value.reason == "UNREADABLE"


def test_threads_may_share_a_reader(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """Slices read at the same time do not get into each other's way."""  # spec: B1
    order = [0, 4, 1, 3, 2] * 20
    for options in (
        {},
        {"compression": "zlib"},
        {"volumetric": True, "tile": (8, 16, 16), "compression": "zlib"},
    ):
        with StackReader(write_tiff(stack_ZYX, **options)) as reader, ThreadPoolExecutor(4) as pool:
            for z, slice_YX in zip(order, pool.map(reader.read_slice, order), strict=True):
                np.testing.assert_array_equal(slice_YX, stack_ZYX[z])


@pytest.mark.parametrize("storage", STORAGES)
def test_slices_on_disk_are_those_of_the_file(
    storage: str, stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff, tmp_path: Path
) -> None:
    """However a stack is stored, what is mapped has the same pixels, outlives the reader and cannot be changed."""
    with StackReader(write_tiff(stack_ZYX, **STORAGES[storage])) as reader:
        mapped_ZYX = reader.map_slices(tmp_path)
    assert np.array_equal(mapped_ZYX, stack_ZYX)
    assert isinstance(mapped_ZYX, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        mapped_ZYX[0] = 0
