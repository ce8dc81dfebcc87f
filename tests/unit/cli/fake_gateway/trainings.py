"""Trainings in memory."""

# ruff: noqa: D102 - the calls are described in the protos

from collections.abc import Iterator

import grpc
from clearstack.v1 import (
    config_pb2,
    training_pb2,
    training_service_pb2,
)
from clearstack.v1.training_pb2 import StageStatus, Training
from clearstack.v1.training_service_pb2_grpc import (
    TrainingServiceServicer,
)
from unit.cli.fake_gateway.state import State, refuse


class Trainings(State, TrainingServiceServicer):
    """Trains at once."""

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
