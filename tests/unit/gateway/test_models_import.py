"""Imports as the gateway sees them; what the inference service would find is told by the tests."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from clearstack.v1 import config_pb2
from clearstack.v1 import error_reason_pb2 as reasons
from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest
from clearstack.v1.event_pb2 import Event, JobFailed, ModelImported
from clearstack.v1.job_pb2 import Job
from clearstack.v1.model_service_pb2 import Model, ModelStage, StoredFile
from clearstack.v1.stack_service_pb2 import Failure
from clearstack_common.errors import (
    BackendUnavailableError,
    ClearstackError,
    InvalidFieldsError,
    WrongStateError,
)
from clearstack_gateway.use_cases.model_imports import ModelImports
from fakes.waiting import until
from unit.gateway.rig import Gateway

FILES = [("config.json", b"{}"), ("stage1/weights.pth", b"one"), ("stage1/weights.pth", b" two")]


async def chunks(files: list[tuple[str, bytes]]) -> AsyncIterator[tuple[str, bytes]]:
    """What a client sends."""
    for file in files:
        yield file


def imports(gateway: Gateway, **settings: float) -> ModelImports:
    """The use case on the gateway's fakes."""
    changed = gateway.settings.model_copy(update=settings)
    return ModelImports(gateway.bus, gateway.tables, gateway.store, changed)


async def serve(gateway: Gateway, found: Model | Failure) -> Job:
    """Takes the import and answers it."""
    delivery = await anext(gateway.bus.jobs("import_model"))
    job = delivery.item
    event = Event(id=f"{job.id}.end", run=job.run, job=job.id)
    if isinstance(found, Model):
        event.model_imported.CopyFrom(ModelImported(model=found))
    else:
        event.job_failed.CopyFrom(JobFailed(failure=found))
    await gateway.bus.publish_event(event)
    await delivery.done()
    return job


async def take(gateway: Gateway, found: Model | Failure, name: str = "") -> tuple[Model, Job]:
    """Imports a model, with the upkeep running."""
    gateway.start(gateway.upkeep.apply_events())
    model, job = await asyncio.gather(imports(gateway).take(name, "r", chunks(FILES)), serve(gateway, found))
    return model, job


def a_model() -> Model:
    """What the inference service finds in good files."""
    file = StoredFile(file_name="model.json", object_key="models/imported/x/stage1/model.json")
    stages = [ModelStage(number=1, files=[file])]
    return Model(display_name="embryo", method=config_pb2.METHOD_N2V, mode=config_pb2.MODE_2D, stages=stages)


async def test_files_become_a_model(gateway: Gateway) -> None:
    """The files reach the service whole, and what it finds is the model; the upload is forgotten."""  # spec: E2
    model, job = await take(gateway, a_model())
    assert (model.state, model.origin) == (pb.MODEL_STATE_READY, pb.MODEL_ORIGIN_IMPORTED)
    assert model.display_name == "embryo"
    assert not model.active_jobs
    sizes = {file.file_name: file.size_bytes for file in job.import_model.files}
    assert sizes == {"config.json": 2, "stage1/weights.pth": 7}
    assert not [key for key in gateway.store.objects if "/upload/" in key]
    again = await imports(gateway).take("", "r", chunks(FILES))
    assert again.name == model.name


async def test_the_wished_name_stands(gateway: Gateway) -> None:
    """Over the one in the files."""  # spec: E2
    assert (await take(gateway, a_model(), "mine"))[0].display_name == "mine"


async def test_refusal_is_told(gateway: Gateway) -> None:
    """What does not fit together is an error with the service's text, and can denoise nothing."""  # spec: E2
    text = "The weights do not fit (1 difference): head.weight is missing."
    with pytest.raises(ClearstackError, match=r"head\.weight is missing") as caught:
        await take(gateway, Failure(reason="MODEL_MISMATCH", message=text))
    assert caught.value.reason == reasons.ERROR_REASON_MODEL_MISMATCH
    assert await gateway.models.list(0, "") == ([], "")
    [stored] = await gateway.tables.models.list()
    model, _ = await gateway.models.get(stored.value.name)
    assert model.state == pb.MODEL_STATE_REFUSED
    with pytest.raises(WrongStateError, match="refused when it was imported: The weights"):
        await gateway.denoisings.create(CreateDenoisingRequest(stack="stacks/s", model=model.name))


async def test_refusal_is_forgotten_after_an_hour(gateway: Gateway) -> None:
    """Whoever has missed the answer can ask for it by name for a while; then nothing is left of it."""  # spec: E2
    with pytest.raises(ClearstackError):
        await take(gateway, Failure(reason="MODEL_MISMATCH", message="No."))
    [fresh] = await gateway.tables.models.list()
    await gateway.store.put_bytes(f"models/imported/{fresh.id}/upload/x/config.json", b"{}")
    await gateway.models.forget_refused()
    assert await gateway.tables.models.list() == [fresh]
    aged = Model()
    aged.CopyFrom(fresh.value)
    aged.update_time.seconds -= 3700
    await gateway.tables.models.update(fresh, aged)
    gateway.start(gateway.upkeep.recover())
    await until(lambda: not gateway.store.objects.keys() - {"stacks/s/original.tif"})
    assert await gateway.tables.models.list() == []


async def test_request_of_a_deleted_model_imports_anew(gateway: Gateway) -> None:
    """The same request id gives the same model, and after it was deleted one that is checked like any other."""  # spec: E2
    first, _ = await take(gateway, a_model())
    await gateway.models.delete(first.name, "")
    again, _ = await take(gateway, a_model())
    assert (again.name, again.state) == (first.name, pb.MODEL_STATE_READY)


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ([], "no message carried a file"),
        ([("../config.json", b"")], "allowed: config.json"),
        ([("stage1/evil.py", b"")], "allowed: config.json"),
        ([("config.json", b"0" * ((1 << 20) + 1))], "at most 1048576 in a chunk"),
    ],
)
async def test_what_is_no_upload(gateway: Gateway, files: list[tuple[str, bytes]], text: str) -> None:
    """No files, other files, or chunks that are too large: nothing is kept."""  # spec: E2
    with pytest.raises(InvalidFieldsError, match=text):
        await imports(gateway).take("", "", chunks(files))
    assert not (await gateway.tables.models.list())
    assert not list((gateway.settings.scratch / "imports").iterdir())


async def test_too_large(gateway: Gateway) -> None:
    """The limit of the installation counts for all files together."""  # spec: E2
    with pytest.raises(ClearstackError, match="CLEARSTACK_MAX_MODEL_BYTES") as caught:
        await imports(gateway, max_model_bytes=8).take("", "", chunks(FILES))
    assert caught.value.reason == reasons.ERROR_REASON_TOO_LARGE


async def test_nobody_checks(gateway: Gateway) -> None:
    """Without an inference service the call ends in time, and goes on where it stood when it is repeated."""  # spec: E2
    with pytest.raises(BackendUnavailableError, match="ask again"):
        await imports(gateway, import_wait_s=0.05).take("", "r", chunks(FILES))
    [model], _ = await gateway.models.list(0, "")
    assert model.state == pb.MODEL_STATE_IMPORTING
    with pytest.raises(WrongStateError, match="still being checked"):
        await gateway.denoisings.create(CreateDenoisingRequest(stack="stacks/s", model=model.name))
    assert (await take(gateway, a_model()))[0].name == model.name


async def test_delete_leaves_nothing(gateway: Gateway) -> None:
    """Neither the model's files nor what a broken import has left."""  # spec: E5
    model, _ = await take(gateway, a_model())
    folder = model.name.replace("models/", "models/imported/")
    await gateway.store.put_bytes(f"{folder}/upload/x/config.json", b"{}")
    await gateway.models.delete(model.name, "")
    assert not [key for key in gateway.store.objects if key.startswith("models/")]
