"""Compares what a file's own text (ImageJ's or OME's) promises with what was found in it.

tifffile falls back to plain pages where the text does not fit: channels would pass as slices, and half a stack as a
whole one. So the text is read once more here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from clearstack_stacks.axes import check_axes
from clearstack_stacks.errors import TRUNCATED, UNSUPPORTED_AXES, StackRefused
from clearstack_stacks.ome import image_sizes
from clearstack_stacks.tiff import damaged, refusing_damage

if TYPE_CHECKING:
    import tifffile

_ENTITIES: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_OME_START: Final = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:\w+:)?OME[\s>]", re.DOTALL)
_AFTER_XML: Final = "\0 \r\n\t"


def check_text(description: str) -> None:
    """Refuse a description that is not whole, or defines entities, before anything is made of it.

    No program writes entities into a TIFF but to make its reader swell, or fetch other files. Half of an OME description
    is none to tifffile, and channels would pass as slices.

    Raises:
        StackRefused: UNREADABLE.
    """
    if _ENTITIES.search(description):
        raise damaged("its description defines XML entities, which no microscope does")
    if _OME_START.match(description) and not description.rstrip(_AFTER_XML).endswith("OME>"):
        raise damaged("its OME description is cut off")


def check_declared(tif: tifffile.TiffFile, shape_ZYX: tuple[int, int, int]) -> None:
    """Refuse a file that holds other slices than its text says.

    Raises:
        StackRefused: UNSUPPORTED_AXES, TRUNCATED or UNREADABLE.
    """
    if tif.is_ome and tif.ome_metadata:
        _check_ome(tif.ome_metadata, shape_ZYX)
    elif tif.is_imagej and tif.imagej_metadata:
        _check_sizes(_imagej_sizes(tif.imagej_metadata), shape_ZYX[0], "ImageJ")


def _imagej_sizes(text: dict[str, Any]) -> dict[str, int]:
    """Time points, slices and channels of ImageJ's text; images of no named axis are slices."""
    frames, slices, channels = (_count(text.get(name)) for name in ("frames", "slices", "channels"))
    if frames == slices == channels == 1:
        slices = _count(text.get("images"))
    return {"T": frames, "Z": slices, "C": channels}


def _check_ome(xml: str, shape_ZYX: tuple[int, int, int]) -> None:
    """Refuse sets of files, several images, channels and time points of an OME-TIFF."""
    with refusing_damage("its OME description can't be read"):
        sizes = image_sizes(xml)
    if sizes is None:
        raise StackRefused(
            UNSUPPORTED_AXES,
            "This OME-TIFF is one part of a set of files; its description lies in another one. Open the set in Fiji "
            "(File > Import > Bio-Formats) and save the stack that you want as one TIFF.",
        )
    height, width = sizes.pop("Y"), sizes.pop("X")
    if (height, width) != shape_ZYX[1:]:
        raise damaged(
            f"its OME description is of {width:,} x {height:,} pixels, its pages have {shape_ZYX[2]:,} x {shape_ZYX[1]:,}"
        )
    _check_sizes(sizes, shape_ZYX[0], "OME")


def _check_sizes(sizes: dict[str, int], num_slices: int, whose: str) -> None:
    """Refuse more than one time point or channel, and any other number of slices than declared."""
    if min(sizes.values()) < 1:
        named = ", ".join(f"{axis} {size}" for axis, size in sizes.items())
        raise damaged(f"its {whose} description names impossible numbers of images ({named})")
    axes = "".join(sizes) + "YX"
    check_axes(axes, (*sizes.values(), 1, 1))
    declared = sizes["Z"]
    if declared > num_slices:
        raise StackRefused(
            TRUNCATED,
            f"The file is not complete: its {whose} description promises {declared} slices, {num_slices} are in it. "
            "Copy it again; the transfer or the recording may not have finished.",
        )
    if 1 < declared < num_slices:
        raise StackRefused(
            UNSUPPORTED_AXES,
            f"The {whose} description names {declared} slices, but the file has {num_slices}. Open it in Fiji, check the "
            "numbers under Image > Properties..., and save it again.",
        )


def _count(value: object) -> int:
    """A number of ImageJ's text; 1 where there is none."""
    if value is not None and not isinstance(value, int):
        raise damaged(f"its ImageJ description gives {str(value)[:40]!r} as a number of images")
    return max(1, value or 1)
