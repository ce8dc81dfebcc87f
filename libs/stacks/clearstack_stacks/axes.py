"""Which axes make a stack, and what to do about those that don't."""

from __future__ import annotations

from typing import Final

from clearstack_stacks.errors import UNSUPPORTED_AXES, StackRefused

# Q and I are tifffile's letters for an axis that the file does not name; pages of one size are slices then.
SLICE_AXES: Final = frozenset("ZQI")
_NAMES: Final = {
    "T": "time points",
    "C": "channels",
    "S": "samples",
    "Z": "z-planes",
    "I": "images",
    "Q": "planes",
    "P": "positions",
    "R": "tiles",
    "A": "angles",
    "H": "lifetimes",
    "L": "exposures",
    "E": "wavelengths",
    "V": "events",
    "M": "mosaic tiles",
    "B": "blocks",
}


def squeezed_axes(axes: str, shape: tuple[int, ...]) -> str:
    """`axes` without those of length one; Y and X always stay."""
    return "".join(axis for axis, size in zip(axes, shape, strict=True) if size > 1 or axis in "YX")


def check_axes(axes: str, shape: tuple[int, ...]) -> None:
    """Refuse any axes but YX with at most one slice axis before them.

    Args:
        axes: one letter for each axis, in tifffile's code.
        shape: their lengths.

    Raises:
        StackRefused: UNSUPPORTED_AXES.
    """
    sizes = {axis: size for axis, size in zip(axes, shape, strict=True) if size > 1 and axis not in "YX"}
    outer = squeezed_axes(axes, shape)
    if outer.endswith("YX") and len(outer) <= 3 and SLICE_AXES.issuperset(outer[:-2]):  # noqa: PLR2004 - ZYX
        return
    found = ", ".join(f"{size} {_NAMES.get(axis, 'of axis ' + axis)}" for axis, size in sizes.items())
    raise StackRefused(
        UNSUPPORTED_AXES,
        f"The file has axes {outer}" + (f" ({found})" if found else "") + ". " + _way_out(sizes),
    )


def _way_out(sizes: dict[str, int]) -> str:
    """How to get one grayscale stack out of what has too many axes."""
    if "C" in sizes or "S" in sizes:
        text = "Clearstack denoises one channel at a time. In Fiji: Image > Color > Split Channels, then save one of them"
        return text + (" (and one time point: Image > Duplicate...)." if "T" in sizes else ".")
    if "T" in sizes and not SLICE_AXES.intersection(sizes):
        return (
            "Clearstack denoises one time point at a time. If the time points are really z-planes, swap them in Fiji: "
            "Image > Properties..., exchange Slices (z) and Frames (t), and save again; else save one time point "
            "with Image > Duplicate..."
        )
    if "T" in sizes:
        return (
            "Clearstack denoises one time point at a time. In Fiji: Image > Duplicate..., tick 'Duplicate hyperstack', "
            "give one frame (t) and all slices (z), then save the copy."
        )
    return (
        "Clearstack takes one grayscale stack: YX or ZYX. In Fiji: Image > Duplicate... the part you want, or "
        "Image > Hyperstacks > Stack to Hyperstack... to name the axes, then save it."
    )
