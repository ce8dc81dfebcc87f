"""Validates a file from a stranger in a child process, so that no file can hang or kill its caller."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clearstack_stacks.errors import REASONS, UNREADABLE, StackRefused
from clearstack_stacks.info import StackInfo

if TYPE_CHECKING:
    from os import PathLike

    from clearstack_stacks.limits import Limits

# Generous: good files take a tenth of it. Decoding gives about 200 MB/s, and a page is held twice while it is decoded.
_BASE_S: Final = 12.0
_S_PER_BYTE: Final = 1.5e-6
_BASE_BYTES: Final = 400 << 20
_BYTES_PER_BYTE: Final = 16


def inspect_tiff_in_child(
    path: str | PathLike[str], limits: Limits, timeout_s: float, memory_bytes: int
) -> StackInfo:
    """Validate `path` in a child process with bounds on its time and memory. Blocks.

    Args:
        path: the file.
        limits: what is out of proportion.
        timeout_s: wall clock and processor time, each; a small file is given less processor time.
        memory_bytes: memory of the child's own; a small file is given less.

    Raises:
        StackRefused: with the validation's reason, or UNREADABLE when the child crashed or ran out of time.
        FileNotFoundError: there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(path)
    cpu_s, memory_bytes = allowance(path.stat().st_size, timeout_s, memory_bytes)
    command = [sys.executable, "-P", "-m", "clearstack_stacks.validate", str(path.absolute())]
    command += ["--limits", json.dumps(limits.to_json())]
    command += ["--memory-bytes", str(memory_bytes), "--cpu-s", str(cpu_s)]
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
    return answered(done.returncode, done.stdout, cpu_s)


def allowance(file_bytes: int, timeout_s: float, memory_bytes: int) -> tuple[float, int]:
    """Processor time and memory for a file of that size, at most `timeout_s` and `memory_bytes`.

    A small file has no business taking long or much: what it takes in spite of it, it takes by malice.
    """
    cpu_s = min(timeout_s, _BASE_S + file_bytes * _S_PER_BYTE)
    return cpu_s, min(memory_bytes, _BASE_BYTES + file_bytes * _BYTES_PER_BYTE)


def _environment() -> dict[str, str]:
    """This process's environment without secrets, and without the thread pools of numeric libraries."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEARSTACK_")}
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "TIFFFILE_NUM_THREADS")
    return {**kept, **dict.fromkeys(names, "1"), "MALLOC_ARENA_MAX": "2"}


def answered(returncode: int, output: bytes, cpu_s: float) -> StackInfo:
    """The info that the child printed, which had `cpu_s` of processor time.

    Raises:
        StackRefused: it printed a refusal, or nothing of use.
    """
    if -returncode == getattr(signal, "SIGXCPU", None):
        raise _unreadable(
            f"reading it took more than {cpu_s:.0f} seconds, far more than its size lets expect"
        )
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
