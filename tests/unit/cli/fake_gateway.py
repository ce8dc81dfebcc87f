"""A gateway in memory: real gRPC, no broker, no store, and a training that takes no time."""

# ruff: noqa: D102 - the calls are described in the protos

import hashlib
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import grpc
from clearstack.v1 import (
    config_pb2,
    denoising_pb2,
    denoising_service_pb2,
    inspection_pb2,
    mask_pb2,
    mask_service_pb2,
    model_service_pb2,
    stack_service_pb2,
    training_pb2,
    training_service_pb2,
)
from clearstack.v1.denoising_service_pb2_grpc import (
    DenoisingServiceServicer,
    add_DenoisingServiceServicer_to_server,
)
from clearstack.v1.event_pb2 import Event
from clearstack.v1.mask_service_pb2_grpc import MaskServiceServicer, add_MaskServiceServicer_to_server
from clearstack.v1.model_service_pb2_grpc import ModelServiceServicer, add_ModelServiceServicer_to_server
from clearstack.v1.stack_service_pb2_grpc import StackServiceServicer, add_StackServiceServicer_to_server
from clearstack.v1.training_pb2 import StageStatus, Training
from clearstack.v1.training_service_pb2_grpc import (
    TrainingServiceServicer,
    add_TrainingServiceServicer_to_server,
)
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


class FakeGateway(
    StackServiceServicer,
    TrainingServiceServicer,
    MaskServiceServicer,
    ModelServiceServicer,
    DenoisingServiceServicer,
):
    """Does everything at once; what goes wrong is told by its attributes.

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
        self.refuse_config: dict[str, str] = {}
        self.fail_with = ""
        self._news = threading.Condition()
        self._count = 0

    # -- stacks

    def CreateStack(
        self, request: stack_service_pb2.CreateStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.CreateStackResponse:
        del context
        stack = stack_service_pb2.Stack(
            name=self._new("stacks"),
            display_name=request.display_name,
            state=stack_service_pb2.STACK_STATE_UPLOADING,
        )
        self.stacks[stack.name], self.files[stack.name] = stack, b""
        return stack_service_pb2.CreateStackResponse(stack=stack)

    def UploadStack(
        self, request_iterator: Iterator[stack_service_pb2.UploadStackRequest], context: grpc.ServicerContext
    ) -> stack_service_pb2.UploadStackResponse:
        name = ""
        for request in request_iterator:
            name = request.name or name
            if request.offset != len(self.files[name]):
                refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "UPLOAD_OFFSET_MISMATCH", "wrong offset")
            self.files[name] += request.data
            self.stacks[name].uploaded_bytes = len(self.files[name])
            if self.cut_upload_after is not None and len(self.files[name]) >= self.cut_upload_after:
                self.cut_upload_after = None
                context.abort(grpc.StatusCode.UNAVAILABLE, "cut off")
        return stack_service_pb2.UploadStackResponse(stack=self.stacks[name])

    def FinalizeStack(
        self, request: stack_service_pb2.FinalizeStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.FinalizeStackResponse:
        data, stack = self.files[request.name], self.stacks[request.name]
        if (request.size_bytes, request.sha256) != (len(data), hashlib.sha256(data).hexdigest()):
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "CHECKSUM_MISMATCH", "not the same bytes")
        self._ready(stack, data)
        return stack_service_pb2.FinalizeStackResponse(stack=stack)

    def GetStack(
        self, request: stack_service_pb2.GetStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.GetStackResponse:
        return stack_service_pb2.GetStackResponse(stack=self._found(self.stacks, request.name, context))

    def ListStacks(
        self, request: stack_service_pb2.ListStacksRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.ListStacksResponse:
        del context
        page, token = self._page(self.stacks, request.page_token)
        return stack_service_pb2.ListStacksResponse(stacks=page, next_page_token=token)

    def DeleteStack(
        self, request: stack_service_pb2.DeleteStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.DeleteStackResponse:
        self._found(self.stacks, request.name, context)
        del self.stacks[request.name]
        return stack_service_pb2.DeleteStackResponse()

    def DownloadStack(
        self, request: stack_service_pb2.DownloadStackRequest, context: grpc.ServicerContext
    ) -> Iterator[stack_service_pb2.DownloadStackResponse]:
        del context
        data = self.files[request.name][request.offset :]
        for start in range(0, len(data), 1000):
            yield stack_service_pb2.DownloadStackResponse(data=data[start : start + 1000])

    def InspectStack(
        self, request: stack_service_pb2.InspectStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.InspectStackResponse:
        self._found(self.stacks, request.name, context)
        return stack_service_pb2.InspectStackResponse(inspection=self.inspection)

    # -- trainings

    def CreateTraining(
        self, request: training_service_pb2.CreateTrainingRequest, context: grpc.ServicerContext
    ) -> training_service_pb2.CreateTrainingResponse:
        if self.refuse_config:
            code = grpc.StatusCode.INVALID_ARGUMENT
            refuse(context, code, "INVALID_FIELDS", "2 fields are wrong", self.refuse_config)
        self.created.append(request)
        structured = request.method == config_pb2.METHOD_AUTOSTRUCTN2V
        pending = training_pb2.STAGE_STATE_PENDING
        training = Training(
            name=self._new("trainings"),
            display_name=request.display_name,
            stack=request.stack,
            state=training_pb2.TRAINING_STATE_TRAINING,
            method=request.method,
            mode=request.mode,
            preset=request.preset,
            config=request.config,
            auto_approve=request.auto_approve,
            stages=[StageStatus(number=n, state=pending) for n in ((1, 2) if structured else (1,))],
        )
        training.config.mask.base_percentile = 50
        training.config.mask.percentile_decay = 1.15
        training.config.mask.max_masked_pixels = 25
        self.trainings[training.name], self.events[training.name] = training, []
        created = Training()
        created.CopyFrom(training)
        self._stage_one(training)
        return training_service_pb2.CreateTrainingResponse(training=created)

    def GetTraining(
        self, request: training_service_pb2.GetTrainingRequest, context: grpc.ServicerContext
    ) -> training_service_pb2.GetTrainingResponse:
        found = self._found(self.trainings, request.name, context)
        return training_service_pb2.GetTrainingResponse(training=found)

    def ListTrainings(
        self, request: training_service_pb2.ListTrainingsRequest, context: grpc.ServicerContext
    ) -> training_service_pb2.ListTrainingsResponse:
        del context
        page, token = self._page(self.trainings, request.page_token)
        return training_service_pb2.ListTrainingsResponse(trainings=page, next_page_token=token)

    def CancelTraining(
        self, request: training_service_pb2.CancelTrainingRequest, context: grpc.ServicerContext
    ) -> training_service_pb2.CancelTrainingResponse:
        training = self._found(self.trainings, request.name, context)
        self._go(training, training_pb2.TRAINING_STATE_CANCELLED)
        return training_service_pb2.CancelTrainingResponse(training=training)

    def DeleteTraining(
        self, request: training_service_pb2.DeleteTrainingRequest, context: grpc.ServicerContext
    ) -> training_service_pb2.DeleteTrainingResponse:
        self._found(self.trainings, request.name, context)
        del self.trainings[request.name]
        return training_service_pb2.DeleteTrainingResponse()

    def WatchTraining(
        self, request: training_service_pb2.WatchTrainingRequest, context: grpc.ServicerContext
    ) -> Iterator[training_service_pb2.WatchTrainingResponse]:
        self.watched_after.append(request.after_sequence)
        training, events = self.trainings[request.name], self.events[request.name]
        yield training_service_pb2.WatchTrainingResponse(snapshot=training)
        yield training_service_pb2.WatchTrainingResponse(heartbeat=training_service_pb2.Heartbeat())
        sequence = request.after_sequence
        while context.is_active():
            for event in events[sequence:]:
                sequence += 1
                yield training_service_pb2.WatchTrainingResponse(event=event, sequence=sequence)
                if sequence == self.cut_watch_after:
                    self.cut_watch_after = None
                    context.abort(grpc.StatusCode.UNAVAILABLE, "cut off")
            if training.state in {
                training_pb2.TRAINING_STATE_COMPLETE,
                training_pb2.TRAINING_STATE_FAILED,
                training_pb2.TRAINING_STATE_CANCELLED,
            }:
                return
            with self._news:
                self._news.wait(timeout=0.05)

    def ListPresets(
        self, request: training_service_pb2.ListPresetsRequest, context: grpc.ServicerContext
    ) -> training_service_pb2.ListPresetsResponse:
        del request, context
        stage = config_pb2.StageConfig(
            epochs=100, augmentation=True, masking_strategy=config_pb2.MASKING_STRATEGY_LOCAL_MEAN
        )
        values = training_service_pb2.PresetValues(
            preset=config_pb2.PRESET_HIGH_QUALITY, config=config_pb2.TrainingConfig(stage1=stage)
        )
        return training_service_pb2.ListPresetsResponse(presets=[values])

    # -- masks

    def GetMask(
        self, request: mask_service_pb2.GetMaskRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.GetMaskResponse:
        del context
        active = [False] * 15
        for cell in (5, 6, 7, 8, 9):
            active[cell] = True
        offsets = [
            mask_pb2.OffsetCorrelation(x=x, correlation=0.9 / abs(x), certainty=20, active=True)
            for x in (-2, -1, 1, 2)
        ]
        mask = mask_pb2.Mask(
            summary=self.trainings[request.training].mask,
            planes=[
                mask_pb2.MaskPlane(
                    slice_offset=z, active=active, active_pixel_count=5, coverage_percent=100 / 3
                )
                for z in self.slice_offsets
            ],
            offsets=offsets,
        )
        return mask_service_pb2.GetMaskResponse(mask=mask)

    def ApproveMask(
        self, request: mask_service_pb2.ApproveMaskRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.ApproveMaskResponse:
        self._require_review(request.training, context)
        self.calls.append("approve")
        self.approved.append(request)
        training = self.trainings[request.training]
        self._stage(training, 2)
        self._complete(training)
        return mask_service_pb2.ApproveMaskResponse(training=training)

    def RegenerateMask(
        self, request: mask_service_pb2.RegenerateMaskRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.RegenerateMaskResponse:
        self._require_review(request.training, context)
        if request.config.base_percentile > 100:
            wrong = {"config.base_percentile": "must be 0 to 100"}
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", "wrong", wrong)
        self.calls.append("regenerate")
        self.regenerated.append(request.config)
        training = self.trainings[request.training]
        self._extract(training)
        return mask_service_pb2.RegenerateMaskResponse(training=training)

    def SkipStageTwo(
        self, request: mask_service_pb2.SkipStageTwoRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.SkipStageTwoResponse:
        self._require_review(request.training, context)
        self.calls.append("skip")
        training = self.trainings[request.training]
        training.stages[1].state = training_pb2.STAGE_STATE_SKIPPED
        self._complete(training)
        return mask_service_pb2.SkipStageTwoResponse(training=training)

    def SetAutoApprove(
        self, request: mask_service_pb2.SetAutoApproveRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.SetAutoApproveResponse:
        training = self._found(self.trainings, request.training, context)
        training.auto_approve = request.auto_approve
        return mask_service_pb2.SetAutoApproveResponse(training=training)

    # -- models and denoisings

    def GetModel(
        self, request: model_service_pb2.GetModelRequest, context: grpc.ServicerContext
    ) -> model_service_pb2.GetModelResponse:
        found = self._found(self.models, request.name, context)
        return model_service_pb2.GetModelResponse(model=found, links=self.links)

    def ListModels(
        self, request: model_service_pb2.ListModelsRequest, context: grpc.ServicerContext
    ) -> model_service_pb2.ListModelsResponse:
        del context
        page, token = self._page(self.models, request.page_token)
        return model_service_pb2.ListModelsResponse(models=page, next_page_token=token)

    def ImportModel(
        self, request_iterator: Iterator[model_service_pb2.ImportModelRequest], context: grpc.ServicerContext
    ) -> model_service_pb2.ImportModelResponse:
        first = next(request_iterator)
        self.imported = {}
        for request in request_iterator:
            self.imported[request.file_name] = self.imported.get(request.file_name, b"") + request.data
        if self.refuse_import:
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "MODEL_MISMATCH", self.refuse_import)
        model = model_service_pb2.Model(
            name=self._new("models"),
            display_name=first.display_name,
            origin=model_service_pb2.MODEL_ORIGIN_IMPORTED,
            method=config_pb2.METHOD_N2V,
            mode=config_pb2.MODE_2D,
            stages=[model_service_pb2.ModelStage(number=1)],
            notes=["It is applied in patches."],
        )
        self.models[model.name] = model
        return model_service_pb2.ImportModelResponse(model=model)

    def ExportModel(
        self, request: model_service_pb2.ExportModelRequest, context: grpc.ServicerContext
    ) -> Iterator[model_service_pb2.ExportModelResponse]:
        self._found(self.models, request.name, context)
        data = model_service_pb2.ModelExportFormat.Name(request.format).encode()
        sha256 = self.export_sha256 or hashlib.sha256(data).hexdigest()
        yield model_service_pb2.ExportModelResponse(size_bytes=len(data), sha256=sha256)
        yield model_service_pb2.ExportModelResponse(data=data[:9])
        yield model_service_pb2.ExportModelResponse(data=data[9:])

    def DeleteModel(
        self, request: model_service_pb2.DeleteModelRequest, context: grpc.ServicerContext
    ) -> model_service_pb2.DeleteModelResponse:
        self._found(self.models, request.name, context)
        del self.models[request.name]
        return model_service_pb2.DeleteModelResponse()

    def CreateDenoising(
        self, request: denoising_service_pb2.CreateDenoisingRequest, context: grpc.ServicerContext
    ) -> denoising_service_pb2.CreateDenoisingResponse:
        del context
        denoising = denoising_pb2.Denoising(
            name=self._new("denoisings"),
            stack=request.stack,
            model=request.model,
            output_dtype=request.output_dtype,
            state=denoising_pb2.DENOISING_STATE_COMPLETE,
            result_stack=self._result(request.stack),
        )
        self.denoisings[denoising.name] = denoising
        return denoising_service_pb2.CreateDenoisingResponse(denoising=denoising)

    def DownloadReport(
        self, request: denoising_service_pb2.DownloadReportRequest, context: grpc.ServicerContext
    ) -> Iterator[denoising_service_pb2.DownloadReportResponse]:
        is_json = request.format == denoising_service_pb2.REPORT_FORMAT_JSON
        for part in ("{", "}") if is_json else ("<html>", f"{request.name} {request.stage}</html>"):
            yield denoising_service_pb2.DownloadReportResponse(data=part.encode())

    def GetDenoising(
        self, request: denoising_service_pb2.GetDenoisingRequest, context: grpc.ServicerContext
    ) -> denoising_service_pb2.GetDenoisingResponse:
        found = self._found(self.denoisings, request.name, context)
        return denoising_service_pb2.GetDenoisingResponse(denoising=found)

    def ListDenoisings(
        self, request: denoising_service_pb2.ListDenoisingsRequest, context: grpc.ServicerContext
    ) -> denoising_service_pb2.ListDenoisingsResponse:
        del context
        page, token = self._page(self.denoisings, request.page_token)
        return denoising_service_pb2.ListDenoisingsResponse(denoisings=page, next_page_token=token)

    def CancelDenoising(
        self, request: denoising_service_pb2.CancelDenoisingRequest, context: grpc.ServicerContext
    ) -> denoising_service_pb2.CancelDenoisingResponse:
        found = self._found(self.denoisings, request.name, context)
        found.state = denoising_pb2.DENOISING_STATE_CANCELLED
        return denoising_service_pb2.CancelDenoisingResponse(denoising=found)

    def WatchDenoising(
        self, request: denoising_service_pb2.WatchDenoisingRequest, context: grpc.ServicerContext
    ) -> Iterator[denoising_service_pb2.WatchDenoisingResponse]:
        del context
        yield denoising_service_pb2.WatchDenoisingResponse(snapshot=self.denoisings[request.name])

    # -- what the command line does not call

    def _not_faked(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        del request
        refuse(context, grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED", "Not faked.")

    # Streams or not, their signatures do not matter here.
    GetStackPreview: Any = _not_faked

    # -- what a training does

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

    # -- helpers

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


def serve(gateway: FakeGateway, server: grpc.Server) -> int:
    """Puts all services on a server; returns its port on this machine."""
    add_StackServiceServicer_to_server(gateway, server)
    add_TrainingServiceServicer_to_server(gateway, server)
    add_MaskServiceServicer_to_server(gateway, server)
    add_ModelServiceServicer_to_server(gateway, server)
    add_DenoisingServiceServicer_to_server(gateway, server)
    return server.add_insecure_port("127.0.0.1:0")
