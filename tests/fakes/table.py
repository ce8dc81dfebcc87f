"""Records of the broker in memory."""

from typing import Generic, TypeVar

from clearstack_common import protojson
from clearstack_common.bus import RecordExistsError, StoredRecord
from clearstack_common.errors import ConflictError, NotFoundError
from google.protobuf.message import Message

from fakes.broker import Bucket, FakeBroker

M = TypeVar("M", bound=Message)


class FakeTable(Generic[M]):
    """One bucket, one kind of record; values are kept as JSON, as the real one does."""

    def __init__(self, broker: FakeBroker, bucket: Bucket, message_type: type[M]) -> None:
        self._broker = broker
        self._bucket = bucket
        self._message_type = message_type

    async def get(self, record_id: str) -> StoredRecord[M]:
        """The newest version."""
        await self._broker.arrive()
        try:
            revision, data = self._bucket.records[record_id]
        except KeyError:
            raise NotFoundError(f"There is no {record_id!r}; list what there is and check the id.") from None
        return StoredRecord(id=record_id, value=protojson.decode(data, self._message_type), revision=revision)

    async def create(self, record_id: str, value: M) -> StoredRecord[M]:
        """Adds a record."""
        await self._broker.arrive()
        if record_id in self._bucket.records:
            raise RecordExistsError(f"{record_id!r} exists already.")
        return self._write(record_id, value)

    async def update(self, stored: StoredRecord[M], value: M) -> StoredRecord[M]:
        """Replaces the version that was read."""
        await self._require_newest(stored)
        return self._write(stored.id, value)

    async def delete(self, stored: StoredRecord[M]) -> None:
        """Removes the version that was read."""
        await self._require_newest(stored)
        del self._bucket.records[stored.id]
        self._bucket.next_revision()

    async def list(self, at_least: int | None = None) -> list[StoredRecord[M]]:
        """Every record, in no particular order."""
        await self._broker.arrive()
        return [
            StoredRecord(id=record_id, value=protojson.decode(data, self._message_type), revision=revision)
            for record_id, (revision, data) in self._bucket.records.items()
        ]

    async def _require_newest(self, stored: StoredRecord[M]) -> None:
        await self._broker.arrive()
        revision, _ = self._bucket.records.get(stored.id, (0, b""))
        if revision != stored.revision:
            raise ConflictError(f"{stored.id!r} was changed by somebody else; read it again.")

    def _write(self, record_id: str, value: M) -> StoredRecord[M]:
        revision = self._bucket.next_revision()
        self._bucket.records[record_id] = (revision, protojson.encode(value))
        self._broker.changed.ring()
        return StoredRecord(id=record_id, value=value, revision=revision)
