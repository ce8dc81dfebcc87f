"""Validates a file from a stranger in a child process, so that no file can hang or kill its caller."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearstack_stacks.errors import REASONS, UNREADABLE, StackRefused
from clearstack_stacks.info import StackInfo

if TYPE_CHECKING:
    from os import PathLike

    from clearstack_stacks.limits import Limits


def inspect_tiff_in_child(
    path: str | PathLike[str], limits: Limits, timeout_s: float, memory_bytes: int
) -> StackInfo:
    """Validate `path` in a child process with bounds on its time and memory. Blocks.

    Args:
        path: the file.
        limits: what is out of proportion.
        timeout_s: wall clock and processor time, each.
        memory_bytes: address space of the child; Python with its libraries takes about half a GiB of it.

    Raises:
        StackRefused: with the validation's reason, or UNREADABLE when the child crashed or ran out of time.
        FileNotFoundError: there is no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(path)
    command = [sys.executable, "-P", "-m", "clearstack_stacks.validate", str(Path(path).absolute())]
    command += ["--limits", json.dumps(limits.to_json())]
    command += ["--memory-bytes", str(memory_bytes), "--cpu-s", str(timeout_s)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise _unreadable(f"reading it took more than {timeout_s:g} seconds") from None
    return _answer(done.returncode, done.stdout)


def _environment() -> dict[str, str]:
    """This process's environment, with the thread pools of numeric libraries off: each reserves address space."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "TIFFFILE_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, "1"), "MALLOC_ARENA_MAX": "2"}


def _answer(returncode: int, output: bytes) -> StackInfo:
    """The info that the child printed.

    Raises:
        StackRefused: it printed a refusal, or nothing of use.
    """
    try:
        answer: dict[str, Any] = json.loads(output)
        if "info" in answer:
            return StackInfo.from_json(answer["info"])
        refused = answer["refused"]
        reason, message = refused["reason"], refused["message"]
    except (ValueError, KeyError, TypeError):
        raise _unreadable(f"reading it ended the program that tried (status {returncode})") from None
    raise StackRefused(reason if reason in REASONS else UNREADABLE, message)


def _unreadable(why: str) -> StackRefused:
    """The refusal of a file that broke its reader."""
    return StackRefused(
        UNREADABLE,
        f"The file can't be read: {why}. It may be damaged, or very large for this installation. Open it in Fiji and save "
        "it anew, uncompressed (File > Save As > Tiff...).",
    )
