"""Restores records that the broker has lost from their copies in the object store.

What is there is left alone, so that a second run, or one on a whole installation, does no harm. What was over comes back
as it was; a run that was not goes on: its step is begun anew, a training from its newest checkpoint.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog
from clearstack.v1 import error_reason_pb2, model_service_pb2, stack_service_pb2, training_pb2
from clearstack.v1.admin_service_pb2 import RebuildRecordsResponse, RebuiltRecords
from clearstack.v1.model_service_pb2 import Model
from clearstack.v1.record_pb2 import AcquisitionRecord, DenoisingRecord, TrainingRecord
from clearstack.v1.rule_service_pb2 import Rule
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common import protojson
from clearstack_common.bus import RecordExistsError, RecordTable
from clearstack_common.errors import ClearstackError
from clearstack_common.objects import ObjectStore
from google.protobuf.json_format import ParseError

from clearstack_gateway.acquisitions import flow
from clearstack_gateway.use_cases.mirror import stored_keys
from clearstack_gateway.use_cases.tables import Tables
from clearstack_gateway.workflow import Cancel, Resume
from clearstack_gateway.workflow import denoising as denoising_workflow
from clearstack_gateway.workflow import training as training_workflow

R = TypeVar("R", Stack, Model, DenoisingRecord, TrainingRecord, AcquisitionRecord, Rule)

_AT_ONCE = 16
_FOLDERS = ("stacks/", "models/", "results/")

log = structlog.get_logger()


class Rebuild:
    """One pass over the copies; made anew for each."""

    def __init__(self, tables: Tables, store: ObjectStore) -> None:
        self._tables = tables
        self._store = store
        self._keys: dict[str, list[str]] = {}
        self._files: frozenset[str] = frozenset()
        self._problems: list[str] = []

    async def run(self, *, validate_only: bool) -> RebuildRecordsResponse:
        """Restores what is missing, runs last: they need the rest.

        Args:
            validate_only: Only tell what would be restored.
        """
        self._keys = await stored_keys(self._store)
        listings = [await self._store.list(folder) for folder in _FOLDERS]
        self._files = frozenset(found.key for listing in listings for found in listing)
        tables, dry = self._tables, validate_only
        rebuilt = [
            await self._rebuild("stacks", tables.stacks, Stack, self._stack, dry=dry),
            await self._rebuild("models", tables.models, Model, self._model, dry=dry),
            await self._rebuild("denoisings", tables.denoisings, DenoisingRecord, _denoising, dry=dry),
            await self._rebuild("trainings", tables.trainings, TrainingRecord, _training, dry=dry),
            # The ledger before the rules: what was handled is not to be taken for new.
            await self._rebuild("acquisitions", tables.acquisitions, AcquisitionRecord, _as_it_was, dry=dry),
            await self._rebuild("rules", tables.rules, Rule, _as_it_was, dry=dry),
        ]
        log.info("records restored", restored=sum(each.restored_count for each in rebuilt), dry_run=dry)
        return RebuildRecordsResponse(rebuilt=rebuilt, problems=sorted(self._problems))

    async def _rebuild(
        self,
        collection: str,
        table: RecordTable[R],
        message_type: type[R],
        mended: Callable[[R], R | None],
        *,
        dry: bool,
    ) -> RebuiltRecords:
        present = {stored.id for stored in await table.list()}
        copies = {
            name.removeprefix(f"{collection}/"): keys[-1]
            for name, keys in self._keys.items()
            if name.startswith(f"{collection}/")
        }
        copied = await self._read(
            {record_id: key for record_id, key in copies.items() if record_id not in present}, message_type
        )
        done = RebuiltRecords(collection=collection, present_count=len(present))
        for record_id, copy in sorted(copied.items(), key=lambda item: _turn(item[1])):
            if (record := mended(copy)) is None:
                continue
            try:
                if not dry:
                    await table.create(record_id, record)
            except RecordExistsError:  # made meanwhile
                done.present_count += 1
                continue
            done.restored_count += 1
            done.resumed_count += _goes_on(record)
        return done

    async def _read(self, keys: dict[str, str], message_type: type[R]) -> dict[str, R]:
        """The copies that can be read."""
        found: dict[str, R] = {}
        slots = asyncio.Semaphore(_AT_ONCE)

        async def read(record_id: str, key: str) -> None:
            async with slots:
                try:
                    found[record_id] = protojson.decode(await self._store.get_bytes(key), message_type)
                except ParseError:
                    self._problems.append(f"The copy {key} cannot be read; its record is not restored.")

        await asyncio.gather(*(read(*item) for item in keys.items()))
        return found

    def _stack(self, stack: Stack) -> Stack | None:
        is_ready = stack.state == stack_service_pb2.STACK_STATE_READY
        return stack if not is_ready or self._has(stack.name, [stack.object_key]) else None

    def _model(self, model: Model) -> Model | None:
        files = [file.object_key for stage in model.stages for file in stage.files]
        if not self._has(model.name, [*files, *(file.object_key for file in model.mask_files)]):
            return None
        del model.active_jobs[:]
        if model.state == model_service_pb2.MODEL_STATE_IMPORTING:
            model.state = model_service_pb2.MODEL_STATE_REFUSED
            interrupted = (
                "The import was interrupted when the broker's data was lost; import the model again."
            )
            failure = ClearstackError(
                interrupted, reason=error_reason_pb2.ERROR_REASON_BACKEND_UNAVAILABLE
            ).as_failure()
            model.failure.CopyFrom(failure)
        return model

    def _has(self, name: str, keys: Iterable[str]) -> bool:
        missing = [key for key in keys if key not in self._files]
        if missing:
            self._problems.append(f"{name} is not restored: {missing[0]} is not in the object store.")
        return not missing


def _as_it_was(record: R) -> R:
    return record


def _denoising(record: DenoisingRecord) -> DenoisingRecord:
    """As it was if it was over; else from its beginning. A step of a training is begun by that."""
    if record.denoising.state in denoising_workflow.TERMINAL:
        return record
    happening = Cancel() if record.denoising.training else Resume(incarnation=secrets.token_hex(3))
    after, doing = denoising_workflow.advance(record, happening)
    del after.outbox[:]
    after.outbox.extend(doing)
    return after


def _training(record: TrainingRecord) -> TrainingRecord:
    """As it was if it was over; else the step in which it was begins anew."""
    if record.training.state in training_workflow.TERMINAL:
        return record
    after, doing = training_workflow.advance(record, Resume(incarnation=secrets.token_hex(3)))
    del after.outbox[:]
    after.outbox.extend(doing)
    return after


def _turn(record: Any) -> bool:
    """The training that had the slot gets it again; otherwise the order does not matter."""
    is_training = isinstance(record, TrainingRecord)
    return not (is_training and record.training.state == training_pb2.TRAINING_STATE_TRAINING)


def _goes_on(record: Any) -> bool:
    if isinstance(record, TrainingRecord):
        return record.training.state not in training_workflow.TERMINAL
    if isinstance(record, DenoisingRecord):
        return record.denoising.state not in denoising_workflow.TERMINAL
    if isinstance(record, AcquisitionRecord):
        return record.acquisition.state not in flow.OVER
    return False
