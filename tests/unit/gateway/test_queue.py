"""Creating trainings, the queue, and who gets the slot."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from clearstack.v1 import config_pb2, error_reason_pb2, training_pb2
from clearstack.v1.config_pb2 import StageConfig, TrainingConfig
from clearstack.v1.event_pb2 import Event
from clearstack.v1.training_service_pb2 import CreateTrainingRequest
from clearstack_common.errors import ClearstackError, InvalidFieldsError, NotFoundError, WrongStateError
from fakes.waiting import until
from unit.gateway.rig import N2V, STRUCT, Gateway


async def test_same_request_id_is_one_training(gateway: Gateway) -> None:
    """A hundred requests with the same id at once make one training, and all are told the same."""
    made = await asyncio.gather(*(gateway.new_training("again") for _ in range(100)))
    assert len({training.name for training in made}) == 1
    assert len({training.config.seed for training in made}) == 1
    assert len(await gateway.tables.trainings.list()) == 1


async def test_other_request_ids_are_other_trainings(gateway: Gateway) -> None:
    """Requests without an id, or with another one, make trainings of their own."""
    made = [await gateway.new_training(request_id) for request_id in ("", "", "a", "b")]
    assert len({training.name for training in made}) == 4


async def test_validation_creates_nothing(gateway: Gateway) -> None:
    """With validate_only the full configuration comes back and nothing else happens."""
    request = CreateTrainingRequest(stack="stacks/s", method=STRUCT, validate_only=True)
    training = await gateway.trainings.create(request)
    assert training.config.stage2.epochs == 100
    assert await gateway.tables.trainings.list() == []


async def test_order_is_priority_then_age(gateway: Gateway) -> None:
    """The queue shows higher priorities first, and among equals the older; positions count from 1."""  # spec: D1
    names = [(await gateway.new_training(priority=priority)).name for priority in (0, 5, 0, 5, -1)]
    positions = [(await gateway.trainings.get(name)).queue_position for name in names]
    assert positions == [3, 1, 4, 2, 5]
    listed, _ = await gateway.trainings.list(0, "")
    assert {training.name: training.queue_position for training in listed} == dict(
        zip(names, positions, strict=True)
    )


async def test_slot_is_given_to_one(gateway: Gateway) -> None:
    """The first of the queue is given the slot and the others wait; the next starts by itself when it is free."""  # spec: D1
    first, second, third = [(await gateway.new_training(method=N2V)).name for _ in range(3)]
    gateway.start(gateway.upkeep.dispatch())
    await gateway.until_state(first, "TRAINING")
    assert [(await gateway.trainings.get(name)).queue_position for name in (second, third)] == [1, 2]
    assert len(gateway.broker.jobs) == 1
    await gateway.serve_job()
    await gateway.until_state(second, "TRAINING")
    assert (await gateway.trainings.get(third)).queue_position == 1
    assert (await gateway.trainings.get(first)).queue_position == 0


async def test_cancelled_training_frees_the_slot(gateway: Gateway) -> None:
    """When the training that computes is cancelled the next one gets the slot at once."""  # spec: D1, D7
    first, second = [(await gateway.new_training()).name for _ in range(2)]
    gateway.start(gateway.upkeep.dispatch())
    await gateway.until_state(first, "TRAINING")
    cancelled = await gateway.trainings.cancel(first)
    assert cancelled.state == training_pb2.TRAINING_STATE_CANCELLED
    assert cancelled.HasField("end_time")
    await gateway.until_state(second, "TRAINING")
    assert (await gateway.trainings.cancel(first)) == await gateway.trainings.get(first)


async def test_review_does_not_hold_the_slot(gateway: Gateway) -> None:
    """While one training waits for its review, another one trains."""  # spec: D1
    first, second = [(await gateway.new_training()).name for _ in range(2)]
    await gateway.serve_until(first, "AWAITING_REVIEW")
    gateway.start(gateway.upkeep.dispatch())
    await gateway.until_state(second, "TRAINING")


async def test_two_gateways_give_the_slot_once(tmp_path: Path, gateway: Gateway) -> None:
    """Two gateways that look at the same queue at the same moment start one training."""  # spec: D1
    other = Gateway(tmp_path / "other", gateway.broker, gateway.store)
    names = [(await gateway.new_training()).name for _ in range(3)]
    for each in (gateway, other):
        each.start(each.upkeep.dispatch())
    await gateway.until_state(names[0], "TRAINING")
    await until(lambda: gateway.broker.jobs)
    states = [(await gateway.trainings.get(name)).state for name in names]
    assert states.count(training_pb2.TRAINING_STATE_TRAINING) == 1
    assert len(gateway.broker.jobs) == 1
    await other.stop()


async def test_queue_is_served_after_an_outage(gateway: Gateway) -> None:
    """An outage of the broker interrupts the dispatch and does not end it."""  # spec: D8
    gateway.broker.set_away(away=True)
    gateway.start(gateway.upkeep.dispatch())
    gateway.runs.queue_changed.set()
    await until(lambda: not gateway.runs.queue_changed.is_set())
    gateway.broker.set_away(away=False)
    training = await gateway.new_training()
    await gateway.until_state(training.name, "TRAINING")


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (CreateTrainingRequest(stack="stacks/s"), {"method"}),
        (
            CreateTrainingRequest(
                stack="stacks/s",
                method=77,  # type: ignore[arg-type]  # what a foreign client may send
                mode=77,  # type: ignore[arg-type]
                preset=77,  # type: ignore[arg-type]
                session="../x",
            ),
            {"method", "mode", "preset", "session"},
        ),
        (
            CreateTrainingRequest(
                stack="s",
                session="../x",
                config=TrainingConfig(stage1=StageConfig(epochs=0, augmentation=True), seed=-1),
            ),
            {"stack", "method", "session", "config.stage1.epochs", "config.seed"},
        ),
        (
            CreateTrainingRequest(
                stack="stacks/s", session="../x", config=TrainingConfig(stage2=StageConfig(features=1))
            ),
            {"method", "session", "config.stage2.features"},
        ),
        (CreateTrainingRequest(stack="trainings/s", method=N2V), {"stack"}),
        (CreateTrainingRequest(stack="stacks/a b", method=N2V), {"stack"}),
        (
            CreateTrainingRequest(
                stack="stacks/s",
                method=N2V,
                config=TrainingConfig(stage1=StageConfig(epochs=0, patch_size=128)),
            ),
            {"config.stage1.epochs", "config.stage1.patch_size"},
        ),
    ],
)
async def test_wrong_request_names_its_fields(
    gateway: Gateway, request_: CreateTrainingRequest, fields: set[str]
) -> None:
    """Every wrong field of a request is named as it is called there; nothing is created."""  # spec: C16
    with pytest.raises(InvalidFieldsError) as caught:
        await gateway.trainings.create(request_)
    assert {field for field, _ in caught.value.violations} == fields
    assert await gateway.tables.trainings.list() == []


async def test_shallow_stack_is_refused_in_25d(gateway: Gateway) -> None:
    """19 slices are refused in 2.5D with the reason, 20 accepted, and 2D takes any."""  # spec: A5
    await gateway.ready_stack("few", 19)
    await gateway.ready_stack("enough", 20)
    request = CreateTrainingRequest(stack="stacks/few", method=N2V, mode=config_pb2.MODE_2_5D)
    with pytest.raises(ClearstackError, match=r"^Insufficient Stack Depth for 2\.5D") as caught:
        await gateway.trainings.create(request)
    assert caught.value.reason == error_reason_pb2.ERROR_REASON_INSUFFICIENT_STACK_DEPTH
    request.stack = "stacks/enough"
    assert (await gateway.trainings.create(request)).mode == config_pb2.MODE_2_5D
    request.stack, request.mode = "stacks/few", config_pb2.MODE_2D
    assert (await gateway.trainings.create(request)).mode == config_pb2.MODE_2D


async def test_unknown_things_are_not_found(gateway: Gateway) -> None:
    """An id that there is not is not found, with the name and how to see those that there are."""
    with pytest.raises(NotFoundError, match=r"stacks/nobody.*stacks list"):
        await gateway.trainings.create(CreateTrainingRequest(stack="stacks/nobody", method=N2V))
    for call in (gateway.trainings.get, gateway.trainings.cancel, gateway.masks.get, gateway.masks.skip):
        with pytest.raises(NotFoundError, match="trainings/nobody"):
            await call("trainings/nobody")


async def test_running_training_cannot_be_deleted(gateway: Gateway) -> None:
    """A training that is not over is cancelled before it is deleted; then all that it made is gone, and nothing else."""
    name = (await gateway.new_training()).name
    await gateway.serve_until(name, "AWAITING_REVIEW")
    with pytest.raises(WrongStateError, match="cancel it first"):
        await gateway.trainings.delete(name, "")
    await gateway.trainings.cancel(name)
    await gateway.trainings.delete(name, "")
    with pytest.raises(NotFoundError):
        await gateway.trainings.get(name)
    assert await gateway.tables.models.list() == []
    assert await gateway.tables.denoisings.list() == []
    assert [stored.id for stored in await gateway.tables.stacks.list()] == ["s"]
    assert await gateway.bus.next_event(name, 0) is None


async def test_request_of_a_deleted_training_makes_a_new_one(gateway: Gateway) -> None:
    """The same request id gives the same training, and after it was deleted one that runs like any other."""
    first = await gateway.new_training("r")
    await gateway.serve_until(first.name, "AWAITING_REVIEW")
    assert (await gateway.new_training("r")).state == training_pb2.TRAINING_STATE_AWAITING_REVIEW
    await gateway.masks.skip(first.name)
    await gateway.trainings.delete(first.name, "")
    again = await gateway.new_training("r")
    assert (again.name, again.state) == (first.name, training_pb2.TRAINING_STATE_QUEUED)
    await gateway.serve_until(again.name, "AWAITING_REVIEW")
    told = [item[1].WhichOneof("kind") async for item in _history(gateway, again.name)]
    assert told.count("stage_trained") == told.count("mask_extracted") == 1
    assert told.count("state_changed") == 4


async def _history(gateway: Gateway, name: str) -> AsyncIterator[tuple[int, Event]]:
    found = await gateway.bus.next_event(name, 0)
    while found is not None:
        yield found
        found = await gateway.bus.next_event(name, found[0])


async def test_old_etag_deletes_nothing(gateway: Gateway) -> None:
    """Whoever deletes by an etag deletes the version that was read, or nothing."""
    read = await gateway.new_training()
    await gateway.trainings.cancel(read.name)
    with pytest.raises(ClearstackError) as caught:
        await gateway.trainings.delete(read.name, read.etag)
    assert caught.value.reason == error_reason_pb2.ERROR_REASON_ETAG_MISMATCH
    await gateway.trainings.delete(read.name, (await gateway.trainings.get(read.name)).etag)
