"""What was used last stays in memory, up to a number of bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Budget(Generic[K, V]):
    """A cache that forgets what was not used for the longest time.

    Args:
        most_bytes: Of all values together; a larger value is not kept at all.
        size_of: Bytes of a value.
    """

    def __init__(self, most_bytes: int, size_of: Callable[[V], int]) -> None:
        self._most_bytes = most_bytes
        self._size_of = size_of
        self._values: OrderedDict[K, V] = OrderedDict()
        self.num_bytes = 0

    def get(self, key: K) -> V | None:
        """The value, if it is kept; it counts as used."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keeps a value, in place of the one that the key had."""
        if (before := self._values.pop(key, None)) is not None:
            self.num_bytes -= self._size_of(before)
        size = self._size_of(value)
        if size > self._most_bytes:
            return
        while self.num_bytes + size > self._most_bytes:
            _, forgotten = self._values.popitem(last=False)
            self.num_bytes -= self._size_of(forgotten)
        self._values[key] = value
        self.num_bytes += size
