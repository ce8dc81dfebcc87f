"""Denoisings that are asked for: a model on a stack."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence

from clearstack.v1 import config_pb2, denoising_pb2, error_reason_pb2
from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.denoising_service_pb2 import (
    REPORT_FORMAT_JSON,
    CreateDenoisingRequest,
    DownloadReportRequest,
)
from clearstack.v1.event_pb2 import Event
from clearstack.v1.job_pb2 import MakeReport
from clearstack.v1.model_service_pb2 import Model, ModelStage, StoredFile
from clearstack.v1.record_pb2 import DenoisingRecord
from clearstack.v1.stack_service_pb2 import FileLink, Stack
from clearstack_common import ids
from clearstack_common.bus import Bus, StoredRecord
from clearstack_common.errors import ClearstackError, InvalidFieldsError, NotFoundError, WrongStateError
from clearstack_common.objects import ObjectStore
from clearstack_common.subjects import run_id

from clearstack_gateway.use_cases.models import require_ready as require_ready_model
from clearstack_gateway.use_cases.naming import for_people, is_meant
from clearstack_gateway.use_cases.ordered import Key, Ordered
from clearstack_gateway.use_cases.runs import Runs
from clearstack_gateway.use_cases.stacks import require_ready, stored_file
from clearstack_gateway.use_cases.tables import Tables, etag_of, id_in, not_found, page_of
from clearstack_gateway.use_cases.watching import history
from clearstack_gateway.workflow import Cancel
from clearstack_gateway.workflow import denoising as workflow

_COLLECTION = "denoisings"


class Denoisings:
    """What can be done with denoisings."""

    def __init__(self, bus: Bus, tables: Tables, store: ObjectStore, runs: Runs) -> None:
        self._bus = bus
        self._store = store
        self._tables = tables
        self._runs = runs
        self._all = Ordered(_age)
        self._own = Ordered[DenoisingRecord](
            lambda stored: None if stored.value.denoising.training else _age(stored)
        )

    async def create(self, request: CreateDenoisingRequest, creator: str = "") -> Denoising:
        """Queues the denoising of a stack with a model.

        A repeated request gets what the first one has made, even if its stack was deleted meanwhile.

        Raises:
            InvalidFieldsError: Names every field that is wrong.
            ClearstackError: The stack cannot be used, or not with a 2.5D model.
        """
        if request.request_id:
            with contextlib.suppress(NotFoundError):
                return await self.get(f"{_COLLECTION}/{ids.new_id(_COLLECTION, request.request_id, creator)}")
        violations = list(_wrong_fields(request))
        if any(field in {"stack", "model"} for field, _ in violations):
            raise InvalidFieldsError(violations)
        stack, model = await self._stack(request.stack), await self._model(request.model)
        stage = _stage(model, request.stage, violations)
        if model.mode == config_pb2.MODE_2_5D and not stack.info.two_and_half_d_possible:
            raise ClearstackError(
                stack.info.two_and_half_d_reason,
                reason=error_reason_pb2.ERROR_REASON_INSUFFICIENT_STACK_DEPTH,
            )
        record = DenoisingRecord(
            stack=stored_file(stack),
            stack_info=stack.info,
            denoising=Denoising(
                name=f"{_COLLECTION}/{ids.new_id(_COLLECTION, request.request_id, creator)}",
                display_name=for_people(request.display_name) or stack.display_name,
                stack=stack.name,
                model=model.name,
                stage=stage.number,
                slice_count=stack.info.slice_count,
                output_dtype=request.output_dtype,
                mode=model.mode,
                model_files=stage.files,
                creator=creator,
            ),
            report=_report(stack, model, stage.number),
        )
        return _shown(await self._runs.create_denoising(record))

    async def _stack(self, name: str) -> Stack:
        try:
            stack = (await self._tables.stacks.get(id_in(name, "stacks", "stack"))).value
        except NotFoundError:
            raise not_found(name, "stacks") from None
        require_ready(stack)
        return stack

    async def _model(self, name: str) -> Model:
        try:
            model = (await self._tables.models.get(id_in(name, "models", "model"))).value
        except NotFoundError:
            raise not_found(name, "models") from None
        require_ready_model(model)
        return model

    async def get(self, name: str) -> Denoising:
        """One denoising."""
        return _shown(await self._get(name))

    async def list(
        self, page_size: int, page_token: str, *, include_training_steps: bool, letters: str = ""
    ) -> tuple[Sequence[Denoising], str]:
        """One page of denoisings that are called so, newest first, and the token of the next."""

        def keep(record: DenoisingRecord) -> bool:
            return is_meant(letters, record.denoising.display_name, record.denoising.name)

        ordered = self._all if include_training_steps else self._own
        everything = await self._tables.denoisings.list()
        shown, token = page_of(ordered, everything, page_size, page_token, keep if letters else None)
        return [_shown(stored) for stored in shown], token

    async def cancel(self, name: str) -> Denoising:
        """Stops a denoising for good; cancelling it again changes nothing.

        Raises:
            WrongStateError: It is over, or a step of a training, which would wait for it for ever.
        """
        stored = await self._get(name)
        if training := stored.value.denoising.training:
            raise WrongStateError(f"This denoising is a step of {training}; cancel that training instead.")
        if stored.value.denoising.state != denoising_pb2.DENOISING_STATE_CANCELLED:
            stored = await self._runs.advance_denoising(name, Cancel())
        return _shown(stored)

    async def watch(self, name: str, after_sequence: int) -> AsyncIterator[tuple[int, Event] | None]:
        """The denoising's events, replayed and followed to its end; None = nothing new, still there."""

        async def is_over() -> bool:
            record = (await self._get(name)).value
            return record.denoising.state in workflow.TERMINAL and not record.outbox

        async for item in history(self._bus, name, after_sequence, is_over):
            yield item

    async def report(self, request: DownloadReportRequest) -> AsyncIterator[bytes]:
        """The report of a denoising, or of a training's result, in chunks.

        Raises:
            WrongStateError: There is none, or not yet.
        """
        async for chunk in self._store.stream((await self._report(request)).object_key):
            yield chunk

    async def report_link(self, request: DownloadReportRequest, expires_s: int) -> FileLink:
        """The same, as a link that opens for a while."""
        file = await self._report(request)
        url = await self._store.download_url(file.object_key, expires_s)
        suffix = file.file_name.rpartition(".")[2]
        return FileLink(
            url=url,
            file_name=f"{run_id(request.name)}-report.{suffix}",
            size_bytes=file.size_bytes,
            sha256=file.sha256,
        )

    async def _report(self, request: DownloadReportRequest) -> StoredFile:
        name = request.name
        if name.startswith("trainings/"):
            name = await self._reported(name, request.stage)
        denoising = (await self._get(name)).value.denoising
        wanted = "report.json" if request.format == REPORT_FORMAT_JSON else "report.html"
        files = [file for file in denoising.report_files if file.file_name == wanted]
        if not files:
            raise WrongStateError(_why_no_report(denoising))
        return files[0]

    async def _reported(self, name: str, stage: int) -> str:
        """The denoising that made a training's result."""
        try:
            training = (await self._tables.trainings.get(id_in(name, "trainings"))).value.training
        except NotFoundError:
            raise not_found(name, "trainings") from None
        staged = {each.number: each.result_stack for each in training.stages}
        result = staged.get(stage, "") if stage else training.result_stack
        if not result:
            what = f"of stage {stage} " if stage else ""
            raise WrongStateError(
                f"There is no result {what}yet that could have a report; `clearstack trainings show` tells how far it is."
            )
        return f"{_COLLECTION}/{run_id(result)}"  # a result has the id of the denoising that made it

    async def _get(self, name: str) -> StoredRecord[DenoisingRecord]:
        try:
            return await self._tables.denoisings.get(id_in(name, _COLLECTION))
        except NotFoundError:
            raise not_found(name, _COLLECTION) from None


def _wrong_fields(request: CreateDenoisingRequest) -> Iterator[tuple[str, str]]:
    """What can be told without looking anything up."""
    for field, collection in (("stack", "stacks"), ("model", "models")):
        try:
            id_in(getattr(request, field), collection, field)
        except InvalidFieldsError as error:
            yield from error.violations
    if request.output_dtype not in {"", "float32"}:
        yield "output_dtype", f"is {request.output_dtype[:80]!r}; allowed: 'float32', or nothing"


def _stage(model: Model, number: int, violations: list[tuple[str, str]]) -> ModelStage:
    """The stage that is asked for.

    Raises:
        InvalidFieldsError: The model has no such stage, or something else is wrong already.
    """
    numbers = [stage.number for stage in model.stages]
    wanted = number or max(numbers)
    if wanted not in numbers:
        violations.append(("stage", f"is {number}; the model has {', '.join(map(str, numbers))}"))
    if violations:
        raise InvalidFieldsError(violations)
    return model.stages[numbers.index(wanted)]


def _report(stack: Stack, model: Model, number: int) -> MakeReport:
    """What the report will be made of; the result itself comes later."""
    return MakeReport(
        stack_name=stack.name,
        stack_display_name=stack.display_name,
        method=model.method,
        mode=model.mode,
        stage=number,
        stages=[stage for stage in model.stages if stage.number <= number],
        config=model.config,
        mask_files=model.mask_files if number > 1 else [],
        model=model.name,
        training=model.training,
        device=model.device,
        is_training_stack=bool(model.stack_sha256) and model.stack_sha256 == stack.sha256,
    )


def _why_no_report(denoising: Denoising) -> str:
    if denoising.state == denoising_pb2.DENOISING_STATE_COMPLETE:
        return "This result has no report: " + (
            " ".join(denoising.notes)
            or "it was made before there were reports; denoise the stack again to get one."
        )
    return "There is no report yet: it is made when the result is complete."


def _age(stored: StoredRecord[DenoisingRecord]) -> Key:
    return stored.value.denoising.create_time.ToNanoseconds(), stored.id


def _shown(stored: StoredRecord[DenoisingRecord]) -> Denoising:
    denoising = Denoising()
    denoising.CopyFrom(stored.value.denoising)
    denoising.etag = etag_of(stored.value.denoising)
    return denoising
