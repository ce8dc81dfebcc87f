"""Records in the object store: written, compared, removed, and restored to a broker that has lost everything."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from clearstack.v1 import model_service_pb2, training_pb2
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest
from clearstack.v1.model_service_pb2 import Model
from clearstack_common import protojson
from clearstack_common.errors import BackendUnavailableError, ConflictError
from clearstack_gateway.use_cases.mirror import PREFIX, Mirror
from clearstack_gateway.use_cases.rebuild import Rebuild
from clearstack_gateway.workflow import Approve
from unit.gateway.rig import N2V, Gateway

Restart = Callable[[], Awaitable[Gateway]]


@pytest.fixture
async def restored(tmp_path: Path, gateway: Gateway) -> AsyncIterator[Restart]:
    """Another gateway on the same store with a broker that knows nothing, after a rebuild."""
    made: list[Gateway] = []

    async def restart() -> Gateway:
        await _store_what_was_made(gateway)
        await gateway.mirror.write()
        made.append(Gateway(tmp_path / "restored", store=gateway.store))
        await _rebuild(made[0])
        return made[0]

    yield restart
    for each in made:
        await each.stop()


async def _store_what_was_made(gateway: Gateway) -> None:
    """The files that real services would have stored."""
    keys = {stored.value.object_key for stored in await gateway.tables.stacks.list()}
    for model in await gateway.tables.models.list():
        keys |= {file.object_key for stage in model.value.stages for file in stage.files}
        keys |= {file.object_key for file in model.value.mask_files}
    for key in keys:
        await gateway.store.put_bytes(key, b"bytes")


async def _rebuild(gateway: Gateway, *, validate_only: bool = False) -> dict[str, tuple[int, int, int]]:
    """Restored, of these going on, and there already, by collection."""
    done = await Rebuild(gateway.tables, gateway.store).run(validate_only=validate_only)
    assert not done.problems
    return {
        each.collection: (each.restored_count, each.resumed_count, each.present_count)
        for each in done.rebuilt
    }


async def _records(gateway: Gateway) -> dict[str, bytes]:
    return {
        f"{collection}/{stored.id}": protojson.encode(stored.value)
        for collection, table in gateway.tables.by_collection().items()
        for stored in await table.list()
    }


async def test_everything_that_was_over_is_as_it_was(gateway: Gateway, restored: Restart) -> None:
    """Stacks, trainings, models, denoisings: the same records, byte for byte; the same request id finds its run."""
    name = (await gateway.new_training("mine", method=N2V)).name
    await gateway.serve_until(name, "COMPLETE")
    before = await _records(gateway)
    other = await restored()
    assert await _records(other) == before
    assert (await other.new_training("mine", method=N2V)).name == name
    assert await _rebuild(other) == {
        "stacks": (0, 0, 2),
        "models": (0, 0, 1),
        "denoisings": (0, 0, 1),
        "trainings": (0, 0, 1),
        "acquisitions": (0, 0, 0),
        "rules": (0, 0, 0),
    }


async def test_restored_model_denoises(gateway: Gateway, restored: Restart) -> None:
    """What was restored can be worked with: another denoising is made."""
    name = (await gateway.new_training(method=N2V)).name
    model = (await gateway.serve_until(name, "COMPLETE")).model
    other = await restored()
    made = await other.denoisings.create(CreateDenoisingRequest(stack="stacks/s", model=model))
    while other.broker.jobs:
        await other.serve_job()
    assert (await other.denoisings.get(made.name)).result_stack


@pytest.mark.parametrize("state", ["QUEUED", "TRAINING", "DENOISING", "EXTRACTING_MASK", "AWAITING_REVIEW"])
async def test_unfinished_training_goes_on(gateway: Gateway, restored: Restart, state: str) -> None:
    """Wherever a training was, it completes on the new broker."""  # spec: D8
    name = (await gateway.new_training()).name
    await gateway.serve_until(name, state)
    other = await restored()
    await other.runs.recover()
    await _complete(other, name)


async def test_training_of_stage_two_goes_on(gateway: Gateway, restored: Restart) -> None:
    """The second stage, too, with the approved mask; the first is not trained again."""  # spec: D8
    name = (await gateway.new_training()).name
    await gateway.serve_until(name, "AWAITING_REVIEW")
    await gateway.runs.advance_training(name, Approve())
    await gateway.grant(name)
    other = await restored()
    await other.runs.recover()
    first, second = (await other.trainings.get(name)).stages
    assert (first.state, second.state) == (
        training_pb2.STAGE_STATE_COMPLETE,
        training_pb2.STAGE_STATE_PENDING,
    )
    await _complete(other, name)


async def _complete(gateway: Gateway, name: str) -> None:
    while (training := await gateway.trainings.get(name)).state != training_pb2.TRAINING_STATE_COMPLETE:
        if training.state == training_pb2.TRAINING_STATE_AWAITING_REVIEW:
            await gateway.runs.advance_training(name, Approve())
        elif training.state == training_pb2.TRAINING_STATE_QUEUED:
            await gateway.grant(name)
        else:
            await gateway.serve_job()
    assert training.result_stack in {f"stacks/{each.id}" for each in await gateway.tables.stacks.list()}


async def test_dry_run_restores_nothing(tmp_path: Path, gateway: Gateway) -> None:
    """It counts what would be restored."""
    await gateway.mirror.write()
    other = Gateway(tmp_path / "other", store=gateway.store)
    assert (await _rebuild(other, validate_only=True))["stacks"] == (1, 0, 0)
    assert not await _records(other)


async def test_what_has_lost_its_file_is_not_restored(tmp_path: Path, gateway: Gateway) -> None:
    """A stack without its bytes is named, the copy that cannot be read too; the rest is restored."""
    await gateway.ready_stack("t")
    await gateway.mirror.write()
    await gateway.store.delete(["stacks/t/original.tif"])
    await gateway.store.put_bytes(f"{PREFIX}stacks/u/{7:020d}.json", b"{")
    other = Gateway(tmp_path / "other", store=gateway.store)
    done = await Rebuild(other.tables, other.store).run(validate_only=False)
    assert [stored.id for stored in await other.tables.stacks.list()] == ["s"]
    assert len(done.problems) == 2
    assert "stacks/t is not restored" in done.problems[1]


async def test_interrupted_import_is_refused(tmp_path: Path, gateway: Gateway) -> None:
    """A model whose check was lost says that it has to be imported again."""
    model = Model(name="models/m", state=model_service_pb2.MODEL_STATE_IMPORTING, active_jobs=["m.import"])
    await gateway.tables.models.create("m", model)
    await gateway.mirror.write()
    other = Gateway(tmp_path / "other", store=gateway.store)
    await _rebuild(other)
    found = (await other.tables.models.get("m")).value
    assert (found.state, list(found.active_jobs)) == (model_service_pb2.MODEL_STATE_REFUSED, [])
    assert "import the model again" in found.failure.message


# --- the copies -------------------------------------------------------------------------------------------------


def _copies(gateway: Gateway) -> list[str]:
    return sorted(key for key in gateway.store.objects if key.startswith(PREFIX))


async def test_one_copy_of_each_record_stays(gateway: Gateway) -> None:
    """A change writes another copy and removes the one before; no copy is written twice."""
    await gateway.mirror.write()
    [before] = _copies(gateway)
    stored = await gateway.tables.stacks.get("s")
    stored.value.display_name = "another"
    await gateway.tables.stacks.update(stored, stored.value)
    await gateway.mirror.write()
    [after] = _copies(gateway)
    assert after > before


async def test_slow_gateway_does_not_replace_a_newer_copy(tmp_path: Path, gateway: Gateway) -> None:
    """Whoever writes last: the newest revision counts, and the comparison removes the older."""
    stored = await gateway.tables.stacks.get("s")
    other = Gateway(tmp_path / "other", gateway.broker, gateway.store)
    stored.value.display_name = "newest"
    await other.tables.stacks.update(stored, stored.value)
    await other.mirror.write()
    await gateway.mirror.write()
    assert len(_copies(gateway)) == 2
    await gateway.mirror.compare(gateway.tables.by_collection())
    [copy] = _copies(gateway)
    assert b"newest" in gateway.store.objects[copy]


async def test_comparison_finds_what_a_crash_left_out(gateway: Gateway) -> None:
    """A gateway that died between the record and its copy: the next one writes the copy."""
    mirror = Mirror(gateway.store)
    await mirror.compare(gateway.tables.by_collection())
    await mirror.write()
    assert len(_copies(gateway)) == 1


async def test_deleted_record_has_no_copy(gateway: Gateway) -> None:
    """What somebody deletes does not come back, also when it was just about to be written."""
    await gateway.mirror.write()
    await gateway.ready_stack("t")
    for name in ("stacks/s", "stacks/t"):
        await gateway.stacks.delete(name, "")
    await gateway.mirror.write()
    assert not _copies(gateway)


async def test_stack_is_not_deleted_while_its_copy_cannot_be(gateway: Gateway) -> None:
    """While the store is away a deletion is refused, and the record stays."""
    gateway.store.is_away = True
    with pytest.raises(BackendUnavailableError):
        await gateway.stacks.delete("stacks/s", "")
    assert await gateway.tables.stacks.get("s")


async def test_copy_of_a_record_that_was_not_deleted_comes_back(gateway: Gateway) -> None:
    """When somebody else was faster the record stays, and its copy is written again."""
    stored = await gateway.tables.stacks.get("s")
    await gateway.tables.stacks.update(stored, stored.value)
    with pytest.raises(ConflictError):
        await gateway.tables.stacks.delete(stored)
    await gateway.mirror.write()
    assert len(_copies(gateway)) == 1


async def test_outage_of_the_store_holds_up_nobody(gateway: Gateway) -> None:
    """While the store is away records change, and are copied when it is back."""
    gateway.store.is_away = True
    await gateway.new_training()
    with pytest.raises(BackendUnavailableError):
        await gateway.mirror.write()
    gateway.store.is_away = False
    await gateway.mirror.write()
    assert len(_copies(gateway)) == 2
