"""Finding and ending processes of an installation whose supervisor no longer can.

Every child carries a mark in its environment, and so do its own children, whatever session or group they move to.
"""

import time
from pathlib import Path

import psutil

_VARIABLE = "CLEARSTACK_INSTALLATION"
_PATIENCE_S = 2.0
_POLL_S = 0.02


def mark(data: Path, run: str) -> dict[str, str]:
    """The environment that marks a process as belonging to the run `run` on the folder `data`."""
    return {_VARIABLE: f"{run}:{data.resolve()}"}


def end_leftovers(data: Path, run: str | None = None) -> int:
    """Kill every marked process of `data` (of one run only, if given) and return how many there were.

    Only the holder of the folder's lock may leave `run` out: nobody else can then have started what is found.
    """
    found = [process for process in psutil.process_iter() if _belongs(process, data, run)]
    for process in found:
        try:
            process.kill()
        except psutil.Error:  # gone, or not ours to kill
            continue
    deadline = time.monotonic() + _PATIENCE_S
    while any(map(_is_alive, found)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return len(found)


def _is_alive(process: psutil.Process) -> bool:
    # One that is dead but not yet taken note of by its parent does no harm, and where init is lazy it stays so.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _belongs(process: psutil.Process, data: Path, run: str | None) -> bool:
    try:
        value = process.environ().get(_VARIABLE, "")
    except (psutil.Error, OSError):  # gone, or somebody else's
        return False
    owner, _, folder = value.partition(":")
    return folder == str(data.resolve()) and run in (None, owner) and _is_alive(process)
