"""What the fake gateway holds, and a training that takes no time."""

import hashlib
import threading
from typing import Any, NoReturn

import grpc
from clearstack.v1 import (
    config_pb2,
    denoising_pb2,
    inspection_pb2,
    mask_pb2,
    mask_service_pb2,
    model_service_pb2,
    stack_service_pb2,
    training_pb2,
    training_service_pb2,
)
from clearstack.v1.admin_service_pb2 import DiagnoseInstallationResponse, RebuildRecordsResponse
from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.event_pb2 import Event
from clearstack.v1.rule_service_pb2 import Acquisition, Rule
from clearstack.v1.training_pb2 import Training
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

NUM_EPOCHS = 3


def refuse(
    context: grpc.ServicerContext,
    code: grpc.StatusCode,
    reason: str,
    message: str,
    violations: dict[str, str] | None = None,
) -> NoReturn:
    """Ends a call as the real gateway does."""
    details: list[Any] = [error_details_pb2.ErrorInfo(reason=reason, domain="clearstack")]
    if violations:
        bad = error_details_pb2.BadRequest()
        for field, text in violations.items():
            bad.field_violations.add(field=field, description=text)
        details.append(bad)
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    status = status_pb2.Status(code=code.value[0], message=message, details=packed)
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort raises")


class State:
    """Everything that the calls share; what goes wrong is told by its attributes.

    Attributes:
        cut_upload_after: Bytes after which an upload is cut off, once.
        cut_watch_after: Events after which a watcher is cut off, once.
        advice: What the extractor recommends.
        page_size: Items on a page, whatever is asked for.
        slice_offsets: Planes of the masks; -1, 0, 1 in 2.5D.
        calls: Names of the calls, in order.
    """

    def __init__(self) -> None:
        self.stacks: dict[str, stack_service_pb2.Stack] = {}
        self.files: dict[str, bytes] = {}
        self.trainings: dict[str, Training] = {}
        self.events: dict[str, list[Event]] = {}
        self.models: dict[str, model_service_pb2.Model] = {}
        self.links: list[model_service_pb2.ModelFileLink] = []
        self.imported: dict[str, bytes] = {}
        self.refuse_import = ""
        self.export_sha256 = ""
        self.denoisings: dict[str, denoising_pb2.Denoising] = {}
        self.cut_upload_after: int | None = None
        self.cut_watch_after: int | None = None
        self.advice: mask_pb2.ReviewAdvice.ValueType = mask_pb2.REVIEW_ADVICE_APPROVE
        self.page_size = 1000
        self.inspection = inspection_pb2.Inspection()
        self.calls: list[str] = []
        self.created: list[training_service_pb2.CreateTrainingRequest] = []
        self.regenerated: list[config_pb2.MaskExtractorConfig] = []
        self.approved: list[mask_service_pb2.ApproveMaskRequest] = []
        self.slice_offsets = [0]
        self.watched_after: list[int] = []
        self.letters: dict[str, DeadLetter] = {}
        self.rules: dict[str, Rule] = {}
        self.acquisitions: dict[str, Acquisition] = {}
        self.rebuilt = RebuildRecordsResponse()
        self.diagnosis = DiagnoseInstallationResponse()
        self.refuse_config: dict[str, str] = {}
        self.fail_with = ""
        self._news = threading.Condition()
        self._count = 0

    def _stage_one(self, training: Training) -> None:
        if self.fail_with:
            training.failure.message = self.fail_with
            self._go(training, training_pb2.TRAINING_STATE_FAILED)
            return
        self._stage(training, 1)
        if training.method == config_pb2.METHOD_N2V:
            self._complete(training)
        else:
            self._extract(training)

    def _stage(self, training: Training, number: int) -> None:
        stage = training.stages[number - 1]
        stage.state, stage.device, stage.attempt = training_pb2.STAGE_STATE_TRAINING, "cpu (float32)", 1
        self._tell(training, stage_started={"stage": number, "attempt": 1, "device": stage.device})
        for epoch in range(1, NUM_EPOCHS + 1):
            stage.progress.epoch, stage.progress.epoch_count = epoch, NUM_EPOCHS
            stage.progress.training_loss, stage.progress.validation_loss = 1 / epoch, 1.1 / epoch
            self._tell(training, epoch_completed={"stage": number, "attempt": 1, "progress": stage.progress})
        stage.state, stage.result_stack = training_pb2.STAGE_STATE_COMPLETE, self._result(training.stack)
        training.model = training.name.replace("trainings/", "models/")
        self.models[training.model] = model_service_pb2.Model(name=training.model, training=training.name)

    def _extract(self, training: Training) -> None:
        mask = training.mask
        mask.revision, mask.advice, mask.message = mask.revision + 1, self.advice, "Horizontal structure"
        mask.kernel_height, mask.kernel_width, mask.active_pixel_count = 3, 5, 5
        mask.pattern, mask.coverage_percent = mask_pb2.MASK_PATTERN_HORIZONTAL, 100 / 3
        self._tell(training, mask_extracted={"summary": mask})
        self._go(training, training_pb2.TRAINING_STATE_AWAITING_REVIEW)
        if training.auto_approve:
            self._stage(training, 2)
            self._complete(training)

    def _complete(self, training: Training) -> None:
        training.result_stack = [each.result_stack for each in training.stages if each.result_stack][-1]
        self._go(training, training_pb2.TRAINING_STATE_COMPLETE)

    def _go(self, training: Training, state: "training_pb2.TrainingState.ValueType") -> None:
        training.state = state
        name = training_pb2.TrainingState.Name(state).removeprefix("TRAINING_STATE_")
        self._tell(training, state_changed={"state": name})

    def _tell(self, training: Training, **kind: Any) -> None:
        self.events[training.name].append(Event(run=training.name, **kind))
        with self._news:
            self._news.notify_all()

    def _new(self, collection: str) -> str:
        self._count += 1
        return f"{collection}/{'abc'[self._count % 3]}{self._count:03d}"

    def _result(self, source: str) -> str:
        stack = stack_service_pb2.Stack(
            name=self._new("stacks"), origin=stack_service_pb2.STACK_ORIGIN_RESULT
        )
        self.files[stack.name] = self.files[source]
        self._ready(stack, self.files[source])
        self.stacks[stack.name] = stack
        return stack.name

    @staticmethod
    def _ready(stack: stack_service_pb2.Stack, data: bytes) -> None:
        stack.state, stack.size_bytes = stack_service_pb2.STACK_STATE_READY, len(data)
        stack.sha256 = hashlib.sha256(data).hexdigest()
        stack.info.slice_count, stack.info.height, stack.info.width, stack.info.dtype = 3, 16, 16, "uint16"

    @staticmethod
    def _found(items: dict[str, Any], name: str, context: grpc.ServicerContext) -> Any:
        if name not in items:
            refuse(context, grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND", f"There is no {name}.")
        return items[name]

    def _require_review(self, name: str, context: grpc.ServicerContext) -> None:
        if self.trainings[name].state != training_pb2.TRAINING_STATE_AWAITING_REVIEW:
            text = "The training does not wait for a review."
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", text)

    def _page(self, items: dict[str, Any], token: str) -> tuple[list[Any], str]:
        start = int(token or 0)
        stop = start + self.page_size
        newest_first = list(reversed(items.values()))
        return newest_first[start:stop], str(stop) if stop < len(newest_first) else ""
