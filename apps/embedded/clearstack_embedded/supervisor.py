"""Keeps a list of processes running: tier by tier up, anything that dies again, everything down in reverse."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clearstack_embedded.child import Child
from clearstack_embedded.errors import ChildError
from clearstack_embedded.spec import ProcessSpec

Report = Callable[[str, str], None]


@dataclass(slots=True, kw_only=True)
class Backoff:
    """How long to wait before the next restart: doubling, and forgotten after a good while alive."""

    first_s: float = 0.2
    most_s: float = 5.0
    reset_after_s: float = 30.0
    _next_s: float = 0.0

    def after(self, alive_s: float) -> float:
        """The delay after a process that lived for `alive_s`."""
        if alive_s >= self.reset_after_s or not self._next_s:
            self._next_s = self.first_s
        delay = self._next_s
        self._next_s = min(2 * delay, self.most_s)
        return delay


class Supervisor:
    """Starts the tiers one after another (each tier's processes at once) and restarts what dies.

    Args:
        report: Told of every change as (process name, sentence).
        changed: Called after each change of what runs.
    """

    def __init__(self, *, report: Report, changed: Callable[[], None] = lambda: None) -> None:
        self._report = report
        self._changed = changed
        self._tiers: list[list[Child]] = []
        self._keeping: list[asyncio.Task[None]] = []

    @property
    def children(self) -> list[Child]:
        """Every child, in the order of their starts."""
        return [child for tier in self._tiers for child in tier]

    async def start_tier(self, specs: Sequence[ProcessSpec]) -> None:
        """Start these processes together and wait until all are healthy; from then on they are kept running.

        Raises:
            ChildError: One of them did not come up; the others may run until `stop`.
        """
        tier = [Child(spec) for spec in specs]
        self._tiers.append(tier)
        try:
            async with asyncio.TaskGroup() as group:
                for child in tier:
                    group.create_task(self._start(child))
        except* ChildError as failures:
            raise failures.exceptions[0] from None
        self._keeping += [asyncio.create_task(self._keep(child)) for child in tier]

    async def stop(self) -> None:
        """End every process, the last tier first; returns when all are gone."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        self._keeping.clear()
        while self._tiers:
            tier = self._tiers.pop()
            await asyncio.gather(*(self._stop(child) for child in tier))

    async def _start(self, child: Child) -> None:
        began = time.monotonic()
        await child.start()
        self._changed()
        self._report(child.spec.name, f"ready after {time.monotonic() - began:.1f} s")

    async def _stop(self, child: Child) -> None:
        await child.stop()
        self._report(child.spec.name, "stopped")

    async def _keep(self, child: Child) -> None:
        backoff = Backoff()
        while True:
            began = time.monotonic()
            end = await child.until_down()
            await self._restart(child, backoff, end, alive_s=time.monotonic() - began)

    async def _restart(self, child: Child, backoff: Backoff, end: str, *, alive_s: float) -> None:
        sentence = f"{child.spec.name} {end}"
        while True:
            self._changed()
            delay = backoff.after(alive_s)
            self._report(child.spec.name, f"{sentence}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            try:
                await self._start(child)
            except (ChildError, OSError) as error:
                sentence, alive_s = str(error), 0.0
            else:
                return
