"""Keeps the records of runs: applies what happens to them, and carries out what follows.

A decision and what has to be done because of it are written together, by compare-and-set; the doing comes after and is
repeated by `recover` if a crash came in between. Whatever is done carries a name that depends on the record alone, so
that doing it twice does no harm.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog
from clearstack.v1.event_pb2 import Event
from clearstack.v1.model_service_pb2 import Model
from clearstack.v1.record_pb2 import DenoisingRecord, Effect, TrainingRecord
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common import subjects
from clearstack_common.bus import Bus, RecordExistsError, RecordTable, StoredRecord
from clearstack_common.errors import BackendUnavailableError, ConflictError, NotFoundError, WrongStateError
from clearstack_common.log import run_context
from clearstack_common.subjects import run_id
from clearstack_common.telemetry import Tracing
from clearstack_common.version import code_version

from clearstack_gateway.use_cases.tables import Tables
from clearstack_gateway.workflow import Cancel, Decision, Retry
from clearstack_gateway.workflow import denoising as denoising_workflow
from clearstack_gateway.workflow import training as training_workflow

R = TypeVar("R", TrainingRecord, DenoisingRecord)

log = structlog.get_logger()


class Runs:
    """The only writer of run state."""

    def __init__(
        self, bus: Bus, tables: Tables, pixels_per_range: int, tracing: Tracing | None = None
    ) -> None:
        self._bus = bus
        self._tables = tables
        self._pixels_per_range = pixels_per_range
        self._tracing = tracing or Tracing()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.queue_changed = asyncio.Event()

    async def create_training(self, record: TrainingRecord) -> StoredRecord[TrainingRecord]:
        """Adds a training; one that is there already is returned as it is."""
        record.training.create_time.GetCurrentTime()
        record.training.update_time.CopyFrom(record.training.create_time)
        record.trace_parent = self._tracing.here()
        record.incarnation = record.incarnation or secrets.token_hex(3)
        stored = await _create_or_get(self._tables.trainings, run_id(record.training.name), record)
        self.queue_changed.set()
        return stored

    async def create_denoising(self, record: DenoisingRecord) -> StoredRecord[DenoisingRecord]:
        """Adds a denoising and queues its jobs; one that is there already is returned as it is."""
        started, doing = denoising_workflow.start(record, self._pixels_per_range)
        started.trace_parent = self._tracing.here()
        started.outbox.extend(doing)
        started.denoising.create_time.GetCurrentTime()
        started.denoising.update_time.CopyFrom(started.denoising.create_time)
        name = started.denoising.name
        async with self._lock(name):
            stored = await _create_or_get(self._tables.denoisings, run_id(name), started)
            return await self._carry_out(self._tables.denoisings, stored)

    async def advance_training(self, name: str, happening: Event | Decision) -> StoredRecord[TrainingRecord]:
        """Applies an event or a decision to a training.

        Raises:
            NotFoundError: There is no such training.
            WrongStateError: The decision cannot be taken in its state.
        """
        with run_context(name):
            async with self._lock(name):
                before, stored = await self._apply(
                    self._tables.trainings, run_id(name), lambda record: _next_training(record, happening)
                )
                stored = await self._carry_out(self._tables.trainings, stored)
            if before != stored.value.training.state:
                log.info("training moved on", state=training_workflow.state_name(stored.value))
                self.queue_changed.set()
            if isinstance(happening, Cancel):
                await self._bus.hint(subjects.cancel_subject(name))
        return stored

    async def advance_denoising(
        self, name: str, happening: Event | Cancel | Retry
    ) -> StoredRecord[DenoisingRecord]:
        """Applies an event or a decision to a denoising.

        Raises:
            NotFoundError: There is no such denoising.
            WrongStateError: It is over and cannot be cancelled.
        """
        with run_context(name):
            async with self._lock(name):
                _, stored = await self._apply(
                    self._tables.denoisings, run_id(name), lambda record: _next_denoising(record, happening)
                )
                stored = await self._carry_out(self._tables.denoisings, stored)
            if isinstance(happening, Cancel):
                await self._bus.hint(subjects.cancel_subject(name))
        return stored

    async def recover(self) -> None:
        """Carries out what was decided before a crash or an outage and not done since."""
        for training in await self._tables.trainings.list():
            if training.value.outbox:
                async with self._lock(training.value.training.name):
                    await self._carry_out(
                        self._tables.trainings, await self._tables.trainings.get(training.id)
                    )
                self.queue_changed.set()
        for denoising in await self._tables.denoisings.list():
            if denoising.value.outbox:
                async with self._lock(denoising.value.denoising.name):
                    await self._carry_out(
                        self._tables.denoisings, await self._tables.denoisings.get(denoising.id)
                    )

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def _apply(
        self, table: RecordTable[R], record_id: str, step: Callable[[R], tuple[R, list[Effect]]]
    ) -> tuple[int, StoredRecord[R]]:
        """Compare-and-set until it holds; returns the state before, and the record after."""
        while True:
            stored = await table.get(record_id)
            after, doing = step(stored.value)
            if after == stored.value:
                return _state(stored.value), stored
            after.outbox.extend(doing)
            try:
                return _state(stored.value), await table.update(stored, after)
            except ConflictError:
                continue  # another gateway was faster: look again

    async def _carry_out(self, table: RecordTable[R], stored: StoredRecord[R]) -> StoredRecord[R]:
        """Does what the outbox says and empties it; what an outage prevents is left for `recover`."""
        while stored.value.outbox:
            count = len(stored.value.outbox)
            try:
                with self._tracing.continued(stored.value.trace_parent):
                    for effect in stored.value.outbox:
                        await self._do(effect)
                after = type(stored.value)()
                after.CopyFrom(stored.value)
                del after.outbox[:count]
                stored = await table.update(stored, after)
            except ConflictError:
                stored = await table.get(stored.id)
            except BackendUnavailableError as error:
                log.warning("what was decided is carried out later", reason=error.message)
                break
        return stored

    async def _do(self, effect: Effect) -> None:
        match effect.WhichOneof("kind"):
            case "job":
                await self._bus.publish_job(effect.job)
            case "event":
                await self._bus.publish_event(effect.event)
            case "start_denoising":
                await self.create_denoising(effect.start_denoising)
            case "register_stack":
                await self._register_stack(effect.register_stack)
            case "register_model":
                await self._register_model(effect.register_model)
            case "cancel_denoising":
                await self._cancel_denoising(effect.cancel_denoising)

    async def _register_stack(self, stack: Stack) -> None:
        stack.create_time.GetCurrentTime()
        stack.update_time.CopyFrom(stack.create_time)
        await _create_or_get(self._tables.stacks, run_id(stack.name), stack)

    async def _register_model(self, model: Model) -> None:
        model.update_time.GetCurrentTime()
        model.create_time.CopyFrom(model.update_time)
        model.code_version = code_version()
        try:
            await self._tables.models.create(run_id(model.name), model)
        except RecordExistsError:
            stored = await self._tables.models.get(run_id(model.name))
            model.create_time.CopyFrom(stored.value.create_time)
            if not _differ_but_in_time(model, stored.value):
                return  # done before a crash, and now again
            await self._tables.models.update(stored, model)

    async def _cancel_denoising(self, name: str) -> None:
        try:
            await self.advance_denoising(name, Cancel())
        except (WrongStateError, NotFoundError):
            return  # over already


M = TypeVar("M", Stack, TrainingRecord, DenoisingRecord)


async def _create_or_get(table: RecordTable[M], record_id: str, value: M) -> StoredRecord[M]:
    try:
        return await table.create(record_id, value)
    except RecordExistsError:
        return await table.get(record_id)


def _differ_but_in_time(model: Model, other: Model) -> bool:
    same_time = Model()
    same_time.CopyFrom(model)
    same_time.update_time.CopyFrom(other.update_time)
    return same_time != other


def _state(record: TrainingRecord | DenoisingRecord) -> int:
    return record.training.state if isinstance(record, TrainingRecord) else record.denoising.state


def _next_training(
    record: TrainingRecord, happening: Event | Decision
) -> tuple[TrainingRecord, list[Effect]]:
    after, doing = training_workflow.advance(record, happening)
    if after != record:
        after.training.update_time.GetCurrentTime()
        is_over = after.training.state in training_workflow.TERMINAL
        if is_over and not after.training.HasField("end_time"):
            after.training.end_time.CopyFrom(after.training.update_time)
    return after, doing


def _next_denoising(
    record: DenoisingRecord, happening: Event | Cancel | Retry
) -> tuple[DenoisingRecord, list[Effect]]:
    after, doing = denoising_workflow.advance(record, happening)
    if after != record:
        after.denoising.update_time.GetCurrentTime()
        is_over = after.denoising.state in denoising_workflow.TERMINAL
        if is_over and not after.denoising.HasField("end_time"):
            after.denoising.end_time.CopyFrom(after.denoising.update_time)
    return after, doing
