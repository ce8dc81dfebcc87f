"""Single slices of a large file, and the smaller ones that a viewer asks for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.pyramid import TILE_PX, build_pyramid, level_shapes, pyramid_bytes
from clearstack_stacks.slices import SliceTable, find_slices, read_slice

Write = Callable[[Path, Any], object]

_WRITERS: dict[str, Write] = {
    "one run": lambda path, stack: tifffile.imwrite(path, stack, metadata={"axes": "ZYX"}),
    "ImageJ": lambda path, stack: tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"}),
    "BigTIFF": lambda path, stack: tifffile.imwrite(path, stack, bigtiff=True, metadata={"axes": "ZYX"}),
    "big-endian": lambda path, stack: tifffile.imwrite(path, stack, byteorder=">", metadata={"axes": "ZYX"}),
    "compressed": lambda path, stack: tifffile.imwrite(
        path, stack, compression="zlib", predictor=2, rowsperstrip=7, metadata={"axes": "ZYX"}
    ),
    "tiled": lambda path, stack: tifffile.imwrite(path, stack, tile=(16, 16), compression="zstd"),
    "OME": lambda path, stack: tifffile.imwrite(
        path, stack, ome=True, compression="zlib", metadata={"axes": "ZYX"}
    ),
    "volumetric": lambda path, stack: tifffile.imwrite(
        path, stack, volumetric=True, tile=(16, 16, 16), metadata={"axes": "ZYX"}
    ),
}


@pytest.mark.parametrize("kind", _WRITERS)
def test_every_slice_of_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    """The same pixels as the file has, whichever slice is asked for first."""
    stack_ZYX = np.random.default_rng(0).integers(0, 60_000, (5, 48, 37), dtype=np.uint16)
    path = tmp_path / "stack.tif"
    _WRITERS[kind](path, stack_ZYX)
    with path.open("rb") as file:
        table = SliceTable.from_json(find_slices(file).to_json())
        assert table.shape_ZYX == stack_ZYX.shape
        for z in (4, 0, 2, 1, 3):
            np.testing.assert_array_equal(read_slice(file, table, z), stack_ZYX[z])
        with pytest.raises(IndexError):
            read_slice(file, table, 5)


@pytest.mark.parametrize("kind", ["one run", "compressed"])
def test_a_file_that_was_replaced(tmp_path: Path, kind: str) -> None:
    """The table of one file does not fit another: refused, not misread."""
    path = tmp_path / "stack.tif"
    _WRITERS[kind](path, np.zeros((5, 48, 37), np.uint16))
    with path.open("rb") as file:
        table = find_slices(file)
    _WRITERS[kind](path, np.zeros((2, 16, 16), np.uint16))
    with path.open("rb") as file, pytest.raises(StackRefused):
        read_slice(file, table, 4)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "float32", "float64", "bool"])
def test_brightness_is_kept(dtype: str) -> None:
    """Sample × scale + offset is the pixel at full size, and the mean of 4 at the next level."""
    rng = np.random.default_rng(1)
    slice_YX = rng.integers(-100, 100, (600, 514)).astype(dtype)
    pyramid = build_pyramid(slice_YX)
    assert [level.shape for level in pyramid.levels] == level_shapes(600, 514)
    assert pyramid.num_bytes == pyramid_bytes(600, 514, slice_YX.dtype)
    full_YX, half_YX = (level * pyramid.scale + pyramid.offset for level in pyramid.levels[:2])
    np.testing.assert_array_equal(full_YX, slice_YX.astype(np.float64))
    mean_YX = slice_YX.astype(np.float64).reshape(300, 2, 257, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(half_YX, mean_YX, atol=0.5 * pyramid.scale)


def test_odd_edges_are_means_of_what_there_is() -> None:
    """An even grey stays that grey at every level."""
    for level in build_pyramid(np.full((1025, 259), 7, np.uint16)).levels:
        assert np.all(level == 7)


def test_tiles_cover_the_slice() -> None:
    """Put together they are the level; beyond it there is none."""
    pyramid = build_pyramid(np.arange(300 * 700, dtype=np.float32).reshape(300, 700))
    rows = [np.hstack([pyramid.tile(0, column, row) for column in range(3)]) for row in range(2)]
    np.testing.assert_array_equal(np.vstack(rows), pyramid.levels[0])
    assert max(pyramid.levels[-1].shape) <= TILE_PX
    for level, column, row in ((0, 3, 0), (0, 0, 2), (9, 0, 0), (0, -1, 0), (-1, 0, 0)):
        with pytest.raises(IndexError):
            pyramid.tile(level, column, row)
