"""Every record once more in the object store, so that the broker's data can be lost.

A record is written to the store within seconds of its change, under a key that ends with its revision: nothing is
written twice, and a gateway that is late cannot replace what a faster one has written. What a crash left out is found
when the records are compared, at the start and every few minutes. `use_cases.rebuild` reads them back.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import structlog
from clearstack_common import protojson
from clearstack_common.bus import RecordTable, StoredRecord
from clearstack_common.errors import ConflictError, NotFoundError
from clearstack_common.objects import ObjectStore
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

PREFIX = "records/"
# A training that runs changes with every message of its trainer; so often it is written at most.
_WRITE_EVERY_S = 3.0
_COMPARE_EVERY = 200  # times that

log = structlog.get_logger()


class Mirror:
    """Writes records to the object store, in the background."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._pending: dict[str, StoredRecord[Any]] = {}
        self._written: dict[str, str] = {}
        self._writing = asyncio.Lock()

    def note(self, collection: str, stored: StoredRecord[Any]) -> None:
        """A record has changed: it is written soon."""
        self._pending[f"{collection}/{stored.id}"] = stored

    async def forget(self, collection: str, record_id: str) -> None:
        """Removes what there is of a record."""
        name = f"{collection}/{record_id}"
        async with self._writing:
            self._pending.pop(name, None)
            self._written.pop(name, None)
            await self._store.delete([found.key for found in await self._store.list(f"{PREFIX}{name}/")])

    async def write(self) -> None:
        """Writes what has changed; what cannot be written now is left for the next time."""
        for name in list(self._pending):
            async with self._writing:
                if (stored := self._pending.get(name)) is None:
                    continue
                key = _key(name, stored)
                await self._store.put_bytes(key, protojson.encode(stored.value))
                older, self._written[name] = self._written.get(name), key
                if self._pending.get(name) is stored:
                    del self._pending[name]
                if older is not None and older < key:
                    await self._store.delete([older])

    async def compare(self, tables: Mapping[str, RecordTable[Any]]) -> None:
        """Finds the records that are not written as they are, and removes what is older."""
        keys = await stored_keys(self._store)
        for collection, table in tables.items():
            for stored in await table.list():
                name = f"{collection}/{stored.id}"
                key, found = _key(name, stored), keys.get(name, [])
                if key in found:
                    self._written[name] = key
                    await self._store.delete([other for other in found if other < key])
                elif name not in self._pending:
                    self.note(collection, stored)

    async def run(self, tables: Mapping[str, RecordTable[Any]]) -> None:
        """Keeps the store's copies up to date, for ever."""
        turn = 0
        while True:
            try:
                if turn % _COMPARE_EVERY == 0:
                    await self.compare(tables)
                await self.write()
                turn += 1
            except Exception as error:  # whatever it is, the records themselves are whole: try again
                log.warning("records are copied to the object store later", error=str(error))
            await asyncio.sleep(_WRITE_EVERY_S)


class MirroredTable(Generic[M]):
    """A table whose changes are noted by the mirror."""

    def __init__(self, table: RecordTable[M], collection: str, mirror: Mirror) -> None:
        self._table = table
        self._collection = collection
        self._mirror = mirror

    async def get(self, record_id: str) -> StoredRecord[M]:
        """The newest version."""
        return await self._table.get(record_id)

    async def list(self, at_least: int | None = None) -> Sequence[StoredRecord[M]]:
        """Every record, in no particular order."""
        return await self._table.list(at_least)

    async def create(self, record_id: str, value: M) -> StoredRecord[M]:
        """Adds a record."""
        return self._noted(await self._table.create(record_id, value))

    async def update(self, stored: StoredRecord[M], value: M) -> StoredRecord[M]:
        """Replaces the version that was read."""
        return self._noted(await self._table.update(stored, value))

    async def delete(self, stored: StoredRecord[M]) -> None:
        """Removes the version that was read.

        The copy goes first: a crash in between leaves a record without a copy, which is mended, and not a copy of what
        somebody wanted gone. It goes again after: it may have been written meanwhile.
        """
        await self._mirror.forget(self._collection, stored.id)
        try:
            await self._table.delete(stored)
        except ConflictError:
            with contextlib.suppress(NotFoundError):
                self._mirror.note(self._collection, await self._table.get(stored.id))
            raise
        await self._mirror.forget(self._collection, stored.id)

    def _noted(self, stored: StoredRecord[M]) -> StoredRecord[M]:
        self._mirror.note(self._collection, stored)
        return stored


async def stored_keys(store: ObjectStore) -> dict[str, list[str]]:
    """The keys of the copies, oldest first, by `collection/id`."""
    keys: dict[str, list[str]] = {}
    for found in await store.list(PREFIX):
        name = found.key.removeprefix(PREFIX).rpartition("/")[0]
        keys.setdefault(name, []).append(found.key)
    return keys


def _key(name: str, stored: StoredRecord[Any]) -> str:
    return f"{PREFIX}{name}/{stored.revision:020d}.json"
