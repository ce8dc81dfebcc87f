"""The computing child process: it owns the device's memory, and can be killed at any moment without harm.

It writes JSON lines to its standard output and waits, after each, for a line on its standard input. The end of its
standard input ends it: it never outlives the trainer.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from clearstack.v1 import error_reason_pb2
from clearstack_common.errors import ClearstackError, reason_from_name
from clearstack_common.worker import PassingError

_LONGEST_LINE_BYTES = 1 << 20


class ChildDiedError(PassingError):
    """The computation ended without a result."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the computing process ended with status {status}", final=_as_error(status))


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
            raise ChildDiedError(await self._running.wait())

    def go_on(self) -> None:
        """Lets the child go on after a message."""
        if self._running.stdin is not None:
            self._running.stdin.write(b"\n")


def _as_error(status: int) -> ClearstackError:
    """What to tell when the process has died again and again, by its last exit status."""
    if status == -signal.SIGKILL:
        return ClearstackError(
            "The computing process was killed again and again, which a system does when its memory is used up. Reduce the "
            "batch size, the patch size or the features, use a smaller stack, or train where there is more memory.",
            reason=error_reason_pb2.ERROR_REASON_OUT_OF_MEMORY,
        )
    return ClearstackError(
        f"The computing process died again and again (status {status}); the trainer's log has the details.",
        reason=error_reason_pb2.ERROR_REASON_COMPUTATION_FAILED,
    )
