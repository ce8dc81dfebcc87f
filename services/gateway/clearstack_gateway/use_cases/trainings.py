"""Trainings: created, looked at, cancelled, deleted."""

import contextlib
import re
from collections.abc import AsyncIterator, Sequence

from clearstack.v1 import config_pb2, error_reason_pb2, training_pb2
from clearstack.v1.config_pb2 import Preset, TrainingConfig
from clearstack.v1.event_pb2 import Event
from clearstack.v1.record_pb2 import StageRecord, TrainingRecord
from clearstack.v1.stack_service_pb2 import Stack, StackInfo
from clearstack.v1.training_pb2 import StageStatus, Training
from clearstack.v1.training_service_pb2 import CreateTrainingRequest
from clearstack_common import ids
from clearstack_common.bus import Bus, StoredRecord
from clearstack_common.config import preset_config, resolve_config, stage_names
from clearstack_common.errors import (
    ClearstackError,
    ConflictError,
    InvalidFieldsError,
    NotFoundError,
    WrongStateError,
)
from clearstack_common.objects import ObjectStore

from clearstack_gateway.use_cases.naming import for_people, is_meant
from clearstack_gateway.use_cases.ordered import Ordered
from clearstack_gateway.use_cases.runs import Runs
from clearstack_gateway.use_cases.stacks import require_ready, stored_file
from clearstack_gateway.use_cases.tables import Tables, check_etag, etag_of, id_in, not_found, page_of
from clearstack_gateway.use_cases.upkeep import queue_key
from clearstack_gateway.use_cases.usage import require_unused
from clearstack_gateway.use_cases.watching import history
from clearstack_gateway.workflow import Cancel
from clearstack_gateway.workflow import training as workflow
from clearstack_gateway.workflow.training_effects import model_folder

_COLLECTION = "trainings"
_METHODS = frozenset({config_pb2.METHOD_N2V, config_pb2.METHOD_AUTOSTRUCTN2V})
# Of a stack that is not known: everything else in the request is checked all the same.
_ANY_SIZE = StackInfo(slice_count=1, height=1 << 20, width=1 << 20)
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Trainings:
    """What can be done with trainings."""

    def __init__(self, bus: Bus, tables: Tables, store: ObjectStore, runs: Runs) -> None:
        self._bus = bus
        self._tables = tables
        self._store = store
        self._runs = runs
        self._queue = Ordered(queue_key)
        self._by_age = Ordered[TrainingRecord](
            lambda stored: (stored.value.training.create_time.ToNanoseconds(), stored.id)
        )

    async def create(self, request: CreateTrainingRequest, creator: str = "") -> Training:
        """Checks a request whole; then, unless it only wanted that, adds the training to the queue.

        A repeated request gets what the first one has made, even if its stack was deleted meanwhile.

        Raises:
            InvalidFieldsError: Names every field that is wrong.
            ClearstackError: The stack cannot be used, or not in this mode.
        """
        if request.request_id and not request.validate_only:
            with contextlib.suppress(NotFoundError):
                return await self.get(f"{_COLLECTION}/{ids.new_id(_COLLECTION, request.request_id, creator)}")
        violations = _wrong_choices(request)
        stack = await self._named_stack(request, violations)
        config = _resolved(request, stack, violations)
        if violations:
            raise InvalidFieldsError(violations)
        if request.mode == config_pb2.MODE_2_5D and not stack.info.two_and_half_d_possible:
            raise ClearstackError(
                stack.info.two_and_half_d_reason,
                reason=error_reason_pb2.ERROR_REASON_INSUFFICIENT_STACK_DEPTH,
            )
        record = _new_record(request, stack, config, creator)
        if request.validate_only:
            return record.training
        stored = await self._runs.create_training(record)
        return await self._shown(stored)

    async def _named_stack(self, request: CreateTrainingRequest, violations: list[tuple[str, str]]) -> Stack:
        """The stack; one of unknown size, and a violation more, if what is there instead of a name is none."""
        try:
            stack = (await self._tables.stacks.get(id_in(request.stack, "stacks", "stack"))).value
        except InvalidFieldsError as error:
            violations += error.violations
            return Stack(info=_ANY_SIZE)
        except NotFoundError:
            raise not_found(request.stack, "stacks") from None
        require_ready(stack)
        return stack

    async def get(self, name: str) -> Training:
        """One training."""
        return await self._shown(await self._get(name))

    async def list(
        self, page_size: int, page_token: str, letters: str = ""
    ) -> tuple[Sequence[Training], str]:
        """One page of trainings that are called so, newest first, and the token of the next."""

        def keep(record: TrainingRecord) -> bool:
            return is_meant(letters, record.training.display_name, record.training.name)

        trainings = await self._tables.trainings.list()
        self._queue.update(trainings)
        shown, token = page_of(self._by_age, trainings, page_size, page_token, keep if letters else None)
        return [self._with_position(stored) for stored in shown], token

    async def cancel(self, name: str) -> Training:
        """Stops a training for good; cancelling it again changes nothing."""
        stored = await self._get(name)
        if stored.value.training.state != training_pb2.TRAINING_STATE_CANCELLED:
            stored = await self._runs.advance_training(name, Cancel())
        return await self._shown(stored)

    async def delete(self, name: str, etag: str) -> None:
        """Removes a training that is over, with its model, results and history.

        Raises:
            WrongStateError: It is not over.
            ClearstackError: IN_USE: another run, not finished, needs its model or a result.
        """
        while True:
            stored = await self._get(name)
            await self._require_deletable(stored, etag)
            try:
                await self._tables.trainings.delete(stored)
            except ConflictError:
                continue  # what was decided last has just been carried out: look again
            return await self._delete_what_it_made(stored)

    async def _require_deletable(self, stored: StoredRecord[TrainingRecord], etag: str) -> None:
        training = stored.value.training
        check_etag(etag, training)
        if training.state not in workflow.TERMINAL:
            raise WrongStateError(
                f"The training is {workflow.state_name(stored.value)}; cancel it first, or wait until it is finished."
            )
        results = {stage.result_stack for stage in training.stages if stage.result_stack}
        await require_unused(
            self._tables,
            "model or result of the training",
            {f"models/{stored.id}", *results},
            but=training.name,
        )

    async def _delete_what_it_made(self, stored: StoredRecord[TrainingRecord]) -> None:
        name = stored.value.training.name
        for stack in await self._tables.stacks.list():
            if stack.value.source_run == name:
                await self._tables.stacks.delete(stack)
        for denoising in await self._tables.denoisings.list():
            if denoising.value.denoising.training == name:
                await self._tables.denoisings.delete(denoising)
                await self._bus.forget_events(denoising.value.denoising.name)
        for model in await self._tables.models.list():
            if model.value.training == name:
                await self._tables.models.delete(model)
        for prefix in (f"results/{stored.id}/", f"{model_folder(stored.value)}/"):
            await self._store.delete([found.key for found in await self._store.list(prefix)])
        await self._bus.forget_events(name)

    async def watch(self, name: str, after_sequence: int) -> AsyncIterator[tuple[int, Event] | None]:
        """The training's events, replayed and followed to its end; None = nothing new, still there."""

        async def is_over() -> bool:
            record = (await self._get(name)).value
            return record.training.state in workflow.TERMINAL and not record.outbox

        async for item in history(self._bus, name, after_sequence, is_over):
            yield item

    def presets(
        self, method: "config_pb2.Method.ValueType"
    ) -> Sequence[tuple["Preset.ValueType", TrainingConfig]]:
        """Every preset with its values."""
        chosen = method or config_pb2.METHOD_N2V
        presets = (config_pb2.PRESET_FAST, config_pb2.PRESET_BALANCED, config_pb2.PRESET_HIGH_QUALITY)
        return [(preset, preset_config(chosen, preset)) for preset in presets]

    async def _get(self, name: str) -> StoredRecord[TrainingRecord]:
        try:
            return await self._tables.trainings.get(id_in(name, _COLLECTION))
        except NotFoundError:
            raise not_found(name, _COLLECTION) from None

    async def _shown(self, stored: StoredRecord[TrainingRecord]) -> Training:
        if stored.value.training.state == training_pb2.TRAINING_STATE_QUEUED:
            self._queue.update(await self._tables.trainings.list(stored.revision))
        return self._with_position(stored)

    def _with_position(self, stored: StoredRecord[TrainingRecord]) -> Training:
        training = Training()
        training.CopyFrom(stored.value.training)
        training.etag = etag_of(stored.value.training)
        if training.state == training_pb2.TRAINING_STATE_QUEUED:
            position = self._queue.position(stored.id)
            training.queue_position = 0 if position is None else position + 1
        return training


def _wrong_choices(request: CreateTrainingRequest) -> list[tuple[str, str]]:
    violations = []
    if request.method not in _METHODS:
        violations.append(("method", "is missing or unknown; allowed: METHOD_N2V, METHOD_AUTOSTRUCTN2V"))
    if request.mode not in config_pb2.Mode.values():
        violations.append(("mode", "is unknown; allowed: MODE_2D, MODE_2_5D"))
    if request.preset not in config_pb2.Preset.values():
        violations.append(
            ("preset", "is unknown; allowed: PRESET_FAST, PRESET_BALANCED, PRESET_HIGH_QUALITY")
        )
    if request.session and not _SESSION.fullmatch(request.session):
        violations.append(
            ("session", "must be up to 64 letters, digits, '-', '_' or '.', and begin with a letter or digit")
        )
    return violations


def wrong_wishes(request: CreateTrainingRequest) -> list[tuple[str, str]]:
    """What is wrong with a request, whatever the stack: field and text."""
    violations = _wrong_choices(request)
    _resolved(request, Stack(info=_ANY_SIZE), violations)
    return violations


def _resolved(
    request: CreateTrainingRequest, stack: Stack, violations: list[tuple[str, str]]
) -> TrainingConfig:
    """The full configuration; what is wrong with it joins the violations. A wrong choice hides no other mistake."""
    method, preset = request.method, request.preset or config_pb2.PRESET_BALANCED
    if method not in _METHODS:
        has_two_stages = request.config.HasField("stage2") or request.config.HasField("mask")
        method = config_pb2.METHOD_AUTOSTRUCTN2V if has_two_stages else config_pb2.METHOD_N2V
    if preset not in config_pb2.Preset.values():
        preset = config_pb2.PRESET_BALANCED
    try:
        shape_ZYX = (stack.info.slice_count, stack.info.height, stack.info.width)
        return resolve_config(method, preset, request.config, shape_ZYX)
    except InvalidFieldsError as error:
        violations += error.violations
        return request.config


def _new_record(
    request: CreateTrainingRequest, stack: Stack, config: TrainingConfig, creator: str
) -> TrainingRecord:
    num_stages = len(stage_names(request.method))
    training_id = ids.new_id(_COLLECTION, request.request_id, creator)
    training = Training(
        name=f"{_COLLECTION}/{training_id}",
        display_name=for_people(request.display_name) or stack.display_name,
        stack=stack.name,
        session=request.session or "default",
        state=training_pb2.TRAINING_STATE_QUEUED,
        method=request.method,
        mode=request.mode or config_pb2.MODE_2D,
        preset=request.preset or config_pb2.PRESET_BALANCED,
        config=config,
        auto_approve=request.auto_approve,
        priority=request.priority,
        creator=creator,
        stages=[
            StageStatus(number=number, state=training_pb2.STAGE_STATE_PENDING, attempt=1)
            for number in range(1, num_stages + 1)
        ],
    )
    return TrainingRecord(
        training=training,
        stack=stored_file(stack),
        stack_display_name=stack.display_name,
        stack_info=stack.info,
        stages=[StageRecord() for _ in range(num_stages)],
    )
