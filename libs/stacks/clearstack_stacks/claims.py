"""Refuses a file by what it claims to hold. Loads no numeric library, so that most bad files cost next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearstack_stacks.errors import TOO_LARGE, StackRefused
from clearstack_stacks.heads import read_heads
from clearstack_stacks.refusals import check_heads

if TYPE_CHECKING:
    from pathlib import Path

    from clearstack_stacks.limits import Limits


def check_claims(path: Path, limits: Limits) -> None:
    """Read the heads of all pages; no pixel is decoded.

    Raises:
        StackRefused: with its reason and a text for the microscopist.
        OSError: the file can't be opened.
    """
    file_bytes = path.stat().st_size
    if file_bytes > limits.max_file_bytes:
        raise StackRefused(
            TOO_LARGE,
            f"The file has {file_bytes:,} bytes; {limits.max_file_bytes:,} are allowed here. Split the stack, or ask whoever "
            "runs this installation to raise the limit.",
        )
    check_heads(read_heads(path, max_pages=limits.max_slices), limits, file_bytes=file_bytes)
