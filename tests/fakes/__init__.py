"""The broker and the object store in memory, for unit tests; `tests/contract` proves that they are like the real ones."""

from fakes.broker import FakeBroker
from fakes.bus import FakeBus
from fakes.store import FakeStore

__all__ = ["FakeBroker", "FakeBus", "FakeStore"]
