"""Good files of every kind that is accepted, to be damaged.

Axes: Z slice, Y row, X column.
"""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
import tifffile

_STACK_ZYX: Final = np.random.default_rng(3).integers(100, 4000, (4, 32, 48)).astype(np.uint16)
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "plain": {"metadata": None},
    "shaped": {"metadata": {"axes": "ZYX"}},
    "shaped run": {"metadata": {"axes": "ZYX"}, "truncate": True},
    "imagej": {
        "imagej": True,
        "metadata": {"axes": "ZYX", "spacing": 0.5, "unit": "um", "Labels": list("abcd")},
    },
    "imagej run": {"imagej": True, "metadata": {"axes": "ZYX"}, "truncate": True},
    "ome": {"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 0.1}},
    "ome compressed": {"ome": True, "compression": "zlib", "metadata": {"axes": "ZYX"}},
    "bigtiff": {"bigtiff": True},
    "bigtiff ome": {"bigtiff": True, "ome": True, "metadata": {"axes": "ZYX"}},
    "big endian": {"byteorder": ">"},
    "lzw": {"compression": "lzw"},
    "deflate": {"compression": "zlib"},
    "deflate predictor": {"compression": "zlib", "predictor": True},
    "zstd": {"compression": "zstd"},
    "packbits": {"compression": "packbits"},
    "jpeg": {"compression": "jpeg", "compressionargs": {"lossless": True, "bitspersample": 16}},
    "jpeg2000": {"compression": "jpeg2000"},
    "jpegxl": {"compression": "jpegxl"},
    "lzma": {"compression": "lzma"},
    "lerc": {"compression": "lerc"},
    "strips": {"rowsperstrip": 5},
    "strips lzw": {"rowsperstrip": 5, "compression": "lzw"},
    "tiles": {"tile": (16, 16)},
    "tiles deflate": {"tile": (16, 16), "compression": "zlib"},
    "volume": {"volumetric": True, "tile": (4, 16, 16)},
    "resolution": {"resolution": (3.3, 3.3), "resolutionunit": "CENTIMETER"},
}
_DTYPES: Final = ("uint8", "int16", "int32", "uint32", "float16", "float32", "float64")


def good_files() -> dict[str, bytes]:
    """Each kind of file by its name."""
    files = {name: _written(_STACK_ZYX, **options) for name, options in _OPTIONS.items()}
    for dtype in _DTYPES:
        files[dtype] = _written(_STACK_ZYX.astype(dtype))
    files["float32 predictor"] = _written(_STACK_ZYX.astype(np.float32), compression="zlib", predictor=True)
    return files


def _written(stack_ZYX: np.ndarray[Any, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, stack_ZYX, **{"photometric": "minisblack", **options})
    return file.getvalue()
