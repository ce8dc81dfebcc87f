"""Processes that are stopped as a debugger would stop them."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WITHIN_S = 10
_STOPPED = "T"


@contextmanager
def suspended(pid: int) -> Iterator[None]:
    """Nothing of the process runs within the block."""
    suspend(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def suspend(pid: int) -> None:
    """Stops a process, and returns when none of its threads runs any more: after the signal alone one still may for a while."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + _WITHIN_S
    while _runs(pid):
        assert time.monotonic() < deadline, f"process {pid} could not be stopped"
        time.sleep(0.001)


def _runs(pid: int) -> bool:
    states = [_state(thread) for thread in Path(f"/proc/{pid}/task").iterdir()]
    return any(state not in (_STOPPED, "") for state in states)


def _state(thread: Path) -> str:
    try:
        return (thread / "stat").read_text().rpartition(") ")[2][:1]
    except OSError:  # it has ended meanwhile
        return ""
