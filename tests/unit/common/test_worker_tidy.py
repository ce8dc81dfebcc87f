"""What a worker does when a job is over."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack_common.errors import BackendUnavailableError, ClearstackError
from clearstack_common.objects.settled import put_file_settled
from clearstack_common.worker import JobContext
from fakes import FakeStore
from unit.common.worker_rig import JOB, RETRY_S, WorkerRig


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[WorkerRig]:
    """A worker that is not started yet."""
    rig = WorkerRig(tmp_path / "scratch")
    yield rig
    await rig.stop()


class Broom:
    """Counts how often it was used; away as often as it is told."""

    def __init__(self, outages: int = 0) -> None:
        self.jobs: list[str] = []
        self._outages = outages

    async def __call__(self, context: JobContext) -> None:
        """Tidies up."""
        if self._outages:
            self._outages -= 1
            raise BackendUnavailableError("The store is away.")
        self.jobs.append(context.job.id)


async def _refuse(_: JobContext) -> None:
    raise ClearstackError("No.", reason=error_reason_pb2.ERROR_REASON_COMPUTATION_FAILED)


async def test_tidied_up_after_success_and_after_a_failure(rig: WorkerRig) -> None:
    """However a job ends, it is tidied up after it once."""  # spec: D7
    broom = Broom()
    await rig.queue()
    rig.start(_refuse, broom)
    await rig.until_done()
    assert broom.jobs == [JOB.id]


async def test_tidied_up_after_a_job_that_is_dropped(rig: WorkerRig) -> None:
    """What an earlier worker left of a cancelled run is removed although the job is not begun any more."""  # spec: D7
    broom = Broom()
    await rig.queue(active=[])
    rig.start(_refuse, broom)
    await rig.until_done()
    assert broom.jobs == [JOB.id]
    assert await rig.events() == []


async def test_a_job_that_is_given_back_is_not_tidied_up_after(rig: WorkerRig) -> None:
    """What the next worker goes on from stays."""  # spec: D8
    broom = Broom()
    is_away = True

    async def handler(_: JobContext) -> None:
        if is_away:
            raise BackendUnavailableError("The store is away.")

    await rig.queue()
    rig.start(handler, broom)
    await rig.until_given_back(1)
    assert broom.jobs == []
    is_away = False
    rig.broker.pass_time(RETRY_S)
    await rig.until_done()
    assert broom.jobs == [JOB.id]


async def test_what_cannot_be_tidied_up_stops_nobody(rig: WorkerRig) -> None:
    """An error while tidying up is logged; the job is over."""

    async def broken(_: JobContext) -> None:
        raise ZeroDivisionError

    await rig.queue()
    rig.start(_refuse, broken)
    await rig.until_done()


class SlowStore(FakeStore):
    """Whose uploads end when they are let."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def put_file(self, key: str, path: Path) -> StoredFile:
        """Stores a file, later."""
        self.begun.set()
        await self.may_end.wait()
        return await super().put_file(key, path)


async def test_an_upload_that_is_given_up_is_over(tmp_path: Path) -> None:
    """Cancelled in an upload, a worker goes on when the object is there and can be removed."""  # spec: D7
    (tmp_path / "checkpoint").write_bytes(b"x")
    store = SlowStore()
    upload = asyncio.ensure_future(put_file_settled(store, "key", tmp_path / "checkpoint"))
    await store.begun.wait()
    upload.cancel()
    store.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert "key" in store.objects
