"""Validation in a child process: the same verdicts, and no way to hang or kill the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from clearstack_stacks import validate
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.limits import Limits
from clearstack_stacks.sandbox import inspect_tiff_in_child
from clearstack_stacks.validation import inspect_tiff

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .conftest import WriteTiff

GIB = 2**30


def test_the_child_says_what_the_caller_would(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """An accepted stack gives the same info from the child."""  # spec: B6
    path = write_tiff(stack_ZYX)
    assert inspect_tiff_in_child(path, Limits(), 60, 4 * GIB) == inspect_tiff(path, Limits())


def test_the_child_refuses_as_the_caller_would(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """Limits reach the child, and its refusal comes back with reason and text."""  # spec: B5
    with pytest.raises(StackRefused, match="limit") as refused:
        inspect_tiff_in_child(write_tiff(stack_ZYX), Limits(max_slices=2), 60, 4 * GIB)
    assert refused.value.reason == "TOO_LARGE"


def test_a_child_without_time_is_a_refusal(stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff) -> None:
    """A file that takes too long is refused, not waited for."""  # spec: B5
    with pytest.raises(StackRefused, match="seconds") as refused:
        inspect_tiff_in_child(write_tiff(stack_ZYX), Limits(), 0.01, 4 * GIB)
    assert refused.value.reason == "UNREADABLE"


def test_a_child_without_memory_is_a_refusal(write_tiff: WriteTiff) -> None:
    """A slice that does not fit into the child's memory ends the child, not the caller."""  # spec: B5
    path = write_tiff(np.zeros((1, 16_000, 16_000), np.uint8), compression="zlib", rowsperstrip=16_000)
    with pytest.raises(StackRefused) as refused:
        inspect_tiff_in_child(path, Limits(max_compression_ratio=1e9), 60, GIB // 2)
    assert refused.value.reason in {"TOO_LARGE", "UNREADABLE"}


def test_a_missing_file_is_no_refusal(tmp_path: Path) -> None:
    """That a file is not there is the caller's mistake, not the stack's."""
    with pytest.raises(FileNotFoundError):
        inspect_tiff_in_child(tmp_path / "none.tif", Limits(), 60, 4 * GIB)


def test_the_command_prints_one_line_of_json(
    stack_ZYX: NDArray[np.uint16], write_tiff: WriteTiff, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program of the child answers on one line, refusal or not."""  # spec: B6
    path = str(write_tiff(stack_ZYX))
    assert validate.main([path]) == 0
    assert validate.main([path, "--limits", '{"max_slices": 1}']) == 0
    accepted, refused = capsys.readouterr().out.splitlines()
    assert accepted.startswith('{"info": {')
    assert refused.startswith('{"refused": {"reason": "TOO_LARGE", "message": ')
