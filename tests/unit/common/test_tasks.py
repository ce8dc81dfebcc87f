"""Ending tasks for certain."""

import asyncio

from clearstack_common.tasks import ended


async def test_a_swallowed_cancellation_is_repeated() -> None:
    """A task that misses the first cancellation is over all the same."""
    num_swallowed = 0

    async def deaf() -> None:
        nonlocal num_swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                num_swallowed += 1
                if num_swallowed > 1:
                    raise

    task = asyncio.ensure_future(deaf())
    await asyncio.sleep(0)
    await ended(task, again_s=0.01)
    assert task.cancelled()
    assert num_swallowed == 2


async def test_an_error_on_the_way_out_is_no_error_of_the_end() -> None:
    """Tasks that fail, or have failed before, are over like others."""

    async def fail() -> None:
        raise ZeroDivisionError

    await ended(asyncio.ensure_future(fail()), asyncio.ensure_future(asyncio.sleep(60)))
