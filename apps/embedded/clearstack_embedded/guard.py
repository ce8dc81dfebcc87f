"""Becomes another program that dies with its parent: `python guard.py PARENT_PID COMMAND...` (Linux).

A process that runs before the program does is used because a `preexec_fn` is not safe in a parent with threads.
It is started by path without site-packages, so it imports nothing but the standard library.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ask the kernel to kill this process when its parent dies, then become the command."""
    parent, command = int(arguments[0]), arguments[1:]
    # It is kept over exec. SIGKILL because a service that hangs must not outlive the installation.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        raise SystemExit(1)
    os.execv(command[0], command)  # noqa: S606 - the command is the installation's own


if __name__ == "__main__":
    main(sys.argv[1:])
