"""Colour, channels and time points are refused, and the text says what was found and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.limits import Limits
from clearstack_stacks.validation import inspect_tiff

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .conftest import WriteTiff

SPLIT = "Image > Color > Split Channels"
DUPLICATE = "Image > Duplicate"


def noise(*shape: int, dtype: str = "uint8") -> NDArray[Any]:
    """Random whole numbers."""
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def refusal(path: Path) -> StackRefused:
    """The refusal of a file whose axes must be refused."""
    with pytest.raises(StackRefused) as refused:
        inspect_tiff(path, Limits())
    assert refused.value.reason == "UNSUPPORTED_AXES"
    return refused.value


@pytest.mark.parametrize(
    ("data", "options", "found", "way_out"),
    [
        (noise(16, 16, 3), {"photometric": "rgb"}, "RGB", SPLIT),
        (noise(4, 16, 16, 4), {"photometric": "rgb"}, "4 samples", SPLIT),
        (noise(3, 16, 16), {"photometric": "rgb", "planarconfig": "separate"}, "RGB", SPLIT),
        (noise(16, 16, 3), {"photometric": "rgb", "imagej": True}, "RGB", SPLIT),
        (noise(16, 16, 2), {"planarconfig": "contig", "extrasamples": ["unassalpha"]}, "2 samples", SPLIT),
        (noise(2, 16, 16), {"imagej": True, "metadata": {"axes": "CYX"}}, "CYX (2 channels)", SPLIT),
        (noise(4, 2, 16, 16), {"imagej": True, "metadata": {"axes": "ZCYX"}}, "ZCYX", SPLIT),
        (noise(4, 2, 16, 16), {"ome": True, "metadata": {"axes": "ZCYX"}}, "2 channels", SPLIT),
        (noise(3, 4, 2, 16, 16), {"ome": True, "metadata": {"axes": "TZCYX"}}, "3 time points", SPLIT),
        (noise(3, 4, 16, 16), {"imagej": True, "metadata": {"axes": "TZYX"}}, "TZYX", DUPLICATE),
        (noise(6, 16, 16), {"imagej": True, "metadata": {"axes": "TYX"}}, "6 time points", "exchange"),
        (noise(6, 16, 16), {"ome": True, "metadata": {"axes": "TYX"}}, "TYX", "exchange"),
        (noise(6, 16, 16), {"metadata": {"axes": "TYX"}}, "TYX", "Image > Properties"),
        (noise(2, 3, 16, 16), {"metadata": None, "volumetric": True}, "IZYX", DUPLICATE),
        (noise(2, 16, 16, dtype="complex64"), {}, "complex", "magnitude"),
        (
            noise(16, 16),
            {"colormap": np.zeros((3, 256), np.uint16), "photometric": "palette"},
            "palette",
            "Grays",
        ),
    ],
)
def test_what_is_not_one_grayscale_stack_is_refused(
    data: NDArray[Any], options: dict[str, Any], found: str, way_out: str, write_tiff: WriteTiff
) -> None:
    """Never "channel 0 silently": the text names the axes found and how to export one channel."""  # spec: B3
    refused = refusal(write_tiff(data, **options))
    assert found in refused.message
    assert way_out in refused.message


def test_pages_of_different_shapes_are_refused(tmp_path: Path) -> None:
    """The first page that differs is named."""  # spec: B3
    path = tmp_path / "mixed.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(noise(2, 16, 16))
        writer.write(noise(24, 16))
    assert "page 3 has 16 x 24" in refusal(path).message


def test_pages_of_different_dtypes_are_refused(tmp_path: Path) -> None:
    """Eight and sixteen bits make no stack."""  # spec: B3
    path = tmp_path / "mixed.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(noise(2, 16, 16), photometric="minisblack")
        writer.write(noise(16, 16, dtype="uint16"), photometric="minisblack")
    assert "page 3 has 16" in refusal(path).message


@pytest.mark.parametrize("ome", [True, False])
def test_a_file_of_several_stacks_is_refused(tmp_path: Path, ome: bool) -> None:
    """Two stacks in one file are not silently the first one."""  # spec: B3
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path, ome=ome) as writer:
        for _ in range(2):
            writer.write(noise(3, 16, 16), photometric="minisblack", metadata={"axes": "ZYX"})
    assert "2 " in refusal(path).message


def test_a_part_of_an_ome_set_is_refused(tmp_path: Path, write_tiff: WriteTiff) -> None:
    """A file whose description speaks of other files is not taken for the whole, and those are not opened."""  # spec: B3
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:a"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="16" SizeY="16" SizeZ="4" SizeC="1" SizeT="1">'
        '<TiffData FirstZ="0" PlaneCount="2"><UUID FileName="stack.tif">urn:uuid:a</UUID></TiffData>'
        '<TiffData FirstZ="2" PlaneCount="2"><UUID FileName="other.tif">urn:uuid:b</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    (tmp_path / "other.tif").write_bytes(b"not to be opened")
    path = write_tiff(noise(2, 16, 16), metadata=None, description=xml)
    assert "set of files" in refusal(path).message
