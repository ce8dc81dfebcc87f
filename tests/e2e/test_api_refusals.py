"""What the API refuses: each mistake with its own status, reason and sentence."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import MaskExtractorConfig, TrainingConfig
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest, GetDenoisingRequest
from clearstack.v1.mask_service_pb2 import ApproveMaskRequest, GetMaskRequest
from clearstack.v1.model_service_pb2 import GetModelRequest
from clearstack.v1.stack_service_pb2 import (
    CreateStackRequest,
    FinalizeStackRequest,
    GetStackPreviewRequest,
    GetStackRequest,
    InspectStackRequest,
    Stack,
    StackState,
)
from clearstack.v1.training_service_pb2 import CreateTrainingRequest, DeleteTrainingRequest
from e2e.support import configs, tiffs
from e2e.support.api import AUTOSTRUCTN2V, N2V, Api
from e2e.support.refusals import is_sentence, refused

_REFUSED = StackState.STACK_STATE_REFUSED
_Call = Callable[[Api], object]


@pytest.mark.parametrize("kind", tiffs.BAD)
def test_each_bad_file_has_its_reason(api: Api, tmp_path: Path, kind: str) -> None:
    """The status is INVALID_ARGUMENT, the reason says what is wrong, the stack stays refused."""  # spec: B2 B3 B4 B5
    path = tmp_path / "bad.tif"
    tiffs.BAD[kind](path)
    name = api.stacks.CreateStack(CreateStackRequest(display_name="bad.tif")).stack.name
    api.send(name, path)
    refusal = refused(lambda: api.stacks.FinalizeStack(FinalizeStackRequest(name=name)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, kind)
    assert is_sentence(refusal.text), refusal.text
    stack = api.stacks.GetStack(GetStackRequest(name=name)).stack
    assert (stack.state, stack.failure.reason) == (_REFUSED, kind)
    again = refused(lambda: api.train(stack, configs.n2v()))
    assert again.reason == kind


def test_every_wrong_field_is_named_at_once(api: Api, white: Stack) -> None:
    """One refusal lists all fields with their values and ranges."""  # spec: C1 C2 C3 C4 C6 C7 C8 C9 C10 C12 C13 C16 C17
    wrong = {
        "patches_per_image": 0,
        "batch_size": 0,
        "mask_percentage": 99,
        "features": 1000,
        "layers": 6,
        "learning_rate": 5,
        "epochs": 0,
        "patience": 0,
        "upsampling_mode": 99,
        "masking_strategy": 99,
    }
    extractor = {"base_percentile": 101, "percentile_decay": 9, "max_masked_pixels": 0}
    config = TrainingConfig(
        stage1=configs.stage(**wrong),
        stage2=configs.stage(patch_size=60, layers=3),
        mask=MaskExtractorConfig(**extractor),  # type: ignore[arg-type]
    )
    refusal = refused(lambda: api.train(white, config, method=AUTOSTRUCTN2V))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS")
    expected = {f"config.stage1.{name}" for name in wrong} | {f"config.mask.{name}" for name in extractor}
    assert set(refusal.fields) == expected | {"config.stage2.patch_size"}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"config": configs.n2v(patch_size=64)}, "config.stage1.patch_size"),
        ({"config": configs.two_stages()}, "config.stage2"),
        ({"method": config_pb2.METHOD_UNSPECIFIED}, "method"),
        ({"session": "../elsewhere"}, "session"),
        ({"method": AUTOSTRUCTN2V, "config": configs.n2v(augmentation=True)}, "config.stage1.augmentation"),
        ({"config": TrainingConfig(seed=-1)}, "config.seed"),
    ],
)
def test_each_wrong_choice_is_refused(
    api: Api, white: Stack, request_: dict[str, object], field: str
) -> None:
    """A patch beyond the slice, a stage too many, no method, a path as a session: each names its field."""  # spec: C5 C16
    values = {"stack": white.name, "method": N2V, **request_}
    request = CreateTrainingRequest(**values)  # type: ignore[arg-type]
    assert field in refused(lambda: api.trainings.CreateTraining(request)).fields


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.training("trainings/nothere12345"),
        lambda api: api.stacks.GetStack(GetStackRequest(name="stacks/nothere12345")),
        lambda api: api.stacks.InspectStack(InspectStackRequest(name="stacks/nothere12345")),
        lambda api: api.models.GetModel(GetModelRequest(name="models/nothere12345")),
        lambda api: api.denoisings.GetDenoising(GetDenoisingRequest(name="denoisings/nothere12345")),
        lambda api: api.masks.GetMask(GetMaskRequest(training="trainings/nothere12345")),
        lambda api: api.masks.ApproveMask(ApproveMaskRequest(training="trainings/nothere12345")),
        lambda api: api.train(Stack(name="stacks/nothere12345"), configs.n2v()),
        lambda api: list(api.watch("trainings/nothere12345")),
        lambda api: api.trainings.DeleteTraining(DeleteTrainingRequest(name="trainings/nothere12345")),
        lambda api: api.denoisings.CreateDenoising(
            CreateDenoisingRequest(stack="stacks/nothere12345", model="models/nothere12345")
        ),
    ],
)
def test_unknown_ids_are_not_found(api: Api, call: _Call) -> None:
    """Every call with an unknown id says NOT_FOUND."""
    refusal = refused(lambda: call(api))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")
    assert is_sentence(refusal.text), refusal.text


def test_an_unfinished_upload_cannot_be_used(api: Api) -> None:
    """A stack without bytes can be neither finalized nor trained on."""
    stack = api.stacks.CreateStack(CreateStackRequest(display_name="empty.tif")).stack
    finalize = refused(lambda: api.stacks.FinalizeStack(FinalizeStackRequest(name=stack.name)))
    train = refused(lambda: api.train(stack, configs.n2v()))
    for refusal in (finalize, train):
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE")


def test_too_few_slices_for_2_5d(api: Api, white: Stack) -> None:
    """2.5D with six slices is refused with the number that it needs."""  # spec: A5
    refusal = refused(lambda: api.train(white, configs.n2v(), mode=config_pb2.MODE_2_5D))
    assert refusal.reason == "INSUFFICIENT_STACK_DEPTH"
    assert refusal.text.startswith("Insufficient Stack Depth for 2.5D")


def test_a_wrong_checksum_is_refused(api: Api, tmp_path: Path) -> None:
    """Other bytes than announced are not taken, and the right ones are afterwards."""
    path = tiffs.write_noise(tmp_path / "noisy.tif")
    name = api.stacks.CreateStack(CreateStackRequest(display_name="noisy.tif")).stack.name
    api.send(name, path)
    wrong = hashlib.sha256(b"other bytes").hexdigest()
    refusal = refused(lambda: api.stacks.FinalizeStack(FinalizeStackRequest(name=name, sha256=wrong)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CHECKSUM_MISMATCH")
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    stack = api.stacks.FinalizeStack(FinalizeStackRequest(name=name, sha256=right)).stack
    assert stack.state == StackState.STACK_STATE_READY


def test_a_slice_that_is_not_there_has_no_preview(api: Api, white: Stack) -> None:
    """Slice 99 of six is refused, slice 0 is a PNG."""
    png = api.stacks.GetStackPreview(GetStackPreviewRequest(name=white.name)).png
    assert png.startswith(b"\x89PNG")
    call = GetStackPreviewRequest(name=white.name, slice=99)
    assert is_sentence(refused(lambda: api.stacks.GetStackPreview(call)).text)
