"""Crashes and outages between a decision and its doing, zombies, events of the broken and the deleted."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from clearstack.v1 import training_pb2
from clearstack.v1.event_pb2 import Event, JobFailed
from clearstack.v1.training_pb2 import TrainingState
from clearstack_common.errors import BackendUnavailableError, WrongStateError
from clearstack_gateway.workflow import Approve, Grant, SkipStageTwo
from clearstack_gateway.workflow.training_effects import work_id
from fakes import FakeBus
from fakes.waiting import until
from unit.gateway.plays import FAILURE, job_failed, stage_started, stage_trained
from unit.gateway.rig import N2V, Gateway


async def _history(gateway: Gateway, name: str) -> list[str]:
    found, after = [], 0
    while (item := await gateway.bus.next_event(name, after)) is not None:
        after = item[0]
        found.append(item[1].id)
    return found


@pytest.mark.parametrize("num_done", [0, 1])
async def test_new_gateway_finishes_what_was_decided(tmp_path: Path, gateway: Gateway, num_done: int) -> None:
    """The broker goes away after none or some of the effects; another gateway does the rest, and nothing twice."""  # spec: D8
    name = (await gateway.new_training()).name
    gateway.broker.effects_until_outage = num_done
    await gateway.runs.advance_training(name, Grant())
    gateway.broker.set_away(away=False)
    assert (await gateway.record(name)).outbox
    assert (len(gateway.broker.jobs), len(gateway.broker.history)) == (0, num_done)

    other = Gateway(tmp_path / "other", gateway.broker, gateway.store)
    await other.runs.recover()
    await other.runs.recover()
    assert not (await gateway.record(name)).outbox
    assert len(gateway.broker.jobs) == 1
    assert len(await _history(gateway, name)) == 1


async def test_crash_after_the_doing_repeats_it_without_harm(gateway: Gateway) -> None:
    """Effects that were carried out, but not crossed off, are carried out again and change nothing."""  # spec: D8
    name = (await gateway.new_training(method=N2V)).name
    await gateway.serve_until(name, "DENOISING")
    stored = await gateway.tables.trainings.get(name.removeprefix("trainings/"))
    before = await _history(gateway, name)
    num_jobs = len(gateway.broker.jobs)
    record = await gateway.record(name)
    model = (await gateway.tables.models.list())[0].value
    denoising = (await gateway.tables.denoisings.list())[0].value
    record.outbox.add(register_model=model)
    record.outbox.add(start_denoising=denoising)
    await gateway.tables.trainings.update(stored, record)
    await gateway.runs.recover()
    assert await _history(gateway, name) == before
    assert len(gateway.broker.jobs) == num_jobs
    assert len(await gateway.tables.denoisings.list()) == len(await gateway.tables.models.list()) == 1
    assert (await gateway.tables.models.list())[0].value == model, "not even its time changes"
    assert (await gateway.serve_until(name, "COMPLETE")).result_stack


@pytest.mark.parametrize("num_done", range(8))
async def test_outage_at_any_moment_loses_nothing(gateway: Gateway, num_done: int) -> None:
    """Wherever in the life of a training the broker fails, the training completes when it is back."""  # spec: D8
    name = (await gateway.new_training(method=N2V)).name
    gateway.broker.effects_until_outage = num_done
    with pytest.raises(BackendUnavailableError):
        await gateway.serve_until(name, "COMPLETE")
    gateway.broker.set_away(away=False)
    gateway.broker.pass_time(100)
    await gateway.runs.recover()
    await gateway.apply_events()
    training = await gateway.serve_until(name, "COMPLETE")
    states = [event for event in await _history(gateway, name) if ".state." in event]
    assert len(states) == len(set(states)) == 3
    assert training.result_stack in [f"stacks/{each.id}" for each in await gateway.tables.stacks.list()]


async def test_recovery_loop_goes_on_after_an_outage(gateway: Gateway) -> None:
    """What cannot be recovered now does not end the recovery."""  # spec: D8
    gateway.broker.set_away(away=True)
    gateway.start(gateway.upkeep.recover())
    await asyncio.sleep(0)
    assert not gateway._loops[0].done()


async def test_result_of_a_trainer_without_the_lock_is_refused(gateway: Gateway) -> None:
    """While another trainer holds the lock, the finished stage of the one that lost it is not taken."""  # spec: D1
    name = (await gateway.new_training()).name
    await gateway.grant(name)
    job = (await anext(gateway.bus.jobs("train"))).item
    zombie = await gateway.bus.acquire_lock("zombie")
    assert zombie is not None
    gateway.broker.pass_time(gateway.broker.lock_ttl_s + 1)
    successor = await gateway.bus.acquire_lock("successor")
    assert successor is not None
    await gateway.bus.publish_event(stage_trained(job, zombie.token))
    await gateway.apply_events()
    assert (await gateway.trainings.get(name)).state == training_pb2.TRAINING_STATE_TRAINING
    await gateway.bus.publish_event(stage_trained(job, successor.token))
    await gateway.apply_events()
    assert (await gateway.trainings.get(name)).state == training_pb2.TRAINING_STATE_DENOISING
    assert (await gateway.record(name)).stages[0].token == successor.token


async def test_failure_of_a_trainer_without_the_lock_is_refused(gateway: Gateway) -> None:
    """What the one that lost the lock failed of does not end what another has begun, though it has told nothing yet."""  # spec: D1
    name = (await gateway.new_training()).name
    await gateway.grant(name)
    job = (await anext(gateway.bus.jobs("train"))).item
    zombie = await gateway.bus.acquire_lock("zombie")
    assert zombie is not None
    gateway.broker.pass_time(gateway.broker.lock_ttl_s + 1)
    successor = await gateway.bus.acquire_lock("successor")
    assert successor is not None
    for token, state in ((zombie.token, "TRAINING"), (successor.token, "FAILED")):
        failed = JobFailed(failure=FAILURE, token=token)
        event = Event(id=f"{job.id}.failed.{token}", run=job.run, job=job.id, job_failed=failed)
        await gateway.bus.publish_event(event)
        await gateway.apply_events()
        found = (await gateway.trainings.get(name)).state
        assert found == TrainingState.Value(f"TRAINING_STATE_{state}")


async def test_result_counts_when_nobody_has_the_lock(gateway: Gateway) -> None:
    """A finished stage is taken although its trainer has given the lock back, or still has it."""  # spec: D1
    for holds in (False, True):
        name = (await gateway.new_training(method=N2V)).name
        await gateway.grant(name)
        delivery = await anext(gateway.bus.jobs("train"))
        lock = await gateway.bus.acquire_lock("trainer")
        assert lock is not None
        if not holds:
            await lock.release()
        await gateway.bus.publish_event(stage_trained(delivery.item, lock.token))
        await delivery.done()
        await gateway.apply_events()
        assert (await gateway.trainings.get(name)).state == training_pb2.TRAINING_STATE_DENOISING


async def test_event_of_a_deleted_run_is_let_go(gateway: Gateway) -> None:
    """An event of a run that there is not does not hold up those after it."""
    name = (await gateway.new_training()).name
    await gateway.grant(name)
    job = (await anext(gateway.bus.jobs("train"))).item
    for run in ("trainings/gone", "denoisings/gone"):
        await gateway.bus.publish_event(job_failed(f"{run}.x", run))
    await gateway.bus.publish_event(stage_started(job, 1))
    gateway.start(gateway.upkeep.apply_events())
    await until(lambda: gateway.broker.consumers["gateway"].position == 4)
    assert (await gateway.trainings.get(name)).stages[0].device == "cpu"


def _is_given_back(gateway: Gateway, times: int) -> bool:
    message = gateway.broker.consumers["gateway"].pending
    return message is not None and message.num_delivered == times and message.due < gateway.broker.now() + 5


async def test_event_that_cannot_be_applied_is_given_up(gateway: Gateway) -> None:
    """An event that makes no sense is tried some times and let go; those after it are applied."""
    name = (await gateway.new_training()).name
    await gateway.grant(name)
    job = (await anext(gateway.bus.jobs("train"))).item
    nonsense: Event = stage_started(job, 1)
    nonsense.id, nonsense.stage_started.stage = "nonsense", 99
    await gateway.bus.publish_event(nonsense)
    await gateway.bus.publish_event(stage_started(job, 1))
    gateway.start(gateway.upkeep.apply_events())
    consumer = gateway.broker.consumers["gateway"]
    for times in range(1, 5):
        await until(partial(_is_given_back, gateway, times))
        gateway.broker.pass_time(5)
    await until(lambda: consumer.position == 3)
    assert (await gateway.trainings.get(name)).stages[0].device == "cpu"


async def test_outage_while_applying_repeats_the_event(gateway: Gateway) -> None:
    """An event that came just before an outage is applied after it."""  # spec: D8
    name = (await gateway.new_training()).name
    await gateway.grant(name)
    job = (await anext(gateway.bus.jobs("train"))).item
    events = gateway.bus.events("gateway", ("stage_started",))
    await gateway.bus.publish_event(stage_started(job, 1))
    delivery = await anext(events)
    gateway.broker.set_away(away=True)
    with pytest.raises(BackendUnavailableError):
        await gateway.upkeep._apply(delivery)
    gateway.broker.set_away(away=False)
    gateway.broker.pass_time(100)
    await gateway.apply_events()
    assert (await gateway.trainings.get(name)).stages[0].device == "cpu"


async def test_two_gateways_decide_one_after_the_other(tmp_path: Path, gateway: Gateway) -> None:
    """Of two decisions that exclude each other, taken at once at two gateways, exactly one counts."""  # spec: D10
    other = Gateway(tmp_path / "other", gateway.broker, gateway.store)
    name = (await gateway.new_training()).name
    await gateway.serve_until(name, "AWAITING_REVIEW")
    outcomes = await asyncio.gather(
        gateway.runs.advance_training(name, Approve()),
        other.runs.advance_training(name, SkipStageTwo()),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, WrongStateError) for outcome in outcomes) == 1
    states = [event for event in await _history(gateway, name) if ".state." in event]
    assert states == [f"{work_id(await gateway.record(name))}.state.{n}" for n in range(1, 6)]


async def test_cancel_hints_at_the_workers(gateway: Gateway) -> None:
    """Whoever works for a cancelled run is woken, its denoising's jobs are not wanted any more."""  # spec: D7
    name = (await gateway.new_training()).name
    await gateway.serve_until(name, "DENOISING")
    [denoising] = await gateway.tables.denoisings.list()
    run_id = name.removeprefix("trainings/")
    listener = FakeBus(gateway.broker)
    async with (
        listener.hints(f"clearstack.hint.cancel.{run_id}") as hints,
        listener.hints(f"clearstack.hint.cancel.{denoising.id}") as denoising_hints,
    ):
        await gateway.trainings.cancel(name)
        assert await hints.wait(5)
        assert await denoising_hints.wait(5)
    assert list((await gateway.tables.denoisings.get(denoising.id)).value.active_jobs) == []
