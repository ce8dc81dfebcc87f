"""What stays in the object store of a training that is over."""

from pathlib import Path

import pytest
from clearstack.v1.job_pb2 import Job, TrainStage
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack.v1.record_pb2 import StageRecord, TrainingRecord
from clearstack_common import subjects
from clearstack_common.settings import ServiceSettings
from clearstack_common.worker import JobContext
from clearstack_trainer.tidy import tidy
from fakes import FakeBroker, FakeBus, FakeStore

_PREFIX = "models/default/r/stage1/attempt1"
_KEYS = (
    "checkpoints/token000000000001-epoch000003.pt",
    "checkpoints/token000000000002-epoch000004.pt",
    "token1/weights.pth",
    "token2/weights.pth",
)
_OTHERS = (
    "models/default/r/stage1/attempt10/token3/weights.pth",
    "models/default/s/stage1/attempt1/weights.pth",
)


@pytest.fixture
async def context(tmp_path: Path) -> JobContext:
    """A job whose trainers have left checkpoints and weights, beside those of others."""
    store = FakeStore()
    for key in (*(f"{_PREFIX}/{key}" for key in _KEYS), *_OTHERS):
        await store.put_bytes(key, b"x")
    job = Job(id="r.stage1.attempt1.train", run="trainings/r", train=TrainStage(object_prefix=_PREFIX))
    return JobContext(job, FakeBus(FakeBroker()), store, ServiceSettings(scratch=tmp_path), tmp_path)


async def _left(context: JobContext) -> list[str]:
    await tidy(context)
    return [item.key for item in await context.store.list("")]


async def test_what_the_record_refers_to_stays(context: JobContext) -> None:
    """After success the accepted weights stay; checkpoints and an overtaken trainer's weights go."""  # spec: D4 D7
    accepted = f"{_PREFIX}/token2/weights.pth"
    record = TrainingRecord(stages=[StageRecord(files=[StoredFile(object_key=accepted)])])
    await context.bus.table(subjects.TRAININGS_BUCKET, TrainingRecord).create("r", record)
    assert await _left(context) == sorted([accepted, *_OTHERS])


async def test_nothing_of_a_cancelled_stage_stays(context: JobContext) -> None:
    """A record that refers to no files lets all of them go, and those of no other training."""  # spec: D7
    await context.bus.table(subjects.TRAININGS_BUCKET, TrainingRecord).create("r", TrainingRecord())
    assert await _left(context) == sorted(_OTHERS)


async def test_nothing_of_a_deleted_training_stays(context: JobContext) -> None:
    """Nor of one that is gone."""  # spec: D7
    assert await _left(context) == sorted(_OTHERS)
