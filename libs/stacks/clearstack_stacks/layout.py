"""Finds the slices of a stack in a TIFF, whichever way they are stored.

Axes of arrays: Z slice, Y row, X column.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clearstack_stacks.axes import check_axes, squeezed_axes
from clearstack_stacks.declared import check_declared, check_text
from clearstack_stacks.errors import TRUNCATED, UNSUPPORTED_AXES, StackRefused
from clearstack_stacks.tiff import damaged, refusing_damage

if TYPE_CHECKING:
    import tifffile

    Page = tifffile.TiffPage | tifffile.TiffFrame

# The formats whose images, written one by one, are the slices of one stack (a loop around `imwrite`).
_PLAIN_KINDS = frozenset({"shaped", "generic", "uniform"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the slices are.

    Attributes:
        shape_ZYX: slices, rows, columns.
        dtype: dtype in the file's byte order.
        axes: all axes as the file has them, also those of length one.
        shape: their lengths.
        kind: tifffile's name of the format, e.g. "imagej", "ome", "shaped", "uniform".
        pages: the pages that hold pixels, in the order of the slices; only the first where they lie in one run.
        offset_bytes: where the pixels of all slices begin, when they lie in one uncompressed run; else None.
    """

    shape_ZYX: tuple[int, int, int]
    dtype: np.dtype[Any]
    axes: str
    shape: tuple[int, ...]
    kind: str
    pages: tuple[Page, ...]
    offset_bytes: int | None

    @property
    def num_slices(self) -> int:
        """Slices of the stack."""
        return self.shape_ZYX[0]

    @property
    def slice_bytes(self) -> int:
        """Bytes of a decoded slice."""
        return self.shape_ZYX[1] * self.shape_ZYX[2] * self.dtype.itemsize

    @property
    def found_axes(self) -> str:
        """The axes without those of length one, e.g. "ZYX"."""
        return squeezed_axes(self.axes, self.shape)

    @property
    def slices_per_page(self) -> int:
        """Slices that a page holds where pages are decoded; more than 1 only in volumetric TIFFs."""
        return self.num_slices // len(self.pages)


def find_layout(tif: tifffile.TiffFile) -> Layout:
    """Find the slices of an opened TIFF.

    Raises:
        StackRefused: UNSUPPORTED_AXES, TRUNCATED or UNREADABLE.
    """
    check_text(tif.pages.first.description)
    with refusing_damage("its pages do not fit together"):
        found = [series for series in tif.series if not series.keyframe.subfiletype & 0b101]
        if not found:
            raise damaged("no image can be made of its pages")
        layout = _of_one(found[0]) if len(found) == 1 else _of_many(found)
        check_axes(layout.axes, layout.shape)
        check_declared(tif, layout.shape_ZYX)
        _check_complete(tif, layout)
        return layout


def _of_one(series: tifffile.TiffPageSeries) -> Layout:
    """Layout of the usual file: one image, of any number of slices."""
    axes, shape = series.get_axes(squeeze=False), series.get_shape(squeeze=False)
    check_axes(axes, shape)
    # One run of pixels needs no page but the one that describes it; of the others, heads may not even exist.
    pages = [series.keyframe] if series.dataoffset is not None else list(series.pages)
    present = tuple(page for page in pages if page is not None)
    if len(present) < len(pages):
        number = len(pages) - len(present)
        raise _missing(f"{number} of the {len(pages)} pages that it describes are not in the file")
    if axes.endswith("S"):  # tifffile appends one sample to ImageJ's and OME's axes
        axes, shape = axes[:-1], shape[:-1]
    return Layout(
        shape_ZYX=(math.prod(shape[:-2]), shape[-2], shape[-1]),
        dtype=np.dtype(series.dtype).newbyteorder(series.keyframe.parent.byteorder),
        axes=axes,
        shape=tuple(shape),
        kind=series.kind,
        pages=present,
        offset_bytes=series.dataoffset,
    )


def _of_many(found: list[tifffile.TiffPageSeries]) -> Layout:
    """Layout of a file whose slices were written one by one as images of their own."""
    first = found[0]
    alike = all(
        series.kind in _PLAIN_KINDS
        and squeezed_axes(series.axes, series.shape).strip("I") == "YX"
        and (series.keyframe.shape, series.dtype) == (first.keyframe.shape, first.dtype)
        for series in found
    )
    if not alike:
        images = "; ".join(
            f"{series.name or 'image ' + str(number)}: {series.axes} {' x '.join(map(str, series.shape))}"
            for number, series in enumerate(found[:4], start=1)
        )
        raise StackRefused(
            UNSUPPORTED_AXES,
            f"The file holds {len(found)} images ({images}), each with axes of its own. Save the one that you want as a "
            "file of its own (Fiji: File > Import > Bio-Formats, then File > Save As > Tiff...).",
        )
    pages = sorted((page for series in found for page in series.pages if page is not None), key=_page_number)
    height, width = first.keyframe.shape
    shape = (len(pages), height, width)
    return Layout(
        shape_ZYX=shape,
        dtype=np.dtype(first.dtype).newbyteorder(first.keyframe.parent.byteorder),
        axes="IYX",
        shape=shape,
        kind="generic",
        pages=tuple(pages),
        offset_bytes=None,
    )


def _page_number(page: Page) -> int:
    """Position of a page in its file."""
    return int(page.index)


def _key(page: Page) -> tifffile.TiffPage:
    """The page that describes `page`."""
    if page.keyframe is None:
        raise damaged(f"page {page.index} is not described")
    return page.keyframe


def _check_complete(tif: tifffile.TiffFile, layout: Layout) -> None:
    """Refuse a file that ends before its pixels do, or whose pages don't make up its slices."""
    num_bytes = tif.filehandle.size
    if layout.offset_bytes is not None:
        if layout.offset_bytes == 0:  # where the head of the file is
            raise _missing("its pixels were never written")
        needed = layout.offset_bytes + layout.num_slices * layout.slice_bytes
        if needed > num_bytes:
            raise _missing(f"its pixels reach to byte {needed:,}, the file ends at {num_bytes:,}")
        return
    per_page = _key(layout.pages[0]).imagedepth
    if len(layout.pages) * per_page != layout.num_slices:
        raise _missing(f"it describes {layout.num_slices} slices and holds {len(layout.pages) * per_page}")
    stored_bytes = sum(
        _check_page(page, number, num_bytes) for number, page in enumerate(layout.pages, start=1)
    )
    if stored_bytes > num_bytes:
        raise damaged(
            f"its pages are said to take {stored_bytes:,} bytes of a file of {num_bytes:,}, so that several show the same pixels"
        )


def _check_page(page: Page, number: int, num_bytes: int) -> int:
    """Refuse a page with pixels missing or beyond the end of the file; returns the bytes that it takes."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if not offsets or not counts or 0 in offsets or 0 in counts:
        raise _missing(f"pixels of page {number} were never written")
    last = max(offset + count for offset, count in zip(offsets, counts, strict=False))
    if page.is_contiguous:
        last = max(last, offsets[0] + _key(page).nbytes)
    if last > num_bytes:
        raise _missing(f"page {number} reaches to byte {last:,}, the file ends at {num_bytes:,}")
    return sum(counts)


def _missing(what: str) -> StackRefused:
    """The refusal of a file that is not whole."""
    return StackRefused(
        TRUNCATED,
        f"The file is not complete: {what}. Copy it again; the transfer or the recording may not have finished.",
    )
