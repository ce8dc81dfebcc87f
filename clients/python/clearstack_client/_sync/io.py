"""What differs between blocking code and asyncio; its counterpart is written by hand, too."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def pause(seconds: float) -> None:
    """Waits."""
    time.sleep(seconds)


def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Does it here: a blocking program waits anyway."""
    return work(*arguments)
