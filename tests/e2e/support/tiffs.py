"""Small TIFFs, good and bad. Axes: Z slice, Y row, X column, S sample."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from clearstack_stacks.samples import Sample, make_sample
from numpy.typing import NDArray

SIDE_PX = 48


def noise(
    dtype: str = "uint16", num_slices: int = 6, side_px: int = SIDE_PX, level: float = 100
) -> NDArray[Any]:
    """White noise on a ramp."""
    rng = np.random.default_rng(5)
    ramp_YX = np.linspace(0.2 * level, 0.6 * level, side_px)[None, :, None]
    stack_ZYX = ramp_YX + rng.normal(0, level / 15, (num_slices, side_px, side_px))
    return np.asarray(stack_ZYX.clip(0).astype(dtype))


def write(path: Path, stack_ZYX: NDArray[Any]) -> Path:
    """Writes a plain multi-page TIFF."""
    tifffile.imwrite(path, stack_ZYX, photometric="minisblack")
    return path


def write_noise(path: Path, dtype: str = "uint16", num_slices: int = 6, side_px: int = SIDE_PX) -> Path:
    """Writes white noise on a ramp."""
    return write(path, noise(dtype, num_slices, side_px))


def write_sample(path: Path, name: str, num_slices: int, side_px: int) -> Sample:
    """Writes a built-in sample; returns it with its truth."""
    sample = make_sample(name, num_slices=num_slices, side_px=side_px, seed=3)
    tifffile.imwrite(path, sample.noisy_ZYX, imagej=True, metadata={"axes": "ZYX"})
    return sample


def read(path: Path) -> NDArray[Any]:
    """Every pixel of a TIFF."""
    return np.asarray(tifffile.imread(path))


def _no_tiff(path: Path) -> None:
    path.write_bytes(b"Date,Value\n2024-01-01,17\n" * 50)


def _truncated(path: Path) -> None:
    write_noise(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _rgb(path: Path) -> None:
    stack_ZYXS = np.random.default_rng(0).integers(0, 255, (3, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    tifffile.imwrite(path, stack_ZYXS, photometric="rgb")


def _constant(path: Path) -> None:
    write(path, np.full((3, SIDE_PX, SIDE_PX), 7, dtype=np.uint16))


def _nan(path: Path) -> None:
    stack_ZYX = noise("float32")
    stack_ZYX[1, 2, 3] = np.nan
    write(path, stack_ZYX)


def _too_small(path: Path) -> None:
    write(path, noise(side_px=9))


# What is wrong with a file → how it is made.
BAD = {
    "NOT_A_TIFF": _no_tiff,
    "TRUNCATED": _truncated,
    "UNSUPPORTED_AXES": _rgb,
    "CONSTANT": _constant,
    "NOT_FINITE": _nan,
    "TOO_SMALL": _too_small,
}
