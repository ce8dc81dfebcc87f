"""Ending tasks for certain."""

import asyncio
from typing import Any

_AGAIN_S = 10.0


async def ended(*tasks: "asyncio.Future[Any]", again_s: float = _AGAIN_S) -> None:
    """Cancels tasks and returns when they are over, however they ended.

    A cancellation that meets an answer in the same moment is swallowed by `asyncio.wait_for` of Python 3.11 (also
    inside the broker's client): the task would go on for ever. So it is repeated, with time for tidying up in between.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again_s)
    await asyncio.gather(*tasks, return_exceptions=True)
