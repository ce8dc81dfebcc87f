"""How many calls one caller has open at the same time, so that nobody's streams keep everybody else out."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from clearstack_gateway.access.refusals import too_many_calls

_SOON_S = 5.0


class OpenCalls:
    """Counts by caller.

    Args:
        most: Of one caller.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_more(self, caller: str) -> Iterator[None]:
        """Counts a call as long as the block lasts.

        Raises:
            ClearstackError: TOO_MANY_CALLS.
        """
        if self._open[caller] >= self._most:
            raise too_many_calls(_SOON_S)
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]
