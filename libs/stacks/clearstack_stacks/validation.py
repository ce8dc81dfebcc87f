"""Decides whether a file is a stack that Clearstack can take, and says all there is to know about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clearstack_stacks.calibration import Calibration, read_calibration
from clearstack_stacks.claims import check_claims
from clearstack_stacks.info import StackInfo, two_and_half_d_refusal
from clearstack_stacks.reading import StackReader
from clearstack_stacks.refusals import check_amount
from clearstack_stacks.statistics import Statistics
from clearstack_stacks.tiff import refusing_damage

if TYPE_CHECKING:
    from os import PathLike

    from clearstack_stacks.limits import Limits


def inspect_tiff(path: str | PathLike[str], limits: Limits) -> StackInfo:
    """Validate a TIFF and measure it. Memory: a few slices.

    What is out of proportion is refused by the heads of its pages, before a pixel is decoded.

    Args:
        path: the file.
        limits: what is out of proportion.

    Raises:
        StackRefused: with its reason and a text for the microscopist.
        OSError: the file can't be opened.
    """
    path = Path(path)
    check_claims(path, limits)
    return measure_tiff(path, limits)


def measure_tiff(path: Path, limits: Limits) -> StackInfo:
    """The rest of `inspect_tiff`, once the claims of the file were found sound.

    Raises:
        StackRefused: with its reason and a text for the microscopist.
        OSError: the file can't be opened.
    """
    with StackReader(path) as reader:
        layout = reader.layout
        check_amount(
            num_slices=layout.num_slices,
            decoded_bytes=layout.num_slices * layout.slice_bytes,
            file_bytes=path.stat().st_size,
            limits=limits,
        )
        with refusing_damage("its description can't be read"):
            calibration = read_calibration(reader.tif)
        return _info(reader, _measure(reader), calibration)


def _measure(reader: StackReader) -> Statistics:
    """Statistics of all slices, each read once."""
    statistics = Statistics(reader.dtype)
    for z in range(reader.num_slices):
        statistics.add(reader.read_slice(z), z=z)
    statistics.check()
    return statistics


def _info(reader: StackReader, statistics: Statistics, calibration: Calibration) -> StackInfo:
    """Everything that was found, put together."""
    num_slices, height, width = reader.shape_ZYX
    refusal = two_and_half_d_refusal(num_slices)
    return StackInfo(
        num_slices=num_slices,
        height=height,
        width=width,
        dtype=reader.dtype.name,
        axes=reader.layout.found_axes,
        pixel_size_um=calibration.pixel_size_um,
        pixel_size_y_um=calibration.pixel_size_y_um,
        z_step_um=calibration.z_step_um,
        min=statistics.min,
        max=statistics.max,
        mean=statistics.mean,
        std=statistics.std,
        warnings=statistics.warnings(),
        two_and_half_d_possible=not refusal,
        two_and_half_d_reason=refusal,
    )
