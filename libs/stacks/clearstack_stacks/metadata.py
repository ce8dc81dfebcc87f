"""Plans the metadata of a result: everything of its source that still holds.

Three kinds of TIFF are written: ImageJ's, OME's, and plain ones with the description and resolution of the source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from clearstack_stacks.ome import rewritten

if TYPE_CHECKING:
    import numpy as np
    import tifffile

    from clearstack_stacks.layout import Layout

_IMAGEJ_DTYPES: Final = frozenset({"uint8", "uint16", "int16", "float32"})
# The writer knows these better.
_IMAGEJ_COUNTS: Final = frozenset({"images", "slices", "channels", "frames", "order", "axes", "shape"})
# Kept in a tag of their own, in Unicode; all else is lines of ASCII in the description.
_IMAGEJ_TAGGED: Final = frozenset(
    {"Info", "Labels", "Ranges", "LUTs", "Plot", "ROI", "Overlays", "Properties"},
)
# Data beyond this does not fit 32-bit offsets, with room for heads and metadata.
_CLASSIC_BYTES: Final = 2**32 - 2**25
# tifffile's own JSON: rewritten by it.
_SHAPED_OWN: Final = frozenset({"shape", "truncated"})
_KEEPS_DESCRIPTION: Final = frozenset({"uniform", "generic", "shaped", "imagej", "ome"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """How tifffile is to be called.

    Attributes:
        shape: shape of the image, axes of length one included.
        writer: arguments of `TiffWriter`.
        write: arguments of `TiffWriter.write`, apart from data, shape and dtype.
    """

    shape: tuple[int, ...]
    writer: dict[str, Any]
    write: dict[str, Any] = field(default_factory=dict)


def plan_like(tif: tifffile.TiffFile, layout: Layout, dtype: np.dtype[Any]) -> WritePlan:
    """Plan a file like `tif` that holds its slices as `dtype`."""
    big = layout.num_slices * layout.slice_bytes // layout.dtype.itemsize * dtype.itemsize > _CLASSIC_BYTES
    common = {"photometric": _photometric(tif), **_resolution(tif), **_orientation(tif)}
    if layout.kind == "imagej" and dtype.name in _IMAGEJ_DTYPES:
        return _imagej(tif, layout, common)
    if tif.is_ome and tif.ome_metadata:
        return _ome(tif, layout, dtype, common, big=big)
    return _plain(tif, layout, common, big=big)


def _imagej(tif: tifffile.TiffFile, layout: Layout, common: dict[str, Any]) -> WritePlan:
    """An ImageJ hyperstack; beyond 4 GB ImageJ reads one head and a long run of pixels, which tifffile writes."""
    text = {key: value for key, value in (tif.imagej_metadata or {}).items() if key not in _IMAGEJ_COUNTS}
    metadata = {key: value if key in _IMAGEJ_TAGGED else _ascii(value) for key, value in text.items()}
    # An unnamed axis of an ImageJ stack is its z axis.
    shape = (layout.num_slices, *layout.shape_ZYX[1:]) if layout.num_slices > 1 else layout.shape_ZYX[1:]
    metadata["axes"] = "ZYX"[-len(shape) :]
    labels = metadata.get("Labels")
    if labels is not None and len(labels) != layout.num_slices:
        del metadata["Labels"]
    return WritePlan(shape=shape, writer={"imagej": True}, write={**common, "metadata": metadata})


def _ascii(value: Any) -> Any:
    """Text as ImageJ's description takes it: escapes instead of letters beyond ASCII (µ is 00B5)."""
    if not isinstance(value, str):
        return value
    return "".join(letter if letter.isascii() else f"\\u{ord(letter):04X}" for letter in value)


def _ome(
    tif: tifffile.TiffFile, layout: Layout, dtype: np.dtype[Any], common: dict[str, Any], *, big: bool
) -> WritePlan:
    """An OME-TIFF with the source's description, turned to the new file."""
    try:
        description = rewritten(tif.ome_metadata or "", dtype=dtype, num_slices=layout.num_slices)
    except ET.ParseError:
        return _plain(tif, layout, common, big=big)
    return WritePlan(
        shape=layout.shape_ZYX,
        writer={"ome": False, "bigtiff": big},
        write={**common, "metadata": None, "description": description},
    )


def _plain(tif: tifffile.TiffFile, layout: Layout, common: dict[str, Any], *, big: bool) -> WritePlan:
    """A plain TIFF: tifffile's own kind with its keys, any other with its description as it was."""
    writer = {"ome": False, "bigtiff": big}
    if layout.kind == "shaped" and tif.shaped_metadata:
        keys = {key: value for key, value in tif.shaped_metadata[0].items() if key not in _SHAPED_OWN}
        keys["axes"] = layout.axes
        return WritePlan(shape=layout.shape, writer=writer, write={**common, "metadata": keys})
    if layout.kind not in _KEEPS_DESCRIPTION:  # e.g. LSM or STK, whose descriptions need their own tags
        keys = {"axes": layout.axes}
        return WritePlan(shape=layout.shape, writer=writer, write={**common, "metadata": keys})
    description = tif.pages.first.description.encode("utf-8", "replace")
    if tif.is_shaped:  # written slice by slice: each has a description of its own alone
        description = b""
    extra = {"description": description} if description else {}
    return WritePlan(shape=layout.shape_ZYX, writer=writer, write={**common, "metadata": None, **extra})


def _photometric(tif: tifffile.TiffFile) -> str:
    """Black or white as zero, as in the source."""
    return "miniswhite" if tif.pages.first.photometric == 0 else "minisblack"


def _resolution(tif: tifffile.TiffFile) -> dict[str, Any]:
    """The resolution tags, as exact fractions."""
    tags = tif.pages.first.tags
    x, y = tags.valueof("XResolution"), tags.valueof("YResolution")
    if not (_is_fraction(x) and _is_fraction(y)):
        return {}
    return {"resolution": (x, y), "resolutionunit": int(tags.valueof("ResolutionUnit", 2))}


def _is_fraction(value: Any) -> bool:
    """Whether a tag holds a fraction that can be written again."""
    return (
        isinstance(value, tuple)
        and len(value) == 2  # noqa: PLR2004
        and all(isinstance(part, int) and 0 <= part < 2**32 for part in value)
        and value[1] != 0
    )


def _orientation(tif: tifffile.TiffFile) -> dict[str, Any]:
    """The orientation tag, where the image is not the usual way up."""
    value = int(tif.pages.first.tags.valueof("Orientation", 1))
    return {"extratags": [(274, 3, 1, value, True)]} if value != 1 else {}
