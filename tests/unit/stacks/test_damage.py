"""Files that are cut off, in circles, or no TIFF at all."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from clearstack_stacks.errors import REASONS, StackRefused
from clearstack_stacks.limits import Limits
from clearstack_stacks.validation import inspect_tiff
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .conftest import WriteTiff

KINDS: list[dict[str, Any]] = [
    {"metadata": None},
    {"metadata": {"axes": "ZYX"}},
    {"metadata": {"axes": "ZYX"}, "truncate": True},
    {"imagej": True, "metadata": {"axes": "ZYX"}},
    {"imagej": True, "metadata": {"axes": "ZYX"}, "truncate": True},
    {"ome": True, "metadata": {"axes": "ZYX"}},
    {"bigtiff": True, "tile": (16, 16), "compression": "zlib"},
    {"compression": "lzw"},
]


def reason(path: Path) -> str:
    """The reason for which a file is refused."""
    with pytest.raises(StackRefused) as refused:
        inspect_tiff(path, Limits())
    return refused.value.reason


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "EMPTY"),
        (b"II", "NOT_A_TIFF"),
        (b"hello, this is text", "NOT_A_TIFF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "NOT_A_TIFF"),
        (b"II*\x00\x08", "TRUNCATED"),
        (b"II*\x00\x00\x00\x00\x00", "EMPTY"),
        (b"II*\x00\xff\xff\x00\x00", "TRUNCATED"),
    ],
)
def test_what_is_no_tiff_is_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    """No bytes, no TIFF, no pages and no first page each have their reason."""  # spec: B4
    path = tmp_path / "file.tif"
    path.write_bytes(content)
    assert reason(path) == expected


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_file_cut_off_is_truncated(
    options: dict[str, Any], share: float, stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff
) -> None:
    """Wherever a copy stopped, the pixels that are there are not taken for the whole stack."""  # spec: B4
    path = write_tiff(stack_ZYX, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert reason(path) == "TRUNCATED"


def test_pages_in_circles_are_refused(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """The last page points back at the first."""  # spec: B5
    path = write_tiff(stack_ZYX[:1], metadata=None)
    content = bytearray(path.read_bytes())
    first = struct.unpack_from("<I", content, 4)[0]
    num_tags = struct.unpack_from("<H", content, first)[0]
    struct.pack_into("<I", content, first + 2 + 12 * num_tags, first)
    path.write_bytes(content)
    assert reason(path) == "UNREADABLE"


def test_missing_slices_are_noticed(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """An ImageJ description of more slices than there are pages is an incomplete file."""  # spec: B4
    text = "ImageJ=1.54f\nimages=9\nslices=9\nhyperstack=true\n"
    path = write_tiff(stack_ZYX, metadata=None, description=text, compression="zlib")
    assert reason(path) == "TRUNCATED"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_random_damage_is_refused_or_read(
    data: st.DataObject, kind: dict[str, Any], stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff
) -> None:
    """Whatever bytes are overwritten, the outcome is an info or a refusal, never another error."""  # spec: B5
    path = write_tiff(stack_ZYX[:2, :16, :16], **kind)
    content = bytearray(path.read_bytes())
    heads = [index for index in range(len(content)) if index < 600 or index > len(content) - 300]
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.sampled_from(heads))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        info = inspect_tiff(path, Limits(max_pixels_per_slice=2**20, max_decoded_bytes=2**24))
    except StackRefused as refused:
        assert refused.reason in REASONS  # noqa: PT017 - either outcome is right
    else:
        assert info.num_slices >= 1


def test_offsets_beyond_all_files_are_refused(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """A BigTIFF whose first page is said to lie at the largest 64-bit offset is cut off, not a crash."""  # spec: B5
    path = write_tiff(stack_ZYX, bigtiff=True)
    content = bytearray(path.read_bytes())
    struct.pack_into("<Q", content, 8, 2**64 - 1)
    path.write_bytes(content)
    assert reason(path) == "TRUNCATED"
