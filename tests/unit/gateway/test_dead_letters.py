"""Dead letters: what becomes one, and how its run goes on."""

import pytest
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest
from clearstack.v1.event_pb2 import Event, StageTrained
from clearstack.v1.job_pb2 import Job
from clearstack_common import protojson, subjects
from clearstack_common.bus.dead_letters import bury
from clearstack_common.errors import NotFoundError, WrongStateError
from clearstack_gateway.use_cases.dead_letters import DeadLetters
from clearstack_gateway.workflow import Retry
from unit.gateway.plays import FAILURE, job_failed
from unit.gateway.rig import N2V, Gateway


@pytest.fixture
def letters(gateway: Gateway) -> DeadLetters:
    """The letters of the gateway."""
    return DeadLetters(gateway.bus, gateway.tables, gateway.runs, gateway.upkeep.apply)


async def _fail(gateway: Gateway) -> str:
    """The oldest job is given up; returns the letter's name."""
    job = protojson.decode(gateway.broker.jobs[0].data, Job)
    await bury(
        gateway.upkeep._letters,
        job.id,
        protojson.encode(job),
        subject=subjects.job_subject(job),
        failure=FAILURE,
        num_delivered=5,
        run=job.run,
    )
    await gateway.bus.publish_event(job_failed(job.id, job.run))
    del gateway.broker.jobs[0]
    await gateway.apply_events()
    [letter] = await gateway.upkeep._letters.list()
    return letter.value.name


@pytest.mark.parametrize("state", ["TRAINING", "DENOISING", "EXTRACTING_MASK"])
async def test_failed_step_is_begun_anew(gateway: Gateway, letters: DeadLetters, state: str) -> None:
    """Whatever step has failed: a retry begins that one again, under new ids, and the training completes."""
    name = (await gateway.new_training()).name
    await gateway.serve_until(name, state)
    letter = await _fail(gateway)
    await gateway.until_state(name, "FAILED")
    assert (await letters.get(letter)).run in {
        name,
        *(f"denoisings/{each.id}" for each in await gateway.tables.denoisings.list()),
    }
    assert await letters.retry(letter) == name
    assert not (await letters.list(0, ""))[0]
    training = await gateway.trainings.get(name)
    assert not training.HasField("failure")
    assert not training.HasField("end_time")
    await gateway.serve_until(name, "AWAITING_REVIEW")


async def test_failed_denoising_is_begun_anew(gateway: Gateway, letters: DeadLetters) -> None:
    """A denoising of its own begins again with all its ranges, and writes to other places."""
    name = (await gateway.new_training(method=N2V)).name
    model = (await gateway.serve_until(name, "COMPLETE")).model
    made = await gateway.denoisings.create(CreateDenoisingRequest(stack="stacks/s", model=model))
    key = protojson.decode(gateway.broker.jobs[0].data, Job).denoise.object_key
    letter = await _fail(gateway)
    gateway.broker.jobs.clear()
    assert await letters.retry(letter) == made.name
    assert protojson.decode(gateway.broker.jobs[0].data, Job).denoise.object_key != key
    while gateway.broker.jobs:
        await gateway.serve_job()
    assert (await gateway.denoisings.get(made.name)).result_stack


async def test_run_that_goes_on_already_is_left_alone(gateway: Gateway, letters: DeadLetters) -> None:
    """A run that has not failed stays as it is, and so does the letter, until it is dropped."""
    name = (await gateway.new_training(method=N2V)).name
    await gateway.serve_until(name, "TRAINING")
    letter = await _fail(gateway)
    await gateway.runs.advance_training(name, Retry(incarnation="other"))
    with pytest.raises(WrongStateError, match="QUEUED"):
        await letters.retry(letter)
    await letters.drop(letter)
    with pytest.raises(NotFoundError, match="deadletters list"):
        await letters.get(letter)


async def test_event_that_cannot_be_applied_is_kept(gateway: Gateway, letters: DeadLetters) -> None:
    """After five attempts it holds nobody up any more, and can be looked at, retried and dropped."""
    name = (await gateway.new_training(method=N2V)).name
    await gateway.grant(name)
    job = (await gateway.record(name)).active_jobs[0]
    poison = Event(id="poison", run=name, job=job, stage_trained=StageTrained(stage=9))
    await gateway.bus.publish_event(poison)
    for _ in range(5):
        gateway.broker.pass_time(10)
        await gateway.apply_events()
    [letter] = (await letters.list(0, ""))[0]
    assert (letter.run, letter.delivery_count, letter.data) == (name, 5, b"")
    assert "IndexError" in letter.failure.message
    assert b"poison" in (await letters.get(letter.name)).data
    with pytest.raises(IndexError):
        await letters.retry(letter.name)
    await letters.drop(letter.name)
    await gateway.serve_until(name, "COMPLETE")


async def test_message_that_cannot_be_read_is_handed_out_again(
    gateway: Gateway, letters: DeadLetters
) -> None:
    """As it was, on its subject: another version may be able to read it."""
    subject, data = "clearstack.cmd.train.x", b"{"
    await bury(gateway.upkeep._letters, "stream.7", data, subject=subject, failure=FAILURE, num_delivered=1)
    [letter] = (await letters.list(0, ""))[0]
    assert await letters.retry(letter.name) == ""
    assert [(job.subject, job.data) for job in gateway.broker.jobs] == [(subject, data)]


async def test_message_too_large_to_keep_is_noted(gateway: Gateway, letters: DeadLetters) -> None:
    """Its letter has no data, and says so when it is to be retried."""
    data = b"x" * (600 << 10)
    await bury(gateway.upkeep._letters, "stream.8", data, subject="a.b", failure=FAILURE, num_delivered=1)
    [letter] = (await letters.list(0, ""))[0]
    with pytest.raises(WrongStateError, match="too large"):
        await letters.retry(letter.name)


async def test_import_is_not_retried(gateway: Gateway, letters: DeadLetters) -> None:
    """Whoever waited for an import has had the answer: nothing goes on by itself."""
    await bury(
        gateway.upkeep._letters,
        "m.import",
        b"{}",
        subject="clearstack.cmd.import_model.m",
        failure=FAILURE,
        num_delivered=12,
        run="models/m",
    )
    [letter] = (await letters.list(0, ""))[0]
    with pytest.raises(WrongStateError, match="import"):
        await letters.retry(letter.name)
