"""What differs between asyncio and blocking code; its counterpart is written by hand, too."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def pause(seconds: float) -> None:
    """Waits."""
    await asyncio.sleep(seconds)


async def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Does what would keep the event loop from its other tasks: files, checksums."""
    return await asyncio.to_thread(work, *arguments)
