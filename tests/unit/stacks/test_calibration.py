"""Pixel size and z step are found wherever a program writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from clearstack_stacks.limits import Limits
from clearstack_stacks.validation import inspect_tiff

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .conftest import WriteTiff

OME_NM = {
    "PhysicalSizeX": 100.0,
    "PhysicalSizeXUnit": "nm",
    "PhysicalSizeZ": 0.002,
    "PhysicalSizeZUnit": "mm",
}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"metadata": None}, (None, None, None)),
        ({"metadata": None, "resolution": (72, 72), "resolutionunit": "INCH"}, (None, None, None)),
        (
            {"metadata": None, "resolution": (50_000, 25_000), "resolutionunit": "CENTIMETER"},
            (0.2, 0.4, None),
        ),
        (
            {"imagej": True, "resolution": (10, 5), "metadata": {"axes": "ZYX", "unit": "um", "spacing": 3}},
            (0.1, 0.2, 3),
        ),
        (
            {"imagej": True, "resolution": (0.01, 0.01), "metadata": {"axes": "ZYX", "unit": "nm"}},
            (0.1, 0.1, None),
        ),
        (
            {"imagej": True, "metadata": {"axes": "ZYX", "unit": "micron", "spacing": 0.5}},
            (1.0, 1.0, 0.5),
        ),
        ({"imagej": True, "metadata": {"axes": "ZYX", "unit": "pixel", "spacing": 2}}, (None, None, None)),
        ({"ome": True, "metadata": {"axes": "ZYX", **OME_NM}}, (0.1, None, 2.0)),
    ],
)
def test_sizes_are_in_micrometres(
    options: dict[str, Any],
    expected: tuple[float | None, ...],
    stack_ZYX: NDArray[np.uint16],
    write_tiff: WriteTiff,
) -> None:
    """Units are converted; what the file does not say, or says in dots an inch, is unknown."""  # spec: B6
    info = inspect_tiff(write_tiff(stack_ZYX, **options), Limits())
    found = (info.pixel_size_um, info.pixel_size_y_um, info.z_step_um)
    for size, known in zip(found, expected, strict=True):
        assert size == (None if known is None else pytest.approx(known, rel=1e-4))
