"""Waiting for conditions, with deadlines."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_S = 0.1


def until(condition: Callable[[], T | None], within_s: float, what: str) -> T:
    """Asks again and again; returns the first answer that is true.

    Raises:
        AssertionError: There was none in time.
    """
    deadline = time.monotonic() + within_s
    while True:
        is_late = time.monotonic() > deadline
        if answer := condition():
            return answer
        assert not is_late, f"not within {within_s:g} s: {what}"
        time.sleep(_POLL_S)
