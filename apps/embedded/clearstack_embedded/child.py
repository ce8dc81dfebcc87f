"""One child process: start it, know whether it is well, stop it with everything it has started."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import psutil

from clearstack_embedded import guard, health
from clearstack_embedded.errors import ChildError
from clearstack_embedded.health import Health
from clearstack_embedded.logs import last_words
from clearstack_embedded.spec import ProcessSpec

_START_POLL_S = 0.05
_CHECK_EVERY_S = 5.0
_HUNG_AFTER_S = 60.0


class Child:
    """A process in a session of its own, restarted at will; `launch` must run on a thread that stays.

    (Linux kills a process when the thread that started it ends, so that is the event loop's own.)
    """

    def __init__(
        self, spec: ProcessSpec, *, check_every_s: float = _CHECK_EVERY_S, hung_after_s: float = _HUNG_AFTER_S
    ) -> None:
        self.spec = spec
        self.started_at: float | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._is_buried = False
        self._check_every_s = check_every_s
        self._hung_after_s = hung_after_s

    @property
    def pid(self) -> int | None:
        """The process's id; None while it does not run."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Launch the process and wait until it is healthy.

        Raises:
            ChildError: It ended, or was not healthy in time; nothing of it runs then.
        """
        await self._launch()
        try:
            async with asyncio.timeout(self.spec.start_timeout_s):
                await self._until_healthy()
        except TimeoutError:
            detail = (await self.check()).detail
            await self.kill()
            raise ChildError(
                f"{self.spec.name} was not ready after {self.spec.start_timeout_s:g} s ({detail})"
            ) from None

    async def until_down(self) -> str:
        """Wait until the process has ended or hangs (it is killed then); says which as half a sentence."""
        last_answer = time.monotonic()
        while not await self._ends_within(self._check_every_s):
            if (await self.check()).answered:
                last_answer = time.monotonic()
            elif time.monotonic() - last_answer > self._hung_after_s:
                await self.kill()
                return f"gave no answer for {self._hung_after_s:g} s and was killed"
        self._end_group()
        return self._end()

    async def check(self) -> Health:
        """Ask the process; only itself is believed, not whoever else may have its port."""
        return await asyncio.to_thread(self._check)

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL for whatever is left of it after its time; returns when it is gone."""
        if self._process is None:
            return
        if self.pid is not None:
            # Not `terminate`: it polls first, and takes the exit code from under the event loop's own wait.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)
            await self._ends_within(self.spec.stop_timeout_s)
        await self.kill()

    async def kill(self) -> None:
        """End the process and what it has started, now."""
        if self._process is not None:
            self._end_group()
            await self._process.wait()

    async def _launch(self) -> None:
        with self.spec.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_guarded(self.spec.command),
                env=dict(self.spec.environment),
                cwd=self.spec.working_folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )
        self._is_buried = False
        with contextlib.suppress(psutil.Error):
            self.started_at = psutil.Process(self._process.pid).create_time()

    async def _until_healthy(self) -> None:
        while not await asyncio.to_thread(self._is_ready):
            if await self._ends_within(_START_POLL_S):
                self._end_group()
                raise ChildError(
                    f"{self.spec.name} {self._end()} before it was ready{last_words(self.spec.log)}"
                )

    def _is_ready(self) -> bool:
        return self._check().healthy and (self.spec.is_ready is None or self.spec.is_ready())

    def _check(self) -> Health:
        if self.pid is None:
            return Health(healthy=False, answered=False, detail="is not running")
        if not health.listens(self.pid, self.spec.address):
            return Health(healthy=False, answered=False, detail=f"does not listen on {self.spec.address}")
        return health.check(self.spec.probe, self.spec.address)

    async def _ends_within(self, seconds: float) -> bool:
        if self._process is None:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()
        return self._process.returncode is not None

    def _end_group(self) -> None:
        # A session of its own makes the process's id that of the group, which lives on while it has members.
        # Once the leader is reaped and the rest killed the number may become somebody else's: never ask twice.
        if self._process is None or self._is_buried:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._is_buried = self._process.returncode is not None

    def _end(self) -> str:
        code = self._process.returncode if self._process else None
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"


def _guarded(command: tuple[str, ...]) -> tuple[str, ...]:
    if sys.platform != "linux":
        return command
    return (sys.executable, "-I", "-S", str(Path(guard.__file__)), str(os.getpid()), *command)
