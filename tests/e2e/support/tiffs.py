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


# Data types that are taken, each in another way of storing it.
STORAGES: dict[str, dict[str, Any]] = {
    "uint8": {"compression": "lzw"},
    "uint16": {"compression": "jpeg", "compressionargs": {"lossless": True, "bitspersample": 16}},
    "float32": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "int16": {"ome": True, "metadata": {"axes": "ZYX"}},
    "int32": {"compression": "packbits", "bigtiff": True},
    "uint32": {"compression": "zstd", "tile": (16, 16)},
    "float16": {"compression": "zlib", "rowsperstrip": 5},
    "float64": {"compression": "zlib", "predictor": True, "byteorder": ">"},
}


def write_storages(folder: Path, shape_ZYX: tuple[int, int, int]) -> dict[str, Path]:
    """Writes the same whole numbers in every data type; returns the files by data type."""
    stack_ZYX = np.random.default_rng(6).integers(20, 120, shape_ZYX)
    paths = {dtype: folder / f"{dtype}.tif" for dtype in STORAGES}
    for dtype, options in STORAGES.items():
        tifffile.imwrite(paths[dtype], stack_ZYX.astype(dtype), photometric="minisblack", **options)
    return paths


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


def _float64(path: Path) -> None:
    write(path, noise("float64"))  # more digits than float32 has


def _too_large(path: Path) -> None:
    write_noise(path, num_slices=1)
    with tifffile.TiffFile(path, mode="r+") as file:
        for tag in ("ImageWidth", "ImageLength"):
            file.pages.first.tags[tag].overwrite(100_000)


# What is wrong with a file → how it is made.
BAD = {
    "NOT_A_TIFF": _no_tiff,
    "TRUNCATED": _truncated,
    "UNSUPPORTED_AXES": _rgb,
    "UNSUPPORTED_DTYPE": _float64,
    "TOO_LARGE": _too_large,
    "CONSTANT": _constant,
    "NOT_FINITE": _nan,
    "TOO_SMALL": _too_small,
}
