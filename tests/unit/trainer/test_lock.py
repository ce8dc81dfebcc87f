"""The training lock around a piece of work."""

from pathlib import Path

from clearstack.v1.job_pb2 import Job, TrainStage
from clearstack_common.settings import ServiceSettings
from clearstack_common.worker import JobContext
from clearstack_trainer.lock import training_lock
from fakes import FakeBroker, FakeBus, FakeStore


async def test_the_work_knows_its_token(tmp_path: Path) -> None:
    """What fails while the lock is held can say under which token; afterwards nobody holds the lock."""  # spec: D1
    bus = FakeBus(FakeBroker())
    job = Job(id="r.stage1.attempt1.train", run="trainings/r", train=TrainStage())
    context = JobContext(job, bus, FakeStore(), ServiceSettings(scratch=tmp_path), tmp_path)
    assert context.token == 0
    async with training_lock(context) as token:
        assert context.token == token == await bus.lock_token() != 0
    assert await bus.lock_token() is None
