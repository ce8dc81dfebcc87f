"""A result is a file like its source: shape, axes, dtype, sizes and metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from clearstack_stacks.limits import Limits
from clearstack_stacks.reading import StackReader
from clearstack_stacks.validation import inspect_tiff
from clearstack_stacks.writing import write_like
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from .conftest import WriteTiff

IMAGEJ = {"axes": "ZYX", "unit": "um", "spacing": 1.5, "Info": "objective 63x", "min": 3.0, "max": 900.0}
OME = {"axes": "ZYX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 1.5, "Name": "embryo"}
SOURCES: dict[str, dict[str, Any]] = {
    "plain": {"metadata": None, "resolution": (40000, 20000), "resolutionunit": "CENTIMETER"},
    "described": {"metadata": None, "description": "acquired on a Tuesday"},
    "shaped": {"metadata": {"axes": "ZYX", "operator": "MW"}},
    "unnamed axis": {},
    "imagej": {"imagej": True, "metadata": IMAGEJ, "resolution": (4.0, 2.0)},
    "ome": {"ome": True, "metadata": OME},
    "big endian": {"byteorder": ">", "metadata": {"axes": "ZYX"}},
    "tiled deflate": {"tile": (16, 16), "compression": "zlib", "metadata": {"axes": "ZYX"}},
    "bigtiff": {"bigtiff": True},
    "one head": {"truncate": True},
}


def as_floats(stack_ZYX: NDArray[Any]) -> Iterator[NDArray[np.float32]]:
    """The slices as a network would give them."""
    return (slice_YX.astype(np.float32) + np.float32(0.3) for slice_YX in stack_ZYX)


def read(path: Path) -> NDArray[Any]:
    """All slices of a file."""
    with StackReader(path) as reader:
        return reader.read_slices(0, reader.num_slices)


@pytest.mark.parametrize("dtype", [None, "float32", "uint8", "float16", "float64", "int32"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_result_is_like_its_source(
    source: str, dtype: str | None, stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff
) -> None:
    """Axes, shape, pixel size and z step stay; the dtype is the source's or the one asked for."""  # spec: F2
    path = write_tiff(stack_ZYX, **SOURCES[source])
    out = path.with_name("result.tif")
    write_like(path, out, as_floats(stack_ZYX), dtype=dtype)
    before, after = inspect_tiff(path, Limits()), inspect_tiff(out, Limits())
    for name in ("axes", "num_slices", "height", "width", "pixel_size_um", "pixel_size_y_um", "z_step_um"):
        assert getattr(after, name) == pytest.approx(getattr(before, name)), name
    assert after.dtype == (dtype or "uint16")
    expected = stack_ZYX.astype(np.float32) + np.float32(0.3)
    if after.dtype.startswith("float"):
        np.testing.assert_allclose(read(out), expected, rtol=1e-3)
    else:
        np.testing.assert_array_equal(
            read(out), np.clip(stack_ZYX.astype(np.int64), 0, np.iinfo(after.dtype).max)
        )
    with tifffile.TiffFile(path) as old, tifffile.TiffFile(out) as new:
        assert [(s.axes, s.shape) for s in new.series] == [(s.axes, s.shape) for s in old.series]


def test_imagej_metadata_is_kept(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """Unit, spacing, display range, info, labels and overlays of an ImageJ stack are in the result."""  # spec: F2
    labels = [f"plane {z}" for z in range(5)]
    metadata = {
        **IMAGEJ,
        "unit": "\\u00B5m",
        "Labels": labels,
        "Overlays": b"roi bytes",
        "Info": "63x, 0.1 µm",
    }
    metadata["Properties"] = {"stain": "DAPI"}
    path = write_tiff(stack_ZYX, imagej=True, resolution=(4.0, 2.0), metadata=metadata)
    out = path.with_name("result.tif")
    write_like(path, out, as_floats(stack_ZYX))
    with tifffile.TiffFile(path) as old, tifffile.TiffFile(out) as new:
        assert new.is_imagej
        assert new.imagej_metadata == old.imagej_metadata
    info = inspect_tiff(out, Limits())
    assert (info.pixel_size_um, info.pixel_size_y_um, info.z_step_um) == (0.25, 0.5, 1.5)


def test_letters_beyond_ascii_survive_in_imagej_text(
    stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff
) -> None:
    """A µ written as itself does not stop the result, and still counts as micrometres."""  # spec: F2
    text = "ImageJ=1.54f\nimages=5\nslices=5\nunit=µm\nspacing=2.0\nloop=false\n".encode("latin-1")
    path = write_tiff(stack_ZYX, metadata=None, description=text, resolution=(4, 4))
    out = path.with_name("result.tif")
    write_like(path, out, as_floats(stack_ZYX))
    assert inspect_tiff(out, Limits()).z_step_um == 2.0


def test_ome_metadata_is_kept(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """Everything in the OME description stays but where and how the pixels lie."""  # spec: F2
    path = write_tiff(stack_ZYX, ome=True, metadata={**OME, "Channel": {"Name": "GFP µ"}})
    out = path.with_name("result.ome.tif")
    write_like(path, out, as_floats(stack_ZYX), dtype="float32")
    with tifffile.TiffFile(out) as new:
        assert new.series[0].kind == "ome"
        xml = new.ome_metadata or ""
    assert 'Name="GFP µ"' in xml
    assert 'Name="embryo"' in xml
    assert 'Type="float"' in xml
    assert "UUID" not in xml
    info = inspect_tiff(out, Limits())
    assert (info.pixel_size_um, info.pixel_size_y_um, info.z_step_um) == (0.25, 0.5, 1.5)


def test_descriptions_are_kept(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """A microscope's own text and tifffile's keys are in the result."""  # spec: F2
    for options in (SOURCES["described"], SOURCES["shaped"]):
        path = write_tiff(stack_ZYX, **options)
        out = path.with_name("result.tif")
        write_like(path, out, as_floats(stack_ZYX))
        with tifffile.TiffFile(path) as old, tifffile.TiffFile(out) as new:
            assert new.pages.first.description.strip("\x00") == old.pages.first.description.strip("\x00")


def test_a_wrong_number_of_slices_leaves_no_file(
    stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff
) -> None:
    """Too few, too many or misshapen slices are an error, and the result does not appear half."""  # spec: F2
    path = write_tiff(stack_ZYX)
    out = path.with_name("result.tif")
    for wrong in (stack_ZYX[:4], np.concatenate([stack_ZYX, stack_ZYX[:1]]), stack_ZYX[:, 1:]):
        with pytest.raises(ValueError, match="slice"):
            write_like(path, out, iter(wrong))
    assert [found.name for found in path.parent.iterdir()] == ["stack.tif"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(16, 40), st.integers(16, 40)),
    dtype=st.sampled_from(["uint8", "uint16", "int16", "int32", "uint32", "float16", "float32", "float64"]),
    source=st.sampled_from(sorted(SOURCES)),
)
def test_writing_what_was_read_is_the_identity(
    shape: tuple[int, int, int], dtype: str, source: str, write_tiff: WriteTiff
) -> None:
    """Any stack that is read and written again has the same pixels, axes and dtype."""  # spec: F2
    options = SOURCES[source]
    only_plain_tiff_has = {"int32", "uint32", "float16", "float64"}
    if dtype in only_plain_tiff_has and source in {"imagej", "ome"}:
        options = SOURCES["plain"]
    stack_ZYX = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    path = write_tiff(stack_ZYX, **options)
    out = path.with_name("result.tif")
    write_like(path, out, iter(stack_ZYX))
    np.testing.assert_array_equal(read(out), stack_ZYX)
    assert inspect_tiff(out, Limits()) == inspect_tiff(path, Limits())
