"""Uploads that nobody goes on with."""

from datetime import UTC, datetime, timedelta

from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.errors import NotFoundError
from clearstack_gateway.use_cases.sweeping import Sweeper
from unit.gateway.rig import N2V, Gateway

_PATIENCE_S = 3600.0
_LONG_AGO = datetime.now(UTC) - timedelta(seconds=2 * _PATIENCE_S)


async def _uploading(gateway: Gateway, *, created: datetime, written: datetime) -> Stack:
    stack, _ = await gateway.stacks.create("noisy.tif", "")
    stored = await gateway.tables.stacks.get(stack.name.partition("/")[2])
    stored.value.create_time.FromDatetime(created)
    await gateway.tables.stacks.update(stored, stored.value)
    key = f"{stack.name}/parts/0000000000000000"
    await gateway.store.put_bytes(key, b"bytes")
    gateway.store.written[key] = written
    return stack


async def _sweep(gateway: Gateway) -> None:
    await Sweeper(gateway.tables, gateway.store, _PATIENCE_S).sweep()


async def test_abandoned_upload_is_removed(gateway: Gateway) -> None:
    """An upload that has stood still for too long goes, with its bytes."""
    stack = await _uploading(gateway, created=_LONG_AGO, written=_LONG_AGO)
    await _sweep(gateway)
    assert not await gateway.store.list(stack.name)
    try:
        await gateway.tables.stacks.get(stack.name.partition("/")[2])
    except NotFoundError:
        return
    raise AssertionError("the record is still there")


async def test_slow_upload_stays(gateway: Gateway) -> None:
    """An old upload whose last bytes came a moment ago is not given up."""
    stack = await _uploading(gateway, created=_LONG_AGO, written=datetime.now(UTC))
    await _sweep(gateway)
    assert len(await gateway.store.list(stack.name)) == 1


async def test_parts_of_a_finished_upload_are_removed(gateway: Gateway) -> None:
    """What a crash in the middle of finishing has left of the parts goes; the file itself stays."""
    stack = await gateway.ready_stack("t")
    for left in ("parts/0000000008388608", "uploaded.tif", "inspection-1.json"):
        await gateway.store.put_bytes(f"{stack.name}/{left}", b"left")
    await _sweep(gateway)
    left_over = [each.key for each in await gateway.store.list(f"{stack.name}/")]
    assert left_over == [f"{stack.name}/inspection-1.json", stack.object_key]


async def test_objects_without_a_record_stay(gateway: Gateway) -> None:
    """A broker that has lost its records does not cost the files, too."""
    await gateway.store.put_bytes("stacks/unknown/original.tif", b"bytes")
    gateway.store.written["stacks/unknown/original.tif"] = _LONG_AGO
    await _sweep(gateway)
    assert await gateway.store.list("stacks/unknown/")


async def test_files_of_a_model_that_nobody_finishes_are_removed(gateway: Gateway) -> None:
    """What was put by links and stood still for too long goes; what came a moment ago, and models, stay."""
    old, fresh, model = (
        "models/imported/m1/upload/linked/config.json",
        "models/imported/m2/upload/linked/config.json",
        "models/imported/m3/0a1b2c3d/stage1/weights.safetensors",
    )
    for key in (old, fresh, model):
        await gateway.store.put_bytes(key, b"bytes")
        gateway.store.written[key] = _LONG_AGO
    gateway.store.written[fresh] = datetime.now(UTC)
    await _sweep(gateway)
    assert [each.key for each in await gateway.store.list("models/imported/")] == [fresh, model]


async def test_checkpoints_of_a_training_that_is_over_are_removed(gateway: Gateway) -> None:
    """A store may end a write when its writer is long dead; one that is in work keeps its checkpoints."""
    over = await gateway.serve_until((await gateway.new_training(method=N2V)).name, "COMPLETE")
    waiting = await gateway.new_training(method=N2V)
    of_over, of_waiting = (
        f"models/default/{each.name.partition('/')[2]}/stage1/attempt1/checkpoints/token1-epoch2.pt"
        for each in (over, waiting)
    )
    for key in (of_over, of_waiting):
        await gateway.store.put_bytes(key, b"bytes")
        gateway.store.written[key] = _LONG_AGO
    before = {each.key for each in await gateway.store.list("models/")}
    await _sweep(gateway)
    assert before - {each.key for each in await gateway.store.list("models/")} == {of_over}
