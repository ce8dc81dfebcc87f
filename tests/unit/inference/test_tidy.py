"""What stays in the object store of a denoising."""

from pathlib import Path

import pytest
from clearstack.v1 import denoising_pb2 as pb
from clearstack.v1.job_pb2 import AssembleResult, DenoiseRange, Job
from clearstack.v1.record_pb2 import DenoisingRecord
from clearstack_common import subjects
from clearstack_common.settings import ServiceSettings
from clearstack_common.worker import JobContext
from clearstack_inference.tidy import tidy
from fakes import FakeBroker, FakeBus, FakeStore

_PARTS = ["results/d/parts/d/000000-000004.raw", "results/d/parts/d/000004-000008.raw"]
_RESULT = "results/d/denoised.tif"
_OTHER = "results/e/parts/e/000000-000004.raw"
_JOBS = {
    "denoise": Job(run="denoisings/d", denoise=DenoiseRange(object_key=_PARTS[0])),
    "assemble": Job(run="denoisings/d", assemble=AssembleResult(part_keys=_PARTS, object_key=_RESULT)),
}


async def _left(tmp_path: Path, verb: str, *states: "pb.DenoisingState.ValueType") -> set[str]:
    store, bus = FakeStore(), FakeBus(FakeBroker())
    for key in (*_PARTS, _RESULT, _OTHER):
        await store.put_bytes(key, b"x")
    for state in states:
        record = DenoisingRecord(denoising=pb.Denoising(state=state))
        await bus.table(subjects.DENOISINGS_BUCKET, DenoisingRecord).create("d", record)
    await tidy(JobContext(_JOBS[verb], bus, store, ServiceSettings(scratch=tmp_path), tmp_path))
    return {item.key for item in await store.list("")}


@pytest.mark.parametrize("state", [pb.DENOISING_STATE_CANCELLED, pb.DENOISING_STATE_FAILED])
async def test_parts_of_a_denoising_that_was_given_up_go(
    tmp_path: Path, state: "pb.DenoisingState.ValueType"
) -> None:
    """All of its parts, and after the last step the file too; nothing of another denoising."""  # spec: D7
    assert await _left(tmp_path, "denoise", state) == {_RESULT, _OTHER}
    assert await _left(tmp_path, "assemble", state) == {_OTHER}


@pytest.mark.parametrize("verb", ["denoise", "assemble"])
async def test_a_denoising_that_goes_on_keeps_everything(tmp_path: Path, verb: str) -> None:
    """The next step needs the parts."""
    everything = {*_PARTS, _RESULT, _OTHER}
    for state in (pb.DENOISING_STATE_DENOISING, pb.DENOISING_STATE_ASSEMBLING):
        assert await _left(tmp_path, verb, state) == everything


@pytest.mark.parametrize("verb", ["denoise", "assemble"])
async def test_a_denoising_that_has_its_result_keeps_no_parts(tmp_path: Path, verb: str) -> None:
    """A job that comes again after a crash removes what was left; the result stays."""  # spec: D8
    for state in (pb.DENOISING_STATE_REPORTING, pb.DENOISING_STATE_COMPLETE):
        assert await _left(tmp_path, verb, state) == {_RESULT, _OTHER}


async def test_a_deleted_denoising_leaves_no_parts(tmp_path: Path) -> None:
    """A record that is gone needs nothing."""
    assert await _left(tmp_path, "denoise") == {_RESULT, _OTHER}
