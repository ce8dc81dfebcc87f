"""A worker that is told to stop, and has some time."""

import asyncio
from pathlib import Path

import pytest
from clearstack_common.errors import BackendUnavailableError
from clearstack_common.worker import JobContext
from unit.common.worker_rig import WorkerRig, work


@pytest.fixture
def rig(tmp_path: Path) -> WorkerRig:
    """A worker that has one job."""
    return WorkerRig(tmp_path)


async def test_a_job_in_work_is_finished(rig: WorkerRig) -> None:
    """Draining ends when the job does, not before."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(context: JobContext) -> None:
        begun.set()
        await go_on.wait()
        await work(context)

    await rig.queue()
    rig.start(slowly)
    await begun.wait()
    drained = asyncio.ensure_future(rig.draining.drain(30))
    done, _ = await asyncio.wait({drained}, timeout=0.05)
    assert not done
    go_on.set()
    await asyncio.wait_for(drained, 10)
    await rig.until_done()
    assert len(await rig.events()) == 1
    await rig.stop()


async def test_a_job_stops_where_it_may_and_is_handed_to_another(rig: WorkerRig) -> None:
    """As a trainer does after an epoch whose checkpoint is stored."""
    begun, epoch_is_over = asyncio.Event(), asyncio.Event()

    async def train(context: JobContext) -> None:
        begun.set()
        await epoch_is_over.wait()
        context.draining.stop_here()
        raise AssertionError("the next epoch was begun")

    await rig.queue()
    rig.start(train)
    await begun.wait()
    drained = asyncio.ensure_future(rig.draining.drain(30))
    await asyncio.sleep(0)
    epoch_is_over.set()
    await asyncio.wait_for(drained, 10)
    await rig.until_given_back(1)
    assert await rig.events() == []
    await rig.stop()


async def test_no_job_is_begun_and_nobody_is_waited_for(rig: WorkerRig) -> None:
    """A job that comes now goes back at once."""
    await rig.draining.drain(30)
    await rig.queue()
    rig.start()
    await rig.until_given_back(1)
    assert await rig.events() == []
    await rig.stop()


async def test_time_runs_out(rig: WorkerRig) -> None:
    """Then draining ends although the job does not; without any time, at once."""
    with rig.draining.busy():
        await asyncio.wait_for(rig.draining.drain(0.05), 10)
        await asyncio.wait_for(rig.draining.drain(0), 10)
    with pytest.raises(BackendUnavailableError):
        rig.draining.stop_here()
