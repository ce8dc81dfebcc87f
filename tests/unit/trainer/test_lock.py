"""The training lock around a piece of work."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from clearstack.v1.job_pb2 import Job, TrainStage
from clearstack_common.errors import BackendUnavailableError, ClearstackError
from clearstack_common.settings import ServiceSettings
from clearstack_common.worker import JobContext
from clearstack_trainer.lock import training_lock
from fakes import FakeBroker, FakeBus, FakeStore

_ERROR = ClearstackError("The loss is not a number.")


def _context(broker: FakeBroker, folder: Path) -> JobContext:
    job = Job(id="r.stage1.attempt1.train", run="trainings/r", train=TrainStage())
    return JobContext(
        job, FakeBus(broker), FakeStore(), ServiceSettings(scratch=folder, lock_ttl_s=2), folder
    )


async def test_the_work_knows_its_token(tmp_path: Path) -> None:
    """What fails while the lock is held can say under which token; afterwards nobody holds the lock."""  # spec: D1
    context = _context(FakeBroker(), tmp_path)
    assert context.token == 0
    async with training_lock(context) as token:
        assert context.token == token == await context.bus.lock_token() != 0
    assert await context.bus.lock_token() is None


async def test_an_error_is_told_while_the_lock_is_held(tmp_path: Path) -> None:
    """Who has the lock fails for everybody to know, and gives it back."""
    context = _context(FakeBroker(), tmp_path)
    with pytest.raises(ClearstackError) as caught:
        await _fail_after(context, lambda: None)
    assert caught.value is _ERROR
    assert await context.bus.lock_token() is None


@pytest.mark.parametrize("successor", [None, "another"])
async def test_who_slept_through_the_lock_does_not_end_the_training(
    tmp_path: Path, successor: str | None
) -> None:
    """An error after the lock expired is kept to oneself, and the successor keeps the lock."""  # spec: D1 D8
    broker = FakeBroker()
    context = _context(broker, tmp_path)

    def sleep() -> None:
        broker.pass_time(broker.lock_ttl_s + 1)
        if successor:
            broker.write_lock(successor, None)

    with pytest.raises(BackendUnavailableError):
        await _fail_after(context, sleep)
    held = broker.holder()
    assert (held.holder if held else None) == successor


async def test_an_error_during_an_outage_is_not_told(tmp_path: Path) -> None:
    """While nobody can say whose the lock is, the job is left to be taken anew."""  # spec: D8
    broker = FakeBroker()
    with pytest.raises(BackendUnavailableError):
        await _fail_after(_context(broker, tmp_path), lambda: setattr(broker, "is_away", True))


async def test_who_lost_the_lock_stops_even_if_it_misses_the_first_call(tmp_path: Path) -> None:
    """A cancellation that was swallowed on its way is repeated: nobody computes without the lock."""  # spec: D1
    broker = FakeBroker()
    with pytest.raises(BackendUnavailableError):
        await _miss_the_first_call(_context(broker, tmp_path), broker)


async def _miss_the_first_call(context: JobContext, broker: FakeBroker) -> None:
    async with training_lock(context):
        broker.pass_time(broker.lock_ttl_s + 1)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.wait_for(asyncio.Event().wait(), 60)


async def _fail_after(context: JobContext, incident: Callable[[], None]) -> None:
    async with training_lock(context):
        incident()
        raise _ERROR
