"""How often one caller may call: a bucket of tokens for each, filled at a steady rate."""

import time
from collections import OrderedDict
from collections.abc import Callable

from clearstack_gateway.access.refusals import too_many_calls

# Whoever has not called for longest is forgotten first, which costs nothing: their bucket is full again.
_MOST_CALLERS = 10_000


class RateLimit:
    """Buckets by caller.

    Args:
        per_second: Calls in the long run.
        at_once: Calls in a burst.
        clock: Seconds; rises.
    """

    def __init__(self, per_second: float, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._at_once = float(at_once)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Counts a call.

        Raises:
            ClearstackError: TOO_MANY_CALLS, with when to try again.
        """
        now = self._clock()
        level, then = self._buckets.pop(caller, (self._at_once, now))
        level = min(self._at_once, level + (now - then) * self._per_second)
        self._buckets[caller] = (level - 1 if level >= 1 else level, now)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        if level < 1:
            raise too_many_calls((1 - level) / self._per_second)
