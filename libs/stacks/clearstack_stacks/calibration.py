"""Finds the size of a pixel and the distance of two slices, wherever the file says it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from clearstack_stacks.ome import physical_sizes_um

if TYPE_CHECKING:
    import tifffile

_MICROMETRES: Final = {
    "um": 1.0,
    "µm": 1.0,
    "μm": 1.0,
    "\\u00b5m": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25_400.0,
}
_CENTIMETRE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Sizes in µm; None where the file does not say."""

    pixel_size_um: float | None = None
    pixel_size_y_um: float | None = None
    z_step_um: float | None = None


def read_calibration(tif: tifffile.TiffFile) -> Calibration:
    """Calibration of an opened TIFF: OME's, LSM's, ImageJ's, then the resolution tags."""
    if tif.is_ome and tif.ome_metadata:
        sizes = physical_sizes_um(tif.ome_metadata)
        return Calibration(
            pixel_size_um=sizes.get("X"), pixel_size_y_um=sizes.get("Y"), z_step_um=sizes.get("Z")
        )
    if tif.is_lsm and tif.lsm_metadata:
        metres = [_positive(tif.lsm_metadata.get(f"VoxelSize{axis}")) for axis in "XYZ"]
        x, y, z = (None if value is None else value * 1e6 for value in metres)
        return Calibration(pixel_size_um=x, pixel_size_y_um=y, z_step_um=z)
    if tif.is_imagej and tif.imagej_metadata:
        return _of_text(tif, tif.imagej_metadata)
    if tif.is_shaped and tif.shaped_metadata:
        return _of_text(tif, tif.shaped_metadata[0])
    return _of_tags(tif)


def _of_text(tif: tifffile.TiffFile, text: dict[str, Any]) -> Calibration:
    """Sizes in the unit that the text names: the tags hold pixels a unit, the text the spacing."""
    factor = _MICROMETRES.get(str(text.get("unit", "")).strip().lower())
    if factor is None:
        return _of_tags(tif)
    y_factor = _MICROMETRES.get(str(text.get("yunit", text["unit"])).strip().lower())
    z_factor = _MICROMETRES.get(str(text.get("zunit", text["unit"])).strip().lower())
    return Calibration(
        pixel_size_um=_scaled(_tag_period(tif, "XResolution"), factor),
        pixel_size_y_um=_scaled(_tag_period(tif, "YResolution"), y_factor),
        z_step_um=_scaled(_positive(text.get("spacing")), z_factor),
    )


def _of_tags(tif: tifffile.TiffFile) -> Calibration:
    """Sizes by the tags alone; dots an inch are a printer's, not a microscope's, so that inches don't count."""
    unit = tif.pages.first.tags.valueof("ResolutionUnit", 2)
    if unit != _CENTIMETRE:
        return Calibration()
    return Calibration(
        pixel_size_um=_scaled(_tag_period(tif, "XResolution"), 1e4),
        pixel_size_y_um=_scaled(_tag_period(tif, "YResolution"), 1e4),
    )


def _tag_period(tif: tifffile.TiffFile, name: str) -> float | None:
    """Units a pixel, by a tag that holds pixels a unit as a fraction."""
    value = tif.pages.first.tags.valueof(name)
    try:
        numerator, denominator = value
    except (TypeError, ValueError):
        return None
    return denominator / numerator if numerator and denominator else None


def _scaled(value: float | None, factor: float | None) -> float | None:
    """Product, where both are known."""
    return None if value is None or factor is None else value * factor


def _positive(value: object) -> float | None:
    """A positive, finite number, else None."""
    if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return None
    return float(value)
