"""Records in an order, kept up to date with little work: thousands are listed page by page, over and over."""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from clearstack_common.bus import StoredRecord
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)
Key = tuple[Any, ...]


class Ordered(Generic[M]):
    """Those records of a table that have a key, in its order.

    Args:
        key: Of a record; no two have the same. None leaves the record out.
    """

    def __init__(self, key: Callable[[StoredRecord[M]], Key | None]) -> None:
        self._key = key
        self._source: Sequence[StoredRecord[M]] = ()
        self._records: dict[str, StoredRecord[M]] = {}
        self._keys: dict[str, Key] = {}
        self._ids: dict[Key, str] = {}
        self.keys: list[Key] = []

    def update(self, records: Sequence[StoredRecord[M]]) -> None:
        """Takes the table's records as they are now; only those that differ from the last time cost anything."""
        if records is self._source:
            return
        self._source = records
        before, self._records = self._records, {stored.id: stored for stored in records}
        for record_id in before.keys() - self._records.keys():
            self._remove(record_id)
        for record_id, stored in self._records.items():
            if before.get(record_id) is not stored:
                self._remove(record_id)
                self._add(stored)

    def position(self, record_id: str) -> int | None:
        """A record's place, from 0; None if it has none."""
        key = self._keys.get(record_id)
        return None if key is None else bisect_left(self.keys, key)

    def at(self, keys: Sequence[Key]) -> list[StoredRecord[M]]:
        """The records that have these keys."""
        return [self._records[self._ids[key]] for key in keys]

    def _add(self, stored: StoredRecord[M]) -> None:
        if (key := self._key(stored)) is not None:
            insort(self.keys, key)
            self._keys[stored.id], self._ids[key] = key, stored.id

    def _remove(self, record_id: str) -> None:
        if (key := self._keys.pop(record_id, None)) is not None:
            del self.keys[bisect_left(self.keys, key)]
            del self._ids[key]
