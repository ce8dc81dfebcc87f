"""Denoisings and models as people and programs ask for them."""

import asyncio
import urllib.request

import pytest
from clearstack.v1 import denoising_pb2, error_reason_pb2
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest
from clearstack.v1.model_service_pb2 import Model
from clearstack_common.errors import ClearstackError, InvalidFieldsError, NotFoundError, WrongStateError
from unit.gateway.rig import N2V, Gateway


@pytest.fixture
async def model(gateway: Gateway) -> Model:
    """A model that was trained on the stack `s`."""
    name = (await gateway.new_training(method=N2V)).name
    training = await gateway.serve_until(name, "COMPLETE")
    model, _ = await gateway.models.get(training.model)
    return model


def _request(model: Model, **more: str | int) -> CreateDenoisingRequest:
    return CreateDenoisingRequest(stack="stacks/s", model=model.name, **more)  # type: ignore[arg-type]


def _fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own server
        body: bytes = response.read()
    return body


async def test_denoising_makes_a_result_stack(gateway: Gateway, model: Model) -> None:
    """A model denoises a stack, range by range, into a stack that can be used like any other."""  # spec: E4
    created = await gateway.denoisings.create(_request(model))
    assert (created.state, created.stage) == (denoising_pb2.DENOISING_STATE_DENOISING, 1)
    assert len(gateway.broker.jobs) == len(created.ranges) == 2
    while gateway.broker.jobs:
        await gateway.serve_job()
    done = await gateway.denoisings.get(created.name)
    assert (done.state, done.slices_done_count) == (denoising_pb2.DENOISING_STATE_COMPLETE, 3)
    result = await gateway.stacks.get(done.result_stack)
    assert result.source_run == created.name


async def test_same_request_id_is_one_denoising(gateway: Gateway, model: Model) -> None:
    """Many requests with the same id at once make one denoising with its jobs once."""
    made = await asyncio.gather(
        *(gateway.denoisings.create(_request(model, request_id="x")) for _ in range(20))
    )
    assert len({each.name for each in made}) == 1
    assert len(gateway.broker.jobs) == 2


@pytest.mark.parametrize(
    ("more", "field"),
    [({"stage": 2}, "stage"), ({"stage": -1}, "stage"), ({"output_dtype": "int8"}, "output_dtype")],
)
async def test_wrong_field_is_named(
    gateway: Gateway, model: Model, more: dict[str, str | int], field: str
) -> None:
    """A stage that the model has not, or a data type that cannot be had, is refused by name."""
    with pytest.raises(InvalidFieldsError) as caught:
        await gateway.denoisings.create(_request(model, **more))
    assert [name for name, _ in caught.value.violations] == [field]


async def test_all_wrong_fields_come_at_once(gateway: Gateway, model: Model) -> None:
    """One error names every field, of those that can be told without the others."""  # spec: C16
    malformed = CreateDenoisingRequest(stack="s", model="m", output_dtype="int8")
    beyond = _request(model, stage=7, output_dtype="int8")
    for request, fields in (
        (malformed, ["stack", "model", "output_dtype"]),
        (beyond, ["output_dtype", "stage"]),
    ):
        with pytest.raises(InvalidFieldsError) as caught:
            await gateway.denoisings.create(request)
        assert [name for name, _ in caught.value.violations] == fields


async def test_unknown_model_is_not_found(gateway: Gateway) -> None:
    """A model that there is not is not found."""
    with pytest.raises(NotFoundError, match="models/nobody"):
        await gateway.denoisings.create(CreateDenoisingRequest(stack="stacks/s", model="models/nobody"))


async def test_cancelled_denoising_is_over(gateway: Gateway, model: Model) -> None:
    """A denoising can be cancelled, once and again; what its workers still tell changes nothing."""  # spec: D7
    created = await gateway.denoisings.create(_request(model))
    cancelled = await gateway.denoisings.cancel(created.name)
    assert cancelled.state == denoising_pb2.DENOISING_STATE_CANCELLED
    while gateway.broker.jobs:
        await gateway.serve_job()
    assert await gateway.denoisings.cancel(created.name) == cancelled


async def test_step_of_a_training_is_not_cancelled_alone(gateway: Gateway) -> None:
    """A training would wait for ever for a step that was cancelled: it is cancelled itself, with its step."""  # spec: D7
    name = (await gateway.new_training(method=N2V)).name
    await gateway.serve_until(name, "DENOISING")
    [step] = await gateway.tables.denoisings.list()
    with pytest.raises(WrongStateError, match=name):
        await gateway.denoisings.cancel(step.value.denoising.name)
    await gateway.trainings.cancel(name)
    stopped = await gateway.denoisings.get(step.value.denoising.name)
    assert stopped.state == denoising_pb2.DENOISING_STATE_CANCELLED


async def test_steps_of_trainings_are_listed_on_demand(gateway: Gateway, model: Model) -> None:
    """A list has what was asked for; the steps of trainings only if wanted."""
    created = await gateway.denoisings.create(_request(model))
    asked, _ = await gateway.denoisings.list(0, "", include_training_steps=False)
    everything, _ = await gateway.denoisings.list(0, "", include_training_steps=True)
    assert [each.name for each in asked] == [created.name]
    assert len(everything) == 2


async def test_stack_that_is_denoised_is_in_use(gateway: Gateway, model: Model) -> None:
    """A stack that a denoising needs is not deleted."""
    created = await gateway.denoisings.create(_request(model))
    with pytest.raises(ClearstackError, match=created.name) as caught:
        await gateway.stacks.delete("stacks/s", "")
    assert caught.value.reason == error_reason_pb2.ERROR_REASON_IN_USE


async def test_model_has_links_to_its_files(gateway: Gateway, model: Model) -> None:
    """A model's files can be fetched by link."""  # spec: E1
    for stage in model.stages:
        for file in stage.files:
            gateway.store.objects[file.object_key] = file.file_name.encode()
    _, links = await gateway.models.get(model.name)
    assert [link.path for link in links] == ["stage1/weights.pth", "stage1/model.json"]
    assert await asyncio.to_thread(_fetched, links[0].url) == b"weights.pth"


async def test_deleted_model_is_gone(gateway: Gateway, model: Model) -> None:
    """A model that is deleted goes with its files; an old etag deletes nothing."""
    with pytest.raises(ClearstackError):
        await gateway.models.delete(model.name, "999")
    await gateway.models.delete(model.name, model.etag)
    with pytest.raises(NotFoundError):
        await gateway.models.get(model.name)
    assert not [key for key in gateway.store.objects if key.startswith("models/")]


async def test_repeated_request_gets_what_was_made(gateway: Gateway) -> None:
    """Also when what the request names was deleted meanwhile; a new request is refused."""  # spec: D8
    training = await gateway.new_training("the same", method=N2V)
    model = (await gateway.serve_until(training.name, "COMPLETE")).model
    request = CreateDenoisingRequest(stack="stacks/s", model=model, request_id="the same")
    denoising = await gateway.denoisings.create(request)
    while gateway.broker.jobs:
        await gateway.serve_job()
    await gateway.stacks.delete("stacks/s", "")
    assert (await gateway.new_training("the same", method=N2V)).name == training.name
    assert (await gateway.denoisings.create(request)).name == denoising.name
    with pytest.raises(NotFoundError):
        await gateway.new_training("another", method=N2V)
