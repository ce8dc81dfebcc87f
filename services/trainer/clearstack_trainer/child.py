"""The computing child process: it owns the device's memory, and can be killed at any moment without harm.

It writes JSON lines to its standard output and waits, after each, for a line on its standard input. The end of its
standard input ends it: it never outlives the trainer.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from clearstack_common.errors import ClearstackError, reason_from_name

_LONGEST_LINE_BYTES = 1 << 20


class ChildDiedError(Exception):
    """The computation ended without a result."""


class Child:
    """A context in which the child process runs; it is killed at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "clearstack_trainer.compute",
            str(self._folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE_BYTES,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the child process is started by `async with`")
        return self._process

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """What the child says, until it has finished.

        Raises:
            ClearstackError: The computation failed for a reason that it knows.
            ChildDiedError: The process ended without a result.
        """
        output = self._running.stdout
        if output is None:
            raise RuntimeError("the child's output is a pipe")
        finished = False
        async for line in output:
            message: dict[str, Any] = json.loads(line)
            if message["kind"] == "failed":
                raise ClearstackError(message["message"], reason=reason_from_name(message["reason"]))
            finished = message["kind"] == "trained"
            yield message
        if not finished:
            raise ChildDiedError(f"the computing process ended with status {await self._running.wait()}")

    def go_on(self) -> None:
        """Lets the child go on after a message."""
        if self._running.stdin is not None:
            self._running.stdin.write(b"\n")
