"""A bucket's records in memory, kept true by the broker's own changes: a list of thousands is there at once."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import nats.errors
import structlog
from google.protobuf.json_format import ParseError
from google.protobuf.message import Message
from nats.js import JetStreamContext
from nats.js.errors import Error as JetStreamError
from nats.js.kv import KeyValue

from clearstack_common import protojson
from clearstack_common.bus.nats_calls import broker_calls
from clearstack_common.bus.port import StoredRecord
from clearstack_common.errors import BackendUnavailableError

M = TypeVar("M", bound=Message)

_PATIENCE_S = 5.0
_PAUSE_S = 0.5
log = structlog.get_logger()


class NatsCopy(Generic[M]):
    """Follows a bucket from the first question on, for ever.

    Args:
        jetstream: Knows how far the bucket is.
        name: The bucket's name.
        bucket: The bucket.
        made_us: Added to the broker's numbers; see `nats_table`.
        message_type: What the records are.
    """

    def __init__(
        self,
        jetstream: JetStreamContext,
        name: str,
        bucket: KeyValue,
        made_us: int,
        message_type: type[M],
    ) -> None:
        self._jetstream = jetstream
        self._name = name
        self._bucket = bucket
        self._made_us = made_us
        self._message_type = message_type
        self._records: dict[str, StoredRecord[M]] = {}
        self._snapshot: Sequence[StoredRecord[M]] | None = None
        self._revision = 0
        self._whole_from: int | None = None
        self._moved = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    async def records(self, at_least: int | None) -> Sequence[StoredRecord[M]]:
        """Every record: the same object as before while nothing has changed.

        Args:
            at_least: The revision of a change that must be in it; None = all that the broker has by now.

        Raises:
            BackendUnavailableError: The broker does not answer, or does not tell its changes.
        """
        if self._following is None or self._following.done():
            self._following = asyncio.ensure_future(self._follow())
        await self._until(await self._newest() if at_least is None else at_least - self._made_us)
        if self._snapshot is None:
            self._snapshot = tuple(self._records.values())
        return self._snapshot

    async def close(self) -> None:
        """Follows no more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _newest(self) -> int:
        with broker_calls():
            info = await self._jetstream.stream_info(f"KV_{self._name}")
        return info.state.last_seq

    async def _until(self, revision: int) -> None:
        try:
            while self._whole_from is None or self._revision < max(revision, self._whole_from):
                self._moved.clear()
                async with asyncio.timeout(_PATIENCE_S):
                    await self._moved.wait()
        except TimeoutError:
            if self._following is not None:
                self._following.cancel()  # it may have been forgotten by the broker: the next one follows anew
            raise BackendUnavailableError(
                "The message broker does not tell its changes; try again in a moment."
            ) from None

    async def _follow(self) -> None:
        while True:
            try:
                await self._follow_once()
            except (nats.errors.Error, JetStreamError, OSError, BackendUnavailableError) as error:
                log.warning("records are not followed now", bucket=self._name, error=repr(error))
                if isinstance(error, nats.errors.ConnectionClosedError):
                    return
            await asyncio.sleep(_PAUSE_S)

    async def _follow_once(self) -> None:
        watcher: Any = await self._bucket.watchall()
        try:
            async for entry in watcher:
                if entry is None:  # that was all there had been
                    # What was changed meanwhile was passed over, and comes with what is new.
                    self._whole_from = await self._newest()
                    self._moved.set()
                else:
                    self._take(entry)
                    await asyncio.sleep(0)  # there may be thousands, and each takes a moment
        finally:
            with contextlib.suppress(nats.errors.Error, OSError):
                await watcher.stop()

    def _take(self, entry: KeyValue.Entry) -> None:
        revision = entry.revision or 0
        if entry.operation is not None:
            self._records.pop(entry.key, None)
        else:
            self._keep(entry.key, entry.value or b"", revision)
        self._snapshot = None
        self._revision = max(self._revision, revision)
        self._moved.set()

    def _keep(self, key: str, data: bytes, revision: int) -> None:
        try:
            value = protojson.decode(data, self._message_type)
        except ParseError:  # whoever asks for it by its id is told
            log.exception("record left out of lists: not readable", bucket=self._name, key=key)
            return
        self._records[key] = StoredRecord(id=key, value=value, revision=self._made_us + revision)
