"""What every worker does around its own work."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack.v1.event_pb2 import Event, MaskExtracted
from clearstack_common.errors import BackendUnavailableError, ClearstackError
from clearstack_common.worker import MAX_DELIVERIES, MAX_SURPRISES, JobContext
from fakes import FakeBus
from fakes.bus import FakeHints
from fakes.waiting import until
from unit.common.worker_rig import JOB, RETRY_S, WorkerRig


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[WorkerRig]:
    """A worker that is not started yet."""
    rig = WorkerRig(tmp_path / "scratch")
    yield rig
    await rig.stop()


async def test_job_is_done_and_told(rig: WorkerRig) -> None:
    """A job is taken, its event carries the run and the job, and the job leaves the queue."""
    await rig.queue()
    rig.start()
    await rig.until_done()
    [event] = await rig.events()
    assert (event.id, event.run, event.job) == (f"{JOB.id}.extracted", "trainings/r", JOB.id)


async def test_folder_is_empty_and_removed(rig: WorkerRig) -> None:
    """A handler gets an empty folder, which is gone afterwards with all that is in it."""
    seen: list[Path] = []

    async def handler(context: JobContext) -> None:
        assert list(context.folder.iterdir()) == []
        (context.folder / "big").write_bytes(b"x")
        seen.append(context.folder)

    await rig.queue()
    rig.start(handler)
    await rig.until_done()
    await until(lambda: not seen[0].exists())


@pytest.mark.parametrize("active", [[], ["r.mask.revision2.extract"]])
async def test_unwanted_job_is_dropped(rig: WorkerRig, active: list[str]) -> None:
    """A job that its run does not wait for is not begun, and nothing is told."""  # spec: D7
    called = False

    async def handler(_: JobContext) -> None:
        nonlocal called
        called = True

    await rig.queue(active=active)
    rig.start(handler)
    await rig.until_done()
    assert not called
    assert await rig.events() == []


async def test_job_of_deleted_run_is_dropped(rig: WorkerRig) -> None:
    """A job whose run does not exist is dropped."""
    await FakeBus(rig.broker).publish_job(JOB)
    rig.start()
    await rig.until_done()
    assert await rig.events() == []


async def test_known_error_is_reported_at_once(rig: WorkerRig) -> None:
    """An error with a reason ends the job with that reason and sentence; it is not tried again."""
    reason = error_reason_pb2.ERROR_REASON_OUT_OF_MEMORY

    async def handler(_: JobContext) -> None:
        raise ClearstackError("Use a smaller batch.", reason=reason)

    await rig.queue()
    rig.start(handler)
    await rig.until_done()
    failure = (await rig.failure()).failure
    assert (failure.reason, failure.message) == ("OUT_OF_MEMORY", "Use a smaller batch.")


async def test_failure_under_a_lock_carries_its_token(rig: WorkerRig) -> None:
    """The failures of two holders of the training lock are two events, and each says whose it is."""  # spec: D1

    async def handler(context: JobContext) -> None:
        context.token = 7
        raise ClearstackError("Use a smaller batch.")

    await rig.queue()
    rig.start(handler)
    await rig.until_given_back(1)
    [event] = await rig.events()
    assert (event.id, event.job_failed.token) == (f"{JOB.id}.failed.7", 7)


async def test_failure_under_a_lock_that_is_refused_loses_no_job(rig: WorkerRig) -> None:
    """A job that failed under a lock leaves the queue when its run does not want it any more, and not before."""  # spec: D1 D8

    async def handler(context: JobContext) -> None:
        context.token = 7
        raise ClearstackError("Use a smaller batch.")

    await rig.queue()
    rig.start(handler)
    await rig.until_given_back(1)
    await rig.move_on()
    rig.broker.pass_time(RETRY_S)
    await rig.until_done()


async def test_outage_is_waited_for(rig: WorkerRig) -> None:
    """A job that met an outage is given back, tried again later, and no failure is reported."""  # spec: D8
    outages = 3

    async def handler(context: JobContext) -> None:
        nonlocal outages
        if outages:
            outages -= 1
            raise BackendUnavailableError("The store is away.")
        await context.publish(Event(mask_extracted=MaskExtracted()), "extracted")

    await rig.queue()
    rig.start(handler)
    for times in (1, 2, 3):
        await rig.until_given_back(times)
        rig.broker.pass_time(RETRY_S)
    await rig.until_done()
    assert [event.WhichOneof("kind") for event in await rig.events()] == ["mask_extracted"]


async def test_surprise_has_five_chances(rig: WorkerRig) -> None:
    """An unexpected error is tried again, then reported without its text, which may be a secret."""
    num_calls = 0

    async def handler(_: JobContext) -> None:
        nonlocal num_calls
        num_calls += 1
        raise ZeroDivisionError("secret")

    await rig.queue()
    rig.start(handler)
    for times in range(1, MAX_SURPRISES):
        await rig.until_given_back(times)
        rig.broker.pass_time(RETRY_S)
    await rig.until_done()
    failure = (await rig.failure()).failure
    assert num_calls == MAX_SURPRISES
    assert failure.reason == "COMPUTATION_FAILED"
    assert "ZeroDivisionError" in failure.message
    assert "secret" not in failure.message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_full_disk_is_reported_at_once(rig: WorkerRig, number: int) -> None:
    """A full disk does not get better by trying again: the person is told."""

    async def handler(_: JobContext) -> None:
        raise OSError(number, "full")

    await rig.queue()
    rig.start(handler)
    await rig.until_done()
    assert (await rig.failure()).failure.reason == "OUT_OF_SPACE"


async def test_job_that_kills_its_workers_is_given_up(rig: WorkerRig) -> None:
    """A job that was handed out often and never came to an end is reported, not begun again."""
    await rig.queue(num_deliveries=MAX_DELIVERIES)
    rig.start()
    await rig.until_done()
    failure = (await rig.failure()).failure
    assert failure.reason == "COMPUTATION_FAILED"
    assert f"begun {MAX_DELIVERIES} times" in failure.message


async def test_last_delivery_is_still_tried(rig: WorkerRig) -> None:
    """The number of chances is exact."""
    await rig.queue(num_deliveries=MAX_DELIVERIES - 1)
    rig.start()
    await rig.until_done()
    assert [event.WhichOneof("kind") for event in await rig.events()] == ["mask_extracted"]


async def test_work_stops_when_run_moves_on(rig: WorkerRig) -> None:
    """A cancelled run's handler is cancelled, threads are told to stop, and nothing is reported."""  # spec: D7
    contexts: list[JobContext] = []

    async def handler(context: JobContext) -> None:
        contexts.append(context)
        await asyncio.Event().wait()

    await rig.queue()
    rig.start(handler)
    await until(lambda: contexts)
    assert not contexts[0].stop.is_set()
    await rig.move_on()
    await rig.until_done()
    assert contexts[0].stop.is_set()
    assert await rig.events() == []


async def test_stopped_worker_gives_its_job_back(rig: WorkerRig) -> None:
    """A worker that is told to end hands its job to the next one at once."""  # spec: D8
    begun = asyncio.Event()

    async def handler(_: JobContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    await rig.queue()
    rig.start(handler)
    await begun.wait()
    await rig.stop()
    rig.start()
    await rig.until_done()
    assert [event.id for event in await rig.events()] == [f"{JOB.id}.extracted"]


async def test_events_are_published_through_an_outage(rig: WorkerRig) -> None:
    """What a handler has to tell waits for the broker to come back, and is told once."""
    trying = asyncio.Event()

    async def handler(context: JobContext) -> None:
        rig.broker.set_away(away=True)
        trying.set()
        await context.publish(Event(mask_extracted=MaskExtracted()), "extracted")

    await rig.queue()
    rig.start(handler)
    await trying.wait()
    assert rig.broker.history == []
    rig.broker.set_away(away=False)
    await rig.until_done()
    assert len(await rig.events()) == 1


class _DeafBus(FakeBus):
    """A connection that cannot listen to hints."""

    @asynccontextmanager
    async def hints(self, subject: str) -> AsyncIterator[FakeHints]:
        """Fails."""
        raise ConnectionError(subject)
        yield


async def test_job_is_not_lost_when_hints_fail(tmp_path: Path) -> None:
    """A worker that cannot listen does not take that for the end of the job."""
    rig = WorkerRig(tmp_path / "scratch", _DeafBus)
    begun = asyncio.Event()

    async def handler(_: JobContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    await rig.queue()
    rig.start(handler)
    await begun.wait()
    await rig.until_given_back(1)
    assert await rig.events() == []
    await rig.stop()
