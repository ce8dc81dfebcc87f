"""Stopping in order: no new jobs, and some time for those in work to reach a point from which they go on elsewhere."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from clearstack_common.errors import BackendUnavailableError


class Draining:
    """Told by the frame of a service, asked by its workers."""

    def __init__(self) -> None:
        self._began = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._num_busy = 0

    @property
    def has_begun(self) -> bool:
        """Whether no new job is to be begun."""
        return self._began.is_set()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A job is in work for the block."""
        self._num_busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._num_busy -= 1
            if not self._num_busy:
                self._idle.set()

    def stop_here(self) -> None:
        """Called where a job may be broken off, since all that it has done is stored.

        Raises:
            BackendUnavailableError: The service stops; another process goes on.
        """
        if self.has_begun:
            raise BackendUnavailableError("The service stops; the job goes on from here elsewhere.")

    async def drain(self, grace_s: float) -> None:
        """Begins; returns when nothing is in work any more, or when the time is over."""
        self._began.set()
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            return
