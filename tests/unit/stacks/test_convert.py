"""Numbers come back to the file's dtype rounded and clipped, never wrapped."""

from __future__ import annotations

import numpy as np
import pytest
from clearstack_stacks.convert import to_dtype
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

INTEGERS = ["uint8", "uint16", "int16", "int32", "uint32"]
FLOATS = st.one_of(
    hnp.arrays(np.float32, (3, 4), elements=st.floats(width=32)),
    hnp.arrays(np.float64, (3, 4), elements=st.floats(width=64)),
    hnp.arrays(np.float16, (3, 4), elements=st.floats(width=16)),
)


@given(values_YX=FLOATS, dtype=st.sampled_from(INTEGERS))
def test_integers_are_rounded_and_clipped(values_YX: np.ndarray, dtype: str) -> None:
    """Each pixel is the representable integer nearest to it; NaN becomes 0."""  # spec: F2
    bounds = np.iinfo(dtype)
    converted = to_dtype(values_YX, dtype)
    assert converted.dtype == np.dtype(dtype)
    for value, result in zip(values_YX.ravel().tolist(), converted.ravel().tolist(), strict=True):
        if np.isnan(value):
            assert result == 0
        else:
            nearest = round(value) if np.isfinite(value) else (bounds.max if value > 0 else bounds.min)
            assert result == min(max(nearest, bounds.min), bounds.max)


@given(values_YX=FLOATS, dtype=st.sampled_from(["float16", "float32", "float64"]))
def test_floats_never_overflow(values_YX: np.ndarray, dtype: str) -> None:
    """A finite number stays finite and keeps its sign."""  # spec: F2
    converted = to_dtype(values_YX, dtype)
    finite = np.isfinite(values_YX)
    assert converted.dtype == np.dtype(dtype)
    assert np.isfinite(converted[finite]).all()


@given(
    values_YX=hnp.arrays(st.sampled_from(["u1", "<u2", ">u2", "i2", "i4"]), (3, 3)),
    dtype=st.sampled_from(INTEGERS),
)
def test_integers_to_integers_are_clipped(values_YX: np.ndarray, dtype: str) -> None:
    """Between integer dtypes nothing wraps, whatever the byte order."""  # spec: F2
    bounds = np.iinfo(dtype)
    expected = [min(max(value, bounds.min), bounds.max) for value in values_YX.ravel().tolist()]
    assert to_dtype(values_YX, dtype).ravel().tolist() == expected


def test_the_same_dtype_is_not_copied() -> None:
    """What is in its final dtype passes as it is."""
    values_YX = np.zeros((2, 2), np.float32)
    assert to_dtype(values_YX, "float32") is values_YX


def test_other_kinds_are_an_error() -> None:
    """There is no sensible way to write text or complex numbers."""
    with pytest.raises(ValueError, match="complex64"):
        to_dtype(np.zeros((2, 2), np.float32), "complex64")
