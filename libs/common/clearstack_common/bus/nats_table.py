"""Records in a JetStream key-value bucket, changed by compare-and-set.

A revision is the broker's own number plus the moment at which the bucket was made, so that revisions go on growing when
a broker has lost its data and counts from 1 again.
"""

import contextlib
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message
from nats.js import JetStreamContext, errors
from nats.js.kv import KeyValue

from clearstack_common import protojson
from clearstack_common.bus.nats_calls import broker_calls
from clearstack_common.bus.port import RecordExistsError, StoredRecord
from clearstack_common.errors import ConflictError, NotFoundError

M = TypeVar("M", bound=Message)

_WRONG_LAST_SEQUENCE = 10071


class NatsTable(Generic[M]):
    """One bucket, one kind of record."""

    def __init__(
        self, jetstream: JetStreamContext, name: str, bucket: KeyValue, made_us: int, message_type: type[M]
    ) -> None:
        self._jetstream = jetstream
        self._name = name
        self._bucket = bucket
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

    async def list(self) -> list[StoredRecord[M]]:
        """Every record, in no particular order."""
        found, deleted = await self._sweep()
        # The sweep passes over a record that is changed just then.
        missed = [name for name in await self._names() if name not in found and name not in deleted]
        for name in missed:
            with contextlib.suppress(NotFoundError):
                found[name] = await self.get(name)
        return [*found.values()]

    async def _sweep(self) -> tuple[dict[str, StoredRecord[M]], set[str]]:
        """Nearly every record in one go, and the ids that were deleted."""
        found: dict[str, StoredRecord[M]] = {}
        deleted: set[str] = set()
        with broker_calls():
            watcher: Any = await self._bucket.watchall()
            try:
                # The watcher says None when it has told what there was.
                while (entry := await watcher.updates(timeout=5)) is not None:
                    if entry.operation is not None:
                        deleted.add(entry.key)
                        found.pop(entry.key, None)
                        continue
                    value = protojson.decode(entry.value or b"", self._message_type)
                    found[entry.key] = self._stored(entry.key, value, entry.revision)
            finally:
                await watcher.stop()
        return found, deleted

    async def _names(self) -> Sequence[str]:
        """The ids of all records, and of those that were deleted, at one moment."""
        prefix = f"$KV.{self._name}."
        with broker_calls():
            info = await self._jetstream.stream_info(f"KV_{self._name}", subjects_filter=f"{prefix}>")
        return [subject.removeprefix(prefix) for subject in info.state.subjects or {}]
