"""What is in use is not deleted, and what is left of a deleted thing says so."""

import asyncio

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack.v1.config_pb2 import MaskExtractorConfig
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest
from clearstack.v1.training_pb2 import Training
from clearstack.v1.training_service_pb2 import CreateTrainingRequest
from clearstack_common.errors import ClearstackError, NotFoundError, WrongStateError
from clearstack_common.subjects import run_id
from unit.gateway.rig import N2V, Gateway


async def _complete(gateway: Gateway) -> Training:
    """A finished training without a mask."""
    return await gateway.serve_until((await gateway.new_training(method=N2V)).name, "COMPLETE")


def _in_use(error: pytest.ExceptionInfo[ClearstackError], user: str) -> bool:
    reason = error_reason_pb2.ERROR_REASON_IN_USE
    return error.value.reason == reason and user in error.value.message


async def test_model_of_a_training_in_work_stays(gateway: Gateway) -> None:
    """Stage 2 needs what stage 1 has learnt, and the review its mask; the text says who needs it."""
    name = (await gateway.new_training()).name
    training = await gateway.serve_until(name, "AWAITING_REVIEW")
    for resource in (gateway.models, gateway.stacks):
        doomed = training.model if resource is gateway.models else training.stages[0].result_stack
        with pytest.raises(ClearstackError) as caught:
            await resource.delete(doomed, "")
        assert _in_use(caught, name)
    await gateway.masks.skip(name)
    await gateway.models.delete(training.model, "")


async def test_model_of_a_denoising_in_work_stays(gateway: Gateway) -> None:
    """Neither the model nor the training that made it is deleted while it denoises; afterwards both can be."""
    training = await _complete(gateway)
    request = CreateDenoisingRequest(stack="stacks/s", model=training.model)
    denoising = (await gateway.denoisings.create(request)).name
    for call in (gateway.models.delete(training.model, ""), gateway.trainings.delete(training.name, "")):
        with pytest.raises(ClearstackError) as caught:
            await call
        assert _in_use(caught, denoising)
    await gateway.denoisings.cancel(denoising)
    await gateway.trainings.delete(training.name, "")
    with pytest.raises(NotFoundError):
        await gateway.models.get(training.model)


async def test_result_that_is_trained_on_stays(gateway: Gateway) -> None:
    """A training whose result is another's stack is deleted after that one."""
    first = await _complete(gateway)
    request = CreateTrainingRequest(stack=first.result_stack, method=N2V)
    second = (await gateway.trainings.create(request)).name
    with pytest.raises(ClearstackError) as caught:
        await gateway.trainings.delete(first.name, "")
    assert _in_use(caught, second)
    await gateway.trainings.cancel(second)
    await gateway.trainings.delete(first.name, "")


async def test_mask_of_a_deleted_model_is_gone(gateway: Gateway) -> None:
    """A finished training whose model was deleted says so when its mask is asked for, and stays complete."""  # spec: D12
    name = (await gateway.new_training()).name
    await gateway.serve_until(name, "AWAITING_REVIEW")
    training = await gateway.masks.skip(name)
    await gateway.models.delete(training.model, "")
    for call in (gateway.masks.get(name), gateway.masks.regenerate(name, MaskExtractorConfig())):
        with pytest.raises(WrongStateError, match="model of this training was deleted"):
            await call
    assert await gateway.trainings.get(name) == training


async def test_last_effects_do_not_stop_a_deletion(gateway: Gateway) -> None:
    """A training whose record changes while it is deleted, as when its last effects were carried out, is gone too."""
    training = await _complete(gateway)

    async def change() -> None:
        stored = await gateway.tables.trainings.get(run_id(training.name))
        await gateway.tables.trainings.update(stored, stored.value)

    await asyncio.gather(gateway.trainings.delete(training.name, ""), change())
    with pytest.raises(NotFoundError):
        await gateway.trainings.get(training.name)
