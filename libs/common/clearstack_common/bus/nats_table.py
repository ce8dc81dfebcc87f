"""Records in a JetStream key-value bucket, changed by compare-and-set."""

from typing import Any, Generic, TypeVar

from google.protobuf.message import Message
from nats.js import errors
from nats.js.kv import KeyValue

from clearstack_common import protojson
from clearstack_common.bus.nats_calls import broker_calls
from clearstack_common.bus.port import RecordExistsError, StoredRecord
from clearstack_common.errors import ConflictError, NotFoundError

M = TypeVar("M", bound=Message)

_WRONG_LAST_SEQUENCE = 10071


class NatsTable(Generic[M]):
    """One bucket, one kind of record."""

    def __init__(self, bucket: KeyValue, message_type: type[M]) -> None:
        self._bucket = bucket
        self._message_type = message_type

    async def get(self, record_id: str) -> StoredRecord[M]:
        """The newest version."""
        with broker_calls():
            try:
                entry = await self._bucket.get(record_id)
            except (errors.KeyNotFoundError, errors.InvalidKeyError) as error:
                raise NotFoundError(
                    f"There is no {record_id!r}; list what there is and check the id."
                ) from error
        value = protojson.decode(entry.value or b"", self._message_type)
        return StoredRecord(id=record_id, value=value, revision=entry.revision or 0)

    async def create(self, record_id: str, value: M) -> StoredRecord[M]:
        """Adds a record."""
        with broker_calls():
            try:
                revision = await self._bucket.create(record_id, protojson.encode(value))
            except errors.KeyWrongLastSequenceError as error:
                raise RecordExistsError(f"{record_id!r} exists already.") from error
        return StoredRecord(id=record_id, value=value, revision=revision)

    async def update(self, stored: StoredRecord[M], value: M) -> StoredRecord[M]:
        """Replaces the version that was read."""
        with broker_calls():
            try:
                revision = await self._bucket.update(stored.id, protojson.encode(value), last=stored.revision)
            except errors.KeyWrongLastSequenceError as error:
                raise ConflictError(f"{stored.id!r} was changed by somebody else; read it again.") from error
        return StoredRecord(id=stored.id, value=value, revision=revision)

    async def delete(self, stored: StoredRecord[M]) -> None:
        """Removes the version that was read."""
        with broker_calls():
            try:
                await self._bucket.delete(stored.id, last=stored.revision)
            except errors.BadRequestError as error:  # unlike `update`, `delete` does not say which
                if error.err_code != _WRONG_LAST_SEQUENCE:
                    raise
                raise ConflictError(f"{stored.id!r} was changed by somebody else; read it again.") from error

    async def list(self) -> list[StoredRecord[M]]:
        """Every record, in no particular order."""
        found: list[StoredRecord[M]] = []
        with broker_calls():
            watcher: Any = await self._bucket.watchall(ignore_deletes=True)
            try:
                # The watcher says None when it has told everything that there was.
                while (entry := await watcher.updates(timeout=5)) is not None:
                    value = protojson.decode(entry.value or b"", self._message_type)
                    found.append(StoredRecord(id=entry.key, value=value, revision=entry.revision or 0))
            finally:
                await watcher.stop()
        return found
