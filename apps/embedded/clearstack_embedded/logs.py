"""Reading the logs of all processes as one."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from clearstack_embedded.errors import InstallationError
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.logformat import LogLine, parse

_POLL_S = 0.2
_LAST_BYTES = 4096
_START = datetime.min.replace(tzinfo=UTC)


def tail(
    data: Path, name: str | None = None, *, follow: bool = False, last: int | None = None
) -> Iterator[str]:
    """The log lines of the installation on `data`, readable and in the order of time.

    Args:
        data: The installation's folder.
        name: Only this process's log; all of them if None.
        follow: Go on with new lines as they are written, until the reader stops.
        last: Only this many of the lines that are there already; all of them if None.

    Raises:
        InstallationError: There is no such log.
    """
    folder = DataFolder(data)
    readers: dict[Path, _Reader] = {}
    lines = _new_lines(folder, name, readers)
    if name is not None and not readers:
        known = ", ".join(sorted(path.stem for path in folder.logs.glob("*.log"))) or "none yet"
        raise InstallationError(f"There is no log of {name} in {folder.logs}; there are: {known}.")
    old = lines if last is None else lines[max(len(lines) - last, 0) :]
    return chain(old, _follow(folder, name, readers)) if follow else iter(old)


def last_words(path: Path) -> str:
    """The end of a log as the end of a sentence; empty if there is nothing in it."""
    try:
        with path.open("rb") as log:
            log.seek(max(path.stat().st_size - _LAST_BYTES, 0))
            lines = log.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    event = next((parse(line, 0).event for line in reversed(lines) if line.strip()), "")
    return f", saying: {event.strip()}" if event else ""


def _follow(folder: DataFolder, name: str | None, readers: dict[Path, "_Reader"]) -> Iterator[str]:
    while True:
        lines = _new_lines(folder, name, readers)
        yield from lines
        if not lines:
            time.sleep(_POLL_S)


def _new_lines(folder: DataFolder, name: str | None, readers: dict[Path, "_Reader"]) -> list[str]:
    for path in folder.logs.glob("*.log"):
        if path not in readers and name in (None, path.stem):
            readers[path] = _Reader(path)
    found = [each for _, reader in sorted(readers.items()) for each in reader.read()]
    # The sort is stable, so lines of one process stay in their order.
    return [text for _, text in sorted(found, key=lambda each: each[0])]


class _Reader:
    """Reads what is new in one log, through a rotation too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""
        self._time = _START

    def read(self) -> list[tuple[datetime, str]]:
        """Whole lines since the last call, each with its time."""
        lines = self._read_open()
        if self._was_replaced():
            lines += self._read_open()
        return lines

    def _read_open(self) -> list[tuple[datetime, str]]:
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return []
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        year = datetime.now(tz=UTC).year
        return [self._date(parse(line.decode(errors="replace"), year)) for line in whole if line.strip()]

    def _was_replaced(self) -> bool:
        if self._file is None or not self._path.exists():
            return False
        now, ours = self._path.stat(), os.fstat(self._file.fileno())
        if (now.st_dev, now.st_ino) == (ours.st_dev, ours.st_ino):
            return False
        self._file.close()
        self._file, self._rest = None, b""
        return True

    def _date(self, line: LogLine) -> tuple[datetime, str]:
        # A line without a time (a traceback's) belongs to the one before it.
        self._time = line.time or self._time
        return self._time, line.render(self._path.stem)
