"""One supervisor for each data folder, kept so by a lock that the kernel drops when its holder dies."""

import fcntl
import os
import time
from pathlib import Path

# A reader's look at the lock holds it for an instant; a start has to outlast that.
_PATIENCE_S = 0.5
_RETRY_S = 0.02


class FolderLock:
    """An exclusive lock on a file; held until `release` or until this process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False if another process holds it."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _PATIENCE_S
        while not _try(handle, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                os.close(handle)
                return False
            time.sleep(_RETRY_S)
        self._handle = handle
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._handle is not None:
            # The file stays: deleting it would let two processes lock two files of one name.
            os.close(self._handle)
            self._handle = None


def is_held(path: Path) -> bool:
    """Whether any process holds the lock at `path`."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _try(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _try(handle: int, mode: int) -> bool:
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
