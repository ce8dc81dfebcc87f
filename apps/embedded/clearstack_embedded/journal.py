"""What the supervisor itself has to say: to whoever started it, and to a log beside those of its children."""

import contextlib
from pathlib import Path
from typing import Any, TextIO

import structlog

from clearstack_embedded.supervisor import Report

NAME = "installation"
_ROTATE_AT_BYTES = 10 * 1024 * 1024


class Journal:
    """Writes every event to the log as JSON, then passes it on."""

    def __init__(self, path: Path, on_event: Report) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        self._on_event = on_event
        self._log: Any = structlog.wrap_logger(
            structlog.PrintLogger(self._file),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
        )

    def report(self, name: str, text: str) -> None:
        """Something has happened to the process called `name`."""
        # Neither a full disk nor a terminal that has gone may keep a process from being restarted or stopped.
        with contextlib.suppress(Exception):
            self._log.info(text, process=name)
        with contextlib.suppress(Exception):
            self._on_event(name, text)

    def close(self) -> None:
        """No more events come."""
        self._file.close()


def rotate(logs: Path) -> None:
    """Move logs that have grown large aside, keeping one old one each; only while nothing runs."""
    for path in logs.glob("*.log"):
        if path.stat().st_size > _ROTATE_AT_BYTES:
            path.replace(path.with_suffix(".log.1"))
