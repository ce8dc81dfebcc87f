"""A disk that is soon full, for a folder of an installation."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FILLER = "filler"


class SmallDisk:
    """A file system in memory, of a given size."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self) -> None:
        """Takes all the room that is left."""
        with (self._folder / _FILLER).open("wb", buffering=0) as file:
            for size_bytes in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(bytes(size_bytes)) == size_bytes:
                        pass
                except OSError:
                    continue

    def make_room(self) -> None:
        """Gives back what `fill` has taken."""
        (self._folder / _FILLER).unlink()


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """Mounts one on a folder; skips the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a disk of its own cannot be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(("umount", "-l", str(folder)), check=True)  # noqa: S607 - where it is differs
