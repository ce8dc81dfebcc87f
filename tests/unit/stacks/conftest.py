"""Small stacks in files, for all tests of this folder.

Axes of arrays: Z slice, Y row, X column.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

if TYPE_CHECKING:
    from numpy.typing import NDArray

WriteTiff = Callable[..., Path]


@pytest.fixture
def stack_ZYX() -> NDArray[np.uint16]:
    """Five slices of 24 x 32 pixels, all different."""
    return np.random.default_rng(7).integers(100, 4000, (5, 24, 32)).astype(np.uint16)


@pytest.fixture
def write_tiff(tmp_path: Path) -> WriteTiff:
    """A function that writes an array with `tifffile.imwrite` and returns the path."""

    def write(data: NDArray[Any], name: str = "stack.tif", **options: Any) -> Path:
        path = tmp_path / name
        tifffile.imwrite(path, data, **{"photometric": "minisblack", **options})
        return path

    return write
