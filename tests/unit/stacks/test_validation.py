"""What a stack is accepted for, warned about and refused for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.info import StackInfo
from clearstack_stacks.limits import Limits
from clearstack_stacks.validation import inspect_tiff

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .conftest import WriteTiff


def refusal(path: Path, limits: Limits | None = None) -> StackRefused:
    """The refusal of a file that must be refused."""
    with pytest.raises(StackRefused) as refused:
        inspect_tiff(path, limits or Limits())
    return refused.value


def test_the_outcome_describes_the_stack(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """Shape, dtype, axes and statistics are those of the array."""  # spec: B6
    info = inspect_tiff(write_tiff(stack_ZYX, metadata={"axes": "ZYX"}), Limits())
    assert (info.num_slices, info.height, info.width) == (5, 24, 32)
    assert (info.dtype, info.axes, info.warnings) == ("uint16", "ZYX", ())
    assert (info.min, info.max) == (stack_ZYX.min(), stack_ZYX.max())
    assert info.mean == pytest.approx(stack_ZYX.mean())
    assert info.std == pytest.approx(stack_ZYX.std())
    assert StackInfo.from_json(info.to_json()) == info


@pytest.mark.parametrize(("num_slices", "possible"), [(1, False), (19, False), (20, True)])
def test_two_and_a_half_d_needs_twenty_slices(num_slices: int, possible: bool, write_tiff: WriteTiff) -> None:
    """19 slices are too few for 2.5D and 20 are enough; the text says what to do."""  # spec: A5
    stack_ZYX = np.random.default_rng(0).integers(0, 255, (num_slices, 16, 16)).astype(np.uint8)
    info = inspect_tiff(write_tiff(stack_ZYX), Limits())
    assert info.two_and_half_d_possible is possible
    if possible:
        assert not info.two_and_half_d_reason
    else:
        assert info.two_and_half_d_reason.startswith("Insufficient Stack Depth for 2.5D")
        assert f"has {num_slices} slice" in info.two_and_half_d_reason
        assert "20 are needed" in info.two_and_half_d_reason
        assert "switch to 2D or use a larger stack" in info.two_and_half_d_reason


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "float32", "int16", "int32", "uint32", "float16", "float64"]
)
def test_dtypes_that_float32_holds_are_accepted(dtype: str, write_tiff: WriteTiff) -> None:
    """Small whole numbers survive float32 in every dtype."""  # spec: B2
    stack_ZYX = np.random.default_rng(0).integers(0, 100, (2, 16, 16)).astype(dtype)
    assert inspect_tiff(write_tiff(stack_ZYX), Limits()).dtype == dtype


@pytest.mark.parametrize(
    ("dtype", "value"), [("int32", 2**24 + 1), ("uint32", 2**32 - 1), ("float64", 0.1), ("float64", 1e300)]
)
def test_values_that_float32_would_change_are_refused(
    dtype: str, value: float, write_tiff: WriteTiff
) -> None:
    """One such value anywhere is enough."""  # spec: B2
    stack_ZYX = np.ones((3, 16, 16), dtype)
    stack_ZYX[2, 5, 5] = value
    refused = refusal(write_tiff(stack_ZYX))
    assert refused.reason == "UNSUPPORTED_DTYPE"
    assert "Slice 3" in refused.message
    assert dtype in refused.message


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint64"])
def test_other_dtypes_are_refused(dtype: str, write_tiff: WriteTiff) -> None:
    """The text names the dtypes that are taken."""  # spec: B2
    stack_ZYX = np.random.default_rng(0).integers(0, 2, (2, 16, 16)).astype(dtype)
    refused = refusal(write_tiff(stack_ZYX))
    assert refused.reason == "UNSUPPORTED_DTYPE"
    assert "uint8, uint16 and float32" in refused.message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_a_number_is_refused(value: float, write_tiff: WriteTiff) -> None:
    """One NaN or infinity is refused, and its slice named."""  # spec: B4
    stack_ZYX = np.random.default_rng(0).normal(size=(3, 16, 16)).astype(np.float32)
    stack_ZYX[1, 3, 3] = value
    refused = refusal(write_tiff(stack_ZYX))
    assert refused.reason == "NOT_FINITE"
    assert "Slice 2" in refused.message


def test_a_constant_stack_is_refused(write_tiff: WriteTiff) -> None:
    """There is nothing to learn from one value."""  # spec: B4
    assert refusal(write_tiff(np.full((3, 16, 16), 7, np.uint8))).reason == "CONSTANT"


@pytest.mark.parametrize("shape", [(2, 15, 40), (2, 40, 15), (1, 1)])
def test_slices_below_the_smallest_patch_are_refused(shape: tuple[int, ...], write_tiff: WriteTiff) -> None:
    """16 px a side is the least."""  # spec: B4
    refused = refusal(write_tiff(np.arange(np.prod(shape)).reshape(shape).astype(np.uint16)))
    assert refused.reason == "TOO_SMALL"
    assert "16 x 16" in refused.message


def test_no_pixels_are_refused(write_tiff: WriteTiff) -> None:
    """An array of size zero makes a TIFF without pixels."""  # spec: B4
    with pytest.warns(UserWarning, match="zero-size"):
        path = write_tiff(np.zeros((0, 16, 16), np.uint8))
    assert refusal(path).reason == "EMPTY"


def test_saturation_is_a_warning(write_tiff: WriteTiff) -> None:
    """More than 1 % of pixels at the end of the range is accepted with a warning; 1 % is not worth one."""  # spec: B4
    stack_ZYX = np.random.default_rng(0).integers(0, 200, (1, 20, 20)).astype(np.uint8)
    stack_ZYX[0, 0, :4] = 255
    assert inspect_tiff(write_tiff(stack_ZYX), Limits()).warnings == ()
    stack_ZYX[0, 0, 4] = 255
    (warning,) = inspect_tiff(write_tiff(stack_ZYX), Limits()).warnings
    assert "saturated" in warning


def test_saturation_of_a_twelve_bit_camera_is_seen(write_tiff: WriteTiff) -> None:
    """4095 in a 16-bit file is the end of the camera's range."""  # spec: B4
    stack_ZYX = np.random.default_rng(0).integers(0, 6000, (2, 20, 20)).clip(0, 4095).astype(np.uint16)
    (warning,) = inspect_tiff(write_tiff(stack_ZYX), Limits()).warnings
    assert "4095" in warning


def test_a_constant_slice_is_a_warning(write_tiff: WriteTiff) -> None:
    """One black slice among others is accepted, and named."""  # spec: B4
    stack_ZYX = np.random.default_rng(0).integers(0, 200, (3, 16, 16)).astype(np.uint8)
    stack_ZYX[1] = 0
    (warning,) = inspect_tiff(write_tiff(stack_ZYX), Limits()).warnings
    assert warning.startswith("Slice 2 is constant")


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_file_bytes=100),
        Limits(max_slices=4),
        Limits(max_pixels_per_slice=24 * 32 - 1),
        Limits(max_decoded_bytes=5 * 24 * 32 * 2 - 1),
    ],
)
@pytest.mark.parametrize("options", [{}, {"imagej": True, "truncate": True}])
def test_what_is_beyond_a_limit_is_refused(
    limits: Limits, options: dict[str, Any], stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff
) -> None:
    """File size, slices, pixels and decoded size each have a limit, whichever way the slices are declared."""  # spec: B5
    path = write_tiff(stack_ZYX, metadata={"axes": "ZYX"}, **options)
    assert refusal(path, limits).reason == "TOO_LARGE"


def test_limits_are_inclusive(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """A stack exactly at its limits is taken."""  # spec: B5
    path = write_tiff(stack_ZYX)
    limits = Limits(
        max_file_bytes=path.stat().st_size,
        max_slices=5,
        max_pixels_per_slice=24 * 32,
        max_decoded_bytes=stack_ZYX.nbytes,
    )
    assert inspect_tiff(path, limits).num_slices == 5


def test_a_decompression_bomb_is_refused(write_tiff: WriteTiff) -> None:
    """A file that claims far more pixels than its bytes can hold is refused before it is decoded."""  # spec: B5
    path = write_tiff(np.zeros((8, 512, 512), np.uint8), compression="zstd", rowsperstrip=512)
    refused = refusal(path, Limits(max_compression_ratio=100, ratio_floor_bytes=2**20))
    assert refused.reason == "TOO_LARGE"
    assert refusal(path).reason == "CONSTANT"


def test_limits_pass_through_json() -> None:
    """Limits come back from JSON as they were, and a misspelt one is an error."""
    limits = Limits(max_slices=3)
    assert Limits.from_json(limits.to_json()) == limits
    with pytest.raises(ValueError, match="max_slice"):
        Limits.from_json({"max_slice": 3})
