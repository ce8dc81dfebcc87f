"""The review of a mask as people and programs ask for it."""

import io

import numpy as np
import pytest
from clearstack.v1 import training_pb2
from clearstack.v1.config_pb2 import MaskExtractorConfig
from clearstack.v1.mask_pb2 import Mask, MaskPlane, MaskSummary
from clearstack.v1.mask_service_pb2 import ApproveMaskRequest
from clearstack_common import protojson
from clearstack_common.errors import InvalidFieldsError, WrongStateError
from unit.gateway.rig import N2V, Gateway

EXTRACTED = Mask(
    summary=MaskSummary(revision=1, kernel_height=1, kernel_width=3, message="found", warnings=["scattered"]),
    planes=[MaskPlane(active=[True, True, False], active_pixel_count=2)],
)


@pytest.fixture
async def name(gateway: Gateway) -> str:
    """A training that waits for its review, with a mask in the store."""
    name = (await gateway.new_training()).name
    await gateway.serve_until(name, "AWAITING_REVIEW")
    for file in (await gateway.record(name)).mask_files:
        if file.file_name == "mask.json":
            await gateway.store.put_bytes(file.object_key, protojson.encode(EXTRACTED))
    return name


async def test_mask_is_shown(gateway: Gateway, name: str) -> None:
    """The mask that was extracted is what a reviewer sees."""  # spec: D9
    assert await gateway.masks.get(name) == EXTRACTED


async def test_no_mask_yet_says_when(gateway: Gateway) -> None:
    """Before the extraction there is none, and the text says when there will be."""
    with pytest.raises(WrongStateError, match="when stage 1"):
        await gateway.masks.get((await gateway.new_training()).name)


async def test_approval_queues_stage_two(gateway: Gateway, name: str) -> None:
    """After the approval the training is in the queue again, with its position."""  # spec: D10
    training = await gateway.masks.approve(ApproveMaskRequest(training=name))
    assert (training.state, training.queue_position) == (training_pb2.TRAINING_STATE_QUEUED, 1)


async def test_edited_mask_is_stored_and_used(gateway: Gateway, name: str) -> None:
    """An edited mask becomes files of its own with the centre active, and stage 2 trains with it."""  # spec: D10
    edited = MaskPlane(active=[True] + [False] * 14)  # without the centre, which is added
    request = ApproveMaskRequest(training=name, edited_planes=[edited], kernel_height=3, kernel_width=5)
    training = await gateway.masks.approve(request)
    assert (training.mask.active_pixel_count, training.mask.kernel_width) == (2, 5)
    assert list(training.mask.warnings) == []
    shown = await gateway.masks.get(name)
    assert [index for index, active in enumerate(shown.planes[0].active) if active] == [0, 7]
    await gateway.grant(name)
    job = (await anext(gateway.bus.jobs("train"))).item
    mask_ZYX = np.load(io.BytesIO(gateway.store.objects[job.train.mask.object_key]))
    assert mask_ZYX.shape == (1, 3, 5)
    assert list(map(tuple, np.argwhere(mask_ZYX))) == [(0, 0, 0), (0, 1, 2)]


async def test_wrong_edit_names_every_field(gateway: Gateway, name: str) -> None:
    """An edit that does not fit is refused whole, and the training still waits."""
    planes = [MaskPlane(active=[True] * 3), MaskPlane(active=[True] * 8)]
    request = ApproveMaskRequest(training=name, edited_planes=planes, kernel_height=2, kernel_width=131)
    with pytest.raises(InvalidFieldsError) as caught:
        await gateway.masks.approve(request)
    assert {field for field, _ in caught.value.violations} == {
        "kernel_height",
        "kernel_width",
        "edited_planes",
        "edited_planes[0].active",
        "edited_planes[1].active",
    }
    assert (await gateway.trainings.get(name)).state == training_pb2.TRAINING_STATE_AWAITING_REVIEW


async def test_wrong_parameters_are_refused(gateway: Gateway, name: str) -> None:
    """A regeneration with a parameter out of range is refused and nothing is extracted."""  # spec: C17
    with pytest.raises(InvalidFieldsError) as caught:
        await gateway.masks.regenerate(name, MaskExtractorConfig(percentile_decay=9))
    assert [field for field, _ in caught.value.violations] == ["config.percentile_decay"]
    assert gateway.broker.jobs == []


async def test_review_survives_a_restart(gateway: Gateway, name: str) -> None:
    """Everything that a review needs is in the broker and the store: another gateway goes on with it."""  # spec: D10
    other = Gateway(gateway.settings.scratch / "other", gateway.broker, gateway.store)
    regenerated = await other.masks.regenerate(name, MaskExtractorConfig(base_percentile=80))
    assert regenerated.state == training_pb2.TRAINING_STATE_EXTRACTING_MASK
    assert regenerated.config.mask.base_percentile == 80
    await other.serve_until(name, "AWAITING_REVIEW")
    assert (await other.masks.skip(name)).state == training_pb2.TRAINING_STATE_COMPLETE


async def test_auto_approve_can_be_switched_until_then(gateway: Gateway, name: str) -> None:
    """Auto-approve is switched while there is no mask, and refused with what to do instead once there is."""  # spec: D10
    early = (await gateway.new_training()).name
    assert (await gateway.masks.set_auto_approve(early, enabled=True)).auto_approve
    assert not (await gateway.masks.set_auto_approve(early, enabled=False)).auto_approve
    with pytest.raises(WrongStateError, match="Approve the mask"):
        await gateway.masks.set_auto_approve(name, enabled=True)


async def test_n2v_training_says_that_it_has_no_mask(gateway: Gateway) -> None:
    """Regenerating for a finished N2V training speaks of the method, not of parameters that nobody gave."""
    name = (await gateway.new_training(method=N2V)).name
    await gateway.serve_until(name, "COMPLETE")
    with pytest.raises(WrongStateError, match="autostructn2v"):
        await gateway.masks.regenerate(name, MaskExtractorConfig())


async def test_wrong_name_is_the_trainings_field(gateway: Gateway) -> None:
    """A malformed name is named as the request calls it."""
    with pytest.raises(InvalidFieldsError) as caught:
        await gateway.masks.skip("stacks/s")
    assert caught.value.violations[0][0] == "training"
