"""Records in a JetStream key-value bucket, changed by compare-and-set.

A revision is the broker's own number plus the moment at which the bucket was made, so that revisions go on growing when
a broker has lost its data and counts from 1 again.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

from google.protobuf.message import Message
from nats.js import errors
from nats.js.kv import KeyValue

from clearstack_common import protojson
from clearstack_common.bus.nats_calls import broker_calls
from clearstack_common.bus.nats_copy import NatsCopy
from clearstack_common.bus.port import RecordExistsError, StoredRecord
from clearstack_common.errors import ConflictError, NotFoundError

M = TypeVar("M", bound=Message)

_WRONG_LAST_SEQUENCE = 10071


class NatsTable(Generic[M]):
    """One bucket, one kind of record."""

    def __init__(self, bucket: KeyValue, copy: NatsCopy[M], made_us: int, message_type: type[M]) -> None:
        self._bucket = bucket
        self._copy = copy
        self._made_us = made_us
        self._message_type = message_type

    def _stored(self, record_id: str, value: M, revision: int | None) -> StoredRecord[M]:
        return StoredRecord(id=record_id, value=value, revision=self._made_us + (revision or 0))

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
        return self._stored(record_id, value, entry.revision)

    async def create(self, record_id: str, value: M) -> StoredRecord[M]:
        """Adds a record."""
        with broker_calls():
            try:
                revision = await self._bucket.create(record_id, protojson.encode(value))
            except errors.KeyWrongLastSequenceError as error:
                raise RecordExistsError(f"{record_id!r} exists already.") from error
        return self._stored(record_id, value, revision)

    async def update(self, stored: StoredRecord[M], value: M) -> StoredRecord[M]:
        """Replaces the version that was read."""
        with broker_calls():
            try:
                revision = await self._bucket.update(
                    stored.id, protojson.encode(value), last=self._last(stored)
                )
            except errors.KeyWrongLastSequenceError as error:
                raise ConflictError(f"{stored.id!r} was changed by somebody else; read it again.") from error
        return self._stored(stored.id, value, revision)

    async def delete(self, stored: StoredRecord[M]) -> None:
        """Removes the version that was read."""
        with broker_calls():
            try:
                await self._bucket.delete(stored.id, last=self._last(stored))
            except errors.BadRequestError as error:  # unlike `update`, `delete` does not say which
                if error.err_code != _WRONG_LAST_SEQUENCE:
                    raise
                raise ConflictError(f"{stored.id!r} was changed by somebody else; read it again.") from error

    def _last(self, stored: StoredRecord[M]) -> int:
        return stored.revision - self._made_us

    async def list(self, at_least: int | None = None) -> Sequence[StoredRecord[M]]:
        """Every record, in no particular order."""
        return await self._copy.records(at_least)
