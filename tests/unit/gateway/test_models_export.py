"""Exports as the gateway sees them, and models that are in use."""

import asyncio

import pytest
from clearstack.v1 import error_reason_pb2 as reasons
from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest
from clearstack.v1.event_pb2 import Event, JobFailed, ModelExported
from clearstack.v1.job_pb2 import Job
from clearstack.v1.model_service_pb2 import Model, ModelExport
from clearstack.v1.stack_service_pb2 import Failure
from clearstack_common.errors import (
    BackendUnavailableError,
    ClearstackError,
    ConflictError,
    InvalidFieldsError,
)
from clearstack_gateway.use_cases.model_exports import ModelExports, file_name
from unit.gateway.rig import N2V, Gateway

CLEARSTACK, BIOIMAGEIO = pb.MODEL_EXPORT_FORMAT_CLEARSTACK, pb.MODEL_EXPORT_FORMAT_BIOIMAGEIO


@pytest.fixture
async def model(gateway: Gateway) -> Model:
    """A trained model; the upkeep runs."""
    training = await gateway.serve_until((await gateway.new_training(method=N2V)).name, "COMPLETE")
    gateway.start(gateway.upkeep.apply_events())
    return (await gateway.models.get(training.model))[0]


def exports(gateway: Gateway, wait_s: float = 10) -> ModelExports:
    """The use case on the gateway's fakes."""
    return ModelExports(gateway.bus, gateway.tables, gateway.store, wait_s)


async def serve(gateway: Gateway, failure: Failure | None = None) -> Job:
    """Takes an export and answers it."""
    delivery = await anext(gateway.bus.jobs("export_model"))
    job = delivery.item
    event = Event(id=f"{job.id}.end", run=job.run, job=job.id)
    if failure is None:
        work = job.export_model
        file = await gateway.store.put_bytes(work.object_key, b"archive")
        export = ModelExport(format=work.format, content=work.content, file=file)
        event.model_exported.CopyFrom(ModelExported(export=export))
    else:
        event.job_failed.CopyFrom(JobFailed(failure=failure))
    await gateway.bus.publish_event(event)
    await delivery.done()
    return job


async def test_made_once_for_everybody(gateway: Gateway, model: Model) -> None:
    """Calls at the same time and later ones get the same archive, which one job makes."""  # spec: E7
    one, two, _ = await asyncio.gather(
        exports(gateway).archive(model.name, CLEARSTACK),
        exports(gateway).archive(model.name, pb.MODEL_EXPORT_FORMAT_UNSPECIFIED),
        serve(gateway),
    )
    three = await exports(gateway).archive(model.name, CLEARSTACK)
    assert one == two == three
    assert b"".join([data async for data in exports(gateway).stream(one)]) == b"archive"
    assert file_name(model.name, one).endswith(".clearstack.zip")
    assert not gateway.broker.jobs


async def test_formats_are_kept_side_by_side(gateway: Gateway, model: Model) -> None:
    """Each has an archive of its own, made of the model as it is now."""  # spec: E7
    for export_format in (CLEARSTACK, BIOIMAGEIO):
        _, job = await asyncio.gather(exports(gateway).archive(model.name, export_format), serve(gateway))
        assert job.export_model.model.stages == model.stages
    assert len((await gateway.models.get(model.name))[0].exports) == 2


async def test_failure_is_told_and_can_be_tried_again(gateway: Gateway, model: Model) -> None:
    """The service's text; the next call asks anew."""  # spec: E7
    failure = Failure(reason="OUT_OF_SPACE", message="The disk of the service is full.")
    with pytest.raises(ClearstackError, match="disk of the service") as caught:
        await asyncio.gather(exports(gateway).archive(model.name, CLEARSTACK), serve(gateway, failure))
    assert caught.value.reason == reasons.ERROR_REASON_OUT_OF_SPACE
    found, _ = await asyncio.gather(exports(gateway).archive(model.name, CLEARSTACK), serve(gateway))
    assert found.file.size_bytes == 7
    assert (await gateway.models.get(model.name))[0].state == pb.MODEL_STATE_READY


async def test_nobody_packs(gateway: Gateway, model: Model) -> None:
    """Without an inference service the call ends in time."""  # spec: E7
    with pytest.raises(BackendUnavailableError, match="The export has not come to an end"):
        await exports(gateway, wait_s=0.05).archive(model.name, CLEARSTACK)


async def test_a_model_that_changes_meanwhile(gateway: Gateway, model: Model) -> None:
    """Its next stage replaces the record: whoever waits is told to ask again."""  # spec: E7

    async def replace() -> None:
        await anext(gateway.bus.jobs("export_model"))
        await gateway.runs._register_model(model)

    with pytest.raises(ConflictError, match="export it again"):
        await asyncio.gather(exports(gateway).archive(model.name, CLEARSTACK), replace())


async def test_unknown_format(gateway: Gateway, model: Model) -> None:
    """Is refused by name."""
    with pytest.raises(InvalidFieldsError, match="format: is unknown"):
        await exports(gateway).archive(model.name, 9)  # type: ignore[arg-type]


async def test_card_of_a_trained_model(model: Model) -> None:
    """Method, origin, what it was trained on and its losses are on it."""  # spec: E5
    assert (model.state, model.origin) == (pb.MODEL_STATE_READY, pb.MODEL_ORIGIN_TRAINED)
    assert model.method == N2V
    assert model.stack_display_name == "s.tif"
    assert model.stages[0].best_validation_loss > 0
    assert model.HasField("create_time")


async def test_a_model_in_use_stays(gateway: Gateway, model: Model) -> None:
    """Until the denoising that needs it is over."""  # spec: E5
    request = CreateDenoisingRequest(stack="stacks/s", model=model.name)
    denoising = await gateway.denoisings.create(request)
    with pytest.raises(ClearstackError, match=denoising.name) as caught:
        await gateway.models.delete(model.name, "")
    assert caught.value.reason == reasons.ERROR_REASON_IN_USE
    await gateway.denoisings.cancel(denoising.name)
    await gateway.models.delete(model.name, "")
    assert not (await gateway.models.list(0, ""))[0]
