"""Reads and rewrites OME-XML, the description inside an OME-TIFF (schema 2016-06)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

# ruff: noqa: S314 - expat refuses amplification since 2.4.1, and uploads are read in a child with limits

if TYPE_CHECKING:
    import numpy as np

_MICROMETRES: Final = {
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "pm": 1e-6,
    "Å": 1e-4,
    "in": 25_400.0,
}
_PIXEL_TYPES: Final = {"float32": "float", "float64": "double"}
_PER_FILE: Final = ("BigEndian", "Interleaved")


def image_sizes(xml: str) -> dict[str, int] | None:
    """Time points, slices, channels, rows and columns of the only image, keyed "T", "Z", "C", "Y", "X".

    Returns:
        None when the description lies elsewhere or is of several files. Where there are several images, they count as
        one axis more, "P".

    Raises:
        xml.etree.ElementTree.ParseError: `xml` is no XML.
        ValueError: a size is no number.
    """
    root = ET.fromstring(xml)
    pixels = _all(root, "Pixels")
    names = {uuid.get("FileName") for uuid in _all(root, "UUID")}
    if not pixels or len(names) > 1:
        return None
    sizes = {axis: int(pixels[0].get(f"Size{axis}", "1")) for axis in "TZCYX"}
    return sizes if len(pixels) == 1 else {"P": len(pixels), **sizes}


def physical_sizes_um(xml: str) -> dict[str, float]:
    """Size of a pixel in µm by axis, "X", "Y", "Z"; only those that the description names."""
    try:
        pixels = _all(ET.fromstring(xml), "Pixels")
    except ET.ParseError:
        return {}
    found: dict[str, float] = {}
    for axis in "XYZ" if pixels else "":
        factor = _MICROMETRES.get(pixels[0].get(f"PhysicalSize{axis}Unit", "µm"))
        value = _number(pixels[0].get(f"PhysicalSize{axis}"))
        if factor and value:
            found[axis] = value * factor
    return found


def rewritten(xml: str, *, dtype: np.dtype[np.generic], num_slices: int) -> bytes:
    """The same description for a file of the same image that holds its slices in order, as `dtype`.

    Raises:
        xml.etree.ElementTree.ParseError: `xml` is no XML.
    """
    root = ET.fromstring(xml)
    namespace = root.tag[1:].partition("}")[0] if root.tag.startswith("{") else ""
    if namespace:
        ET.register_namespace("", namespace)  # else every element is written with a prefix
    root.attrib.pop("UUID", None)
    for pixels in _all(root, "Pixels"):
        _rewrite_pixels(pixels, namespace, dtype=dtype, num_slices=num_slices)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _rewrite_pixels(
    pixels: ET.Element, namespace: str, *, dtype: np.dtype[np.generic], num_slices: int
) -> None:
    """Point `pixels` at the slices of the new file, and name their type."""
    kind = _PIXEL_TYPES.get(dtype.name, dtype.name)
    if pixels.get("Type") != kind:
        pixels.set("Type", kind)
        pixels.attrib.pop("SignificantBits", None)
    for name in _PER_FILE:
        pixels.attrib.pop(name, None)
    data = [child for child in pixels if _local(child) in {"TiffData", "BinData", "MetadataOnly"}]
    # The schema wants the order Channel, TiffData, Plane.
    index = list(pixels).index(data[0]) if data else _after_channels(pixels)
    for child in data:
        pixels.remove(child)
    tag = f"{{{namespace}}}TiffData" if namespace else "TiffData"
    pixels.insert(index, ET.Element(tag, {"IFD": "0", "PlaneCount": str(num_slices)}))


def _after_channels(pixels: ET.Element) -> int:
    """Index behind the last Channel."""
    return 1 + max((index for index, child in enumerate(pixels) if _local(child) == "Channel"), default=-1)


def _all(root: ET.Element, name: str) -> list[ET.Element]:
    """All elements of a name, whichever version of the schema they are of."""
    return [element for element in root.iter() if _local(element) == name]


def _local(element: ET.Element) -> str:
    """Name of an element without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _number(text: str | None) -> float | None:
    """A positive number, else None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
