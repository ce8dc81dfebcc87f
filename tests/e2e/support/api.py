"""The API as a client sees it, in few words."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from clearstack.v1 import config_pb2, training_pb2
from clearstack.v1.admin_service_pb2_grpc import AdminServiceStub
from clearstack.v1.config_pb2 import TrainingConfig
from clearstack.v1.denoising_service_pb2_grpc import DenoisingServiceStub
from clearstack.v1.event_pb2 import Event
from clearstack.v1.mask_service_pb2_grpc import MaskServiceStub
from clearstack.v1.model_service_pb2 import GetModelRequest
from clearstack.v1.model_service_pb2_grpc import ModelServiceStub
from clearstack.v1.rule_service_pb2_grpc import RuleServiceStub
from clearstack.v1.stack_service_pb2 import (
    CreateStackRequest,
    DownloadStackRequest,
    FinalizeStackRequest,
    GetStackRequest,
    Stack,
    UploadStackRequest,
)
from clearstack.v1.stack_service_pb2_grpc import StackServiceStub
from clearstack.v1.training_pb2 import Training, TrainingState
from clearstack.v1.training_service_pb2 import (
    CreateTrainingRequest,
    GetTrainingRequest,
    WatchTrainingRequest,
)
from clearstack.v1.training_service_pb2_grpc import TrainingServiceStub
from e2e.support.waiting import until

CHUNK_BYTES = 1 << 20
WATCH_S = 200.0  # far longer than any training here takes
N2V, AUTOSTRUCTN2V = config_pb2.METHOD_N2V, config_pb2.METHOD_AUTOSTRUCTN2V
TERMINAL = frozenset(
    {
        training_pb2.TRAINING_STATE_COMPLETE,
        training_pb2.TRAINING_STATE_FAILED,
        training_pb2.TRAINING_STATE_CANCELLED,
    }
)
# Calls outlive the seconds in which a killed gateway is restarted.
_POLICY = {
    "maxAttempts": 5,
    "initialBackoff": "1s",
    "maxBackoff": "8s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_SERVICE_CONFIG = {"methodConfig": [{"name": [{}], "retryPolicy": _POLICY, "waitForReady": True}]}


class Api:
    """A client of one installation."""

    def __init__(self, endpoint: str) -> None:
        options = [
            ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
            ("grpc.max_reconnect_backoff_ms", 500),
            ("grpc.enable_http_proxy", 0),
        ]
        self.channel = grpc.insecure_channel(endpoint, options=options)
        self.stacks = StackServiceStub(self.channel)
        self.trainings = TrainingServiceStub(self.channel)
        self.masks = MaskServiceStub(self.channel)
        self.models = ModelServiceStub(self.channel)
        self.denoisings = DenoisingServiceStub(self.channel)
        self.rules = RuleServiceStub(self.channel)
        self.admin = AdminServiceStub(self.channel)

    def upload(self, path: Path) -> Stack:
        """Uploads a file in chunks and finalizes it."""
        stack = self.stacks.CreateStack(CreateStackRequest(display_name=path.name)).stack
        self.send(stack.name, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        request = FinalizeStackRequest(name=stack.name, size_bytes=path.stat().st_size, sha256=digest)
        return self.stacks.FinalizeStack(request).stack

    def send(self, name: str, path: Path, offset: int = 0) -> Stack:
        """Uploads a file's bytes from an offset on."""
        return self.stacks.UploadStack(_chunks(name, path, offset)).stack

    def download(self, name: str, path: Path) -> Path:
        """Fetches a stack's file."""
        with path.open("wb") as file:
            for part in self.stacks.DownloadStack(DownloadStackRequest(name=name)):
                file.write(part.data)
        return path

    def stack(self, name: str) -> Stack:
        """The stack as it is now."""
        return self.stacks.GetStack(GetStackRequest(name=name)).stack

    def train(self, stack: Stack, config: TrainingConfig, **choices: Any) -> Training:
        """Creates a training, of N2V unless told otherwise."""
        request = CreateTrainingRequest(**{"stack": stack.name, "method": N2V, "config": config, **choices})
        return self.trainings.CreateTraining(request).training

    def training(self, name: str) -> Training:
        """The training as it is now."""
        return self.trainings.GetTraining(GetTrainingRequest(name=name)).training

    def until(self, name: str, *states: "TrainingState.ValueType", within_s: float = 120) -> Training:
        """Waits until a training is in one of the states; a failure that is not awaited is told at once."""
        wanted = " or ".join(map(TrainingState.Name, states))

        def look() -> Training | None:
            training = self.training(name)
            is_lost = training.state in TERMINAL and training.state not in states
            assert not is_lost, f"{name} is {TrainingState.Name(training.state)}: {training.failure.message}"
            return training if training.state in states else None

        return until(look, within_s, f"{name} is {wanted}")

    def until_complete(self, name: str, within_s: float = 120) -> Training:
        """Waits until a training is complete."""
        return self.until(name, training_pb2.TRAINING_STATE_COMPLETE, within_s=within_s)

    def until_epoch(self, name: str, epoch: int, within_s: float = 120) -> int:
        """Waits until stage 1 of a training has done an epoch; returns the one that it has reached."""

        def look() -> int:
            training = self.training(name)
            reached = training.stages[0].progress.epoch
            is_lost = training.state in TERMINAL and reached < epoch
            assert not is_lost, f"{name} is over: {training.failure.message}"
            return reached if reached >= epoch else 0

        return until(look, within_s, f"{name} has done epoch {epoch}")

    def weights(self, training: Training, stage: int = 1) -> str:
        """The SHA-256 of a stage's weights."""
        model = self.models.GetModel(GetModelRequest(name=training.model)).model
        [found] = [file for file in model.stages[stage - 1].files if file.file_name == "weights.safetensors"]
        return found.sha256

    def watch(self, name: str, after_sequence: int = 0) -> Iterator[tuple[int, Event]]:
        """A training's events with their sequence numbers, to its end; broken connections are taken up."""
        position = after_sequence
        while True:
            request = WatchTrainingRequest(name=name, after_sequence=position)
            try:
                for response in self.trainings.WatchTraining(request, timeout=WATCH_S):
                    if response.HasField("event"):
                        position = response.sequence
                        yield position, response.event
            except grpc.RpcError as error:
                if not isinstance(error, grpc.Call) or error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            else:
                return

    def history(self, name: str) -> list[Event]:
        """A finished training's events."""
        return [event for _, event in self.watch(name)]


def _chunks(name: str, path: Path, offset: int) -> Iterator[UploadStackRequest]:
    with path.open("rb") as file:
        file.seek(offset)
        while data := file.read(CHUNK_BYTES):
            yield UploadStackRequest(name=name, offset=offset, data=data)
            offset += len(data)
