"""The review between the stages: see, change, approve, skip."""

import time
from pathlib import Path

from clearstack.v1 import mask_pb2, training_pb2
from clearstack.v1.config_pb2 import MaskExtractorConfig
from clearstack.v1.mask_pb2 import Mask, MaskPlane
from clearstack.v1.mask_service_pb2 import (
    ApproveMaskRequest,
    GetMaskRequest,
    RegenerateMaskRequest,
    SetAutoApproveRequest,
    SkipStageTwoRequest,
)
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_pb2 import STAGE_STATE_COMPLETE, STAGE_STATE_SKIPPED, Training
from e2e.support import configs, tiffs
from e2e.support.api import AUTOSTRUCTN2V, Api
from e2e.support.events import epochs, kinds, states
from e2e.support.figures import measure
from e2e.support.installation import RunningInstallation
from e2e.support.refusals import refused
from e2e.support.waiting import until

_AWAITING = training_pb2.TRAINING_STATE_AWAITING_REVIEW
_SECONDS = 10


def test_a_review_waits_through_a_restart(victim: RunningInstallation, tmp_path: Path) -> None:
    """Regenerated twice, restarted as a whole, approved, complete; then an edited mask trains stage 2 anew."""  # spec: C17 D10 D12 D13
    api = Api(victim.endpoint)
    tiffs.write_sample(tmp_path / "rows.tif", "rows", num_slices=6, side_px=64)
    stack = api.upload(tmp_path / "rows.tif")
    name = api.train(stack, configs.two_stages(), method=AUTOSTRUCTN2V).name
    waiting = api.until(name, _AWAITING)
    assert [stage.state for stage in waiting.stages] == [
        STAGE_STATE_COMPLETE,
        training_pb2.STAGE_STATE_PENDING,
    ]

    few = MaskExtractorConfig(max_masked_pixels=3)
    many = MaskExtractorConfig(max_masked_pixels=40, base_percentile=5, percentile_decay=1)
    masks = [_mask(api, name), _regenerated(api, name, few), _regenerated(api, name, many)]
    assert masks[1].summary.active_pixel_count <= 3
    assert len({_active(mask) for mask in masks}) == 3, [mask.summary for mask in masks]

    stopped, started = victim.stop(), victim.start()
    measure(f"restart with a review waiting: stop {stopped:.1f} s, start {started:.1f} s")
    api = Api(victim.endpoint)
    assert api.training(name).state == _AWAITING
    assert _mask(api, name) == masks[-1]

    api.masks.ApproveMask(ApproveMaskRequest(training=name))
    done = api.until_complete(name)
    assert done.result_stack == done.stages[1].result_stack != done.stages[0].result_stack
    history = api.history(name)
    assert kinds(history).count("mask_extracted") == 3
    assert epochs(history, stage=2) == [1, 2]
    _train_stage_two_anew(api, done, tmp_path)


def _train_stage_two_anew(api: Api, done: Training, folder: Path) -> None:
    mask = _regenerated(api, done.name, MaskExtractorConfig(max_masked_pixels=10))
    edited = MaskPlane(active=[True, True, True, True, True])
    refusal = refused(
        lambda: api.masks.ApproveMask(
            ApproveMaskRequest(training=done.name, edited_planes=[edited], kernel_height=2, kernel_width=5)
        )
    )
    assert refusal.fields[0] == "kernel_height"
    api.masks.ApproveMask(
        ApproveMaskRequest(training=done.name, edited_planes=[edited], kernel_height=1, kernel_width=5)
    )
    anew = api.until_complete(done.name)
    assert anew.mask.active_pixel_count == 5 != mask.summary.active_pixel_count
    assert anew.stages[1].attempt == 2
    assert anew.stages[0].result_stack == done.stages[0].result_stack
    assert anew.result_stack not in {done.result_stack, ""}
    for result in (anew.result_stack, *(stage.result_stack for stage in anew.stages)):
        assert tiffs.read(api.download(result, folder / "result.tif")).shape == (6, 64, 64)


def test_stage_two_can_be_skipped(api: Api, rows: Stack) -> None:
    """The result of stage 1 is final; before the mask is there nothing can be approved."""  # spec: D10
    name = api.train(rows, configs.two_stages(epochs=1), method=AUTOSTRUCTN2V).name
    for early in (
        lambda: api.masks.ApproveMask(ApproveMaskRequest(training=name)),
        lambda: api.masks.SkipStageTwo(SkipStageTwoRequest(training=name)),
        lambda: api.masks.GetMask(GetMaskRequest(training=name)),
    ):
        assert refused(early).reason == "WRONG_STATE"
    api.until(name, _AWAITING)
    late = SetAutoApproveRequest(training=name, auto_approve=True)
    assert refused(lambda: api.masks.SetAutoApprove(late)).reason == "WRONG_STATE"
    api.masks.SkipStageTwo(SkipStageTwoRequest(training=name))
    done = api.until_complete(name, within_s=10)
    assert done.stages[1].state == STAGE_STATE_SKIPPED
    assert done.result_stack == done.stages[0].result_stack


def test_white_noise_skips_stage_two_by_itself(api: Api, tmp_path: Path) -> None:
    """With auto-approve, switched on while stage 1 trains, nothing found means nothing trained."""  # spec: D11
    tiffs.write_sample(tmp_path / "white.tif", "white", num_slices=6, side_px=96)
    stack = api.upload(tmp_path / "white.tif")
    name = api.train(stack, configs.two_stages(epochs=4, patches_per_image=16), method=AUTOSTRUCTN2V).name
    api.masks.SetAutoApprove(SetAutoApproveRequest(training=name, auto_approve=True))
    done = api.until_complete(name)
    assert done.mask.pattern == mask_pb2.MASK_PATTERN_NONE
    assert done.mask.message == "No structured noise detected"
    assert done.stages[1].state == STAGE_STATE_SKIPPED
    assert any("stage 2 was skipped" in note for note in done.notes)
    assert "AWAITING_REVIEW" not in states(api.history(name))


def _regenerated(api: Api, name: str, config: MaskExtractorConfig) -> Mask:
    """Regenerates the mask; waits until the next revision is there."""
    began = time.monotonic()
    revision = api.masks.RegenerateMask(
        RegenerateMaskRequest(training=name, config=config)
    ).training.mask.revision

    def is_there() -> bool:
        training = api.training(name)
        return training.state == _AWAITING and training.mask.revision > revision

    until(is_there, _SECONDS, "the mask is regenerated")
    measure(f"mask regenerated in {time.monotonic() - began:.1f} s")
    return _mask(api, name)


def _mask(api: Api, name: str) -> Mask:
    return api.masks.GetMask(GetMaskRequest(training=name)).mask


def _active(mask: Mask) -> tuple[int, int, tuple[bool, ...]]:
    return mask.summary.kernel_height, mask.summary.kernel_width, tuple(mask.planes[0].active)
