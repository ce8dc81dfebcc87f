"""The ledger: an entry for each version of each object that a rule has met. Whoever creates it first has it."""

import contextlib
from collections.abc import Sequence

import structlog
from clearstack.v1.record_pb2 import AcquisitionRecord
from clearstack.v1.rule_service_pb2 import Acquisition, Rule
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common import ids
from clearstack_common.bus import RecordExistsError, RecordTable, StoredRecord
from clearstack_common.errors import ConflictError, NotFoundError
from clearstack_common.objects import StoredObject

from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.flow import Happening

COLLECTION = "acquisitions"
Entry = StoredRecord[AcquisitionRecord]

log = structlog.get_logger()


def entry_id(bucket: str, key: str, etag: str) -> str:
    """The id of an entry: the same for the same version of the same object."""
    return ids.new_id(COLLECTION, f"{bucket}\0{key}\0{etag}")


class Ledger:
    """What every gateway writes into, by compare-and-set."""

    def __init__(self, table: RecordTable[AcquisitionRecord]) -> None:
        self._table = table

    async def entries(self) -> Sequence[Entry]:
        """Every entry, in no particular order; not to be changed."""
        return await self._table.list()

    async def meet(self, rule: Rule, bucket: str, found: StoredObject) -> bool:
        """Enters an object that may still change; False = it was met before."""
        acquisition = Acquisition(
            rule=rule.name,
            bucket=bucket,
            key=found.key,
            object_etag=found.etag,
            size_bytes=found.size_bytes,
            state=flow.SETTLING,
        )
        if found.written_at:
            acquisition.arrive_time.FromDatetime(found.written_at)
        return await self._enter(AcquisitionRecord(acquisition=acquisition))

    async def hand_over(self, rule: Rule, stack: Stack) -> bool:
        """Enters a stack that was uploaded through the API and belongs to a rule; False = it was before."""
        acquisition = Acquisition(
            rule=rule.name,
            key=stack.object_key,
            object_etag=stack.sha256,
            size_bytes=stack.size_bytes,
            state=flow.READY,
            stack=stack.name,
            attempt=1,
        )
        acquisition.arrive_time.GetCurrentTime()
        return await self._enter(AcquisitionRecord(acquisition=acquisition, rule=rule))

    async def _enter(self, record: AcquisitionRecord) -> bool:
        acquisition = record.acquisition
        made = entry_id(acquisition.bucket, acquisition.key, acquisition.object_etag)
        acquisition.name = f"{COLLECTION}/{made}"
        acquisition.see_time.GetCurrentTime()
        acquisition.update_time.CopyFrom(acquisition.see_time)
        if not acquisition.HasField("arrive_time"):
            acquisition.arrive_time.CopyFrom(acquisition.see_time)
        try:
            await self._table.create(made, record)
        except RecordExistsError:
            return False
        return True

    async def advance(self, entry: Entry, happening: Happening) -> Entry:
        """Applies what has happened to the newest version of an entry.

        Raises:
            WrongStateError: It has moved on.
            NotFoundError: It was withdrawn.
        """
        while True:
            after = flow.advance(entry.value, happening)
            if after == entry.value:
                return entry
            acquisition = after.acquisition
            acquisition.update_time.GetCurrentTime()
            if acquisition.state in flow.OVER:
                acquisition.end_time.CopyFrom(acquisition.update_time)
            if acquisition.state == flow.CLAIMED and not acquisition.HasField("claim_time"):
                acquisition.claim_time.CopyFrom(acquisition.update_time)
            try:
                entry = await self._table.update(entry, after)
            except ConflictError:
                entry = await self._table.get(entry.id)
                continue
            if acquisition.state != flow.READY or not acquisition.waiting_for:
                log.info(
                    "acquisition moved on", key=acquisition.key, state=flow.state_name(acquisition.state)
                )
            return entry

    async def withdraw(self, entry: Entry) -> None:
        """Removes an entry of which nothing came: its object or rule went before it was taken."""
        with contextlib.suppress(ConflictError, NotFoundError):
            await self._table.delete(entry)
            log.info("acquisition withdrawn", key=entry.value.acquisition.key)
