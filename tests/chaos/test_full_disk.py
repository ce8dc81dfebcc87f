"""Full disks and full memory: the run fails with its reason, the service lives, the queue moves on."""

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from chaos.support.ports import own_port
from chaos.support.recorder import Recorder
from chaos.support.small_disk import small_disk
from clearstack.v1 import training_pb2
from clearstack.v1.stack_service_pb2 import ListStacksRequest
from clearstack.v1.training_pb2 import Training
from clearstack_embedded.folder import DataFolder
from e2e.support import backends, configs, tiffs
from e2e.support.api import Api
from e2e.support.cli import clearstack
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until

_SCRATCH_BYTES = 4 << 20
_SMALL_SIDE_PX, _LARGE_SIDE_PX = 48, 640  # of 6 slices with 16 bits: 28 kB and 5 MB
_MEMORY_BYTES = 4 << 30
_WITHIN_S = 300.0
_PROMISE = "the run fails with its reason, the service lives, the queue moves on"


@contextmanager
def _installation(data: Path) -> Iterator[RunningInstallation]:
    running = RunningInstallation(data=data, options=own_port())
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.mark.chaos_long
@pytest.mark.timeout(900)
def test_full_scratch_of_the_trainer(tmp_path: Path, figure: Recorder) -> None:
    """A stack that does not fit fails with advice, the next one is trained, and with more room the first one too."""
    data = tmp_path / "data"
    with (
        small_disk(DataFolder(data).scratch("trainer"), _SCRATCH_BYTES) as disk,
        _installation(data) as running,
    ):
        api = Api(running.endpoint)
        pid = running.pid("trainer")
        disk.fill()
        stack = api.upload(tiffs.write_noise(tmp_path / "noisy.tif"))
        failed = _until_failed(api, api.train(stack, configs.n2v()).name)
        disk.make_room()
        large = api.upload(tiffs.write_noise(tmp_path / "large.tif", side_px=_LARGE_SIDE_PX))
        too_large = api.train(large, configs.n2v()).name
        other = api.train(stack, configs.n2v()).name
        api.until_complete(other)
        _until_failed(api, too_large)
        [letter] = [each for each in _letters(running) if each["run"] == failed.name]
        assert clearstack("deadletters", "retry", letter["name"], installation=running).code == 0
        api.until_complete(failed.name)
        figure(
            f"scratch full: {_PROMISE}",
            "the trainer's scratch folder on a disk of 4 MB: filled to the last byte; then a stack of 5 MB",
            f"FAILED {failed.failure.reason}, “{failed.failure.message}”; the next training complete; with room again "
            "`clearstack deadletters retry` completes the first",
        )
        assert failed.failure.reason == "OUT_OF_SPACE"
        assert running.pid("trainer") == pid


@pytest.mark.chaos_long
@pytest.mark.timeout(900)
def test_full_memory(tmp_path: Path, figure: Recorder) -> None:
    """A training that needs more memory than there is fails with advice; the next one, smaller, is trained."""  # spec: D14
    with _installation(tmp_path / "data") as running:
        api = Api(running.endpoint)
        pid = running.pid("trainer")
        assert pid is not None
        resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        stack = api.upload(tiffs.write_noise(tmp_path / "noisy.tif", side_px=256))
        greedy = configs.n2v(patch_size=256, features=256, layers=5, batch_size=64, patches_per_image=64)
        failed = api.train(stack, greedy).name
        modest = api.train(stack, configs.n2v()).name
        done = _until_failed(api, failed)
        api.until_complete(modest)
        figure(
            f"memory full: {_PROMISE}",
            "a network of 256 features and patches of 256 px with 4 GB of address space",
            f"FAILED {done.failure.reason}, “{done.failure.message}”; the next training complete",
        )
        assert done.failure.reason == "OUT_OF_MEMORY"
        assert "batch size" in done.failure.message
        assert running.pid("trainer") == pid


@pytest.mark.chaos_long
@pytest.mark.timeout(1200)
def test_full_store(tmp_path: Path, figure: Recorder) -> None:
    """A store without room: a training fails with that reason, the gateway answers; with room, both go on."""
    data = tmp_path / "data"
    with small_disk(DataFolder(data).store, 160 << 20) as disk, _installation(data) as running:
        api = Api(running.endpoint)
        stack = api.upload(tiffs.write_noise(tmp_path / "noisy.tif"))
        disk.fill()
        began = time.monotonic()
        failed = _until_failed(api, api.train(stack, configs.n2v()).name)
        took = time.monotonic() - began
        assert api.stacks.ListStacks(ListStacksRequest()).stacks
        with pytest.raises(grpc.RpcError) as refused:
            api.upload(tiffs.write_noise(tmp_path / "new.tif", side_px=64))
        disk.make_room()
        running.kill("store")  # it takes nothing more until it is started again
        until(lambda: backends.can_write(running), 120, "the store takes files again")
        [letter] = _letters(running)
        assert clearstack("deadletters", "retry", letter["name"], installation=running).code == 0
        api.until_complete(failed.name, _WITHIN_S)
        figure(
            f"store full: {_PROMISE}",
            "the store's disk is filled to the last byte while a training begins",
            f"FAILED {failed.failure.reason} after {took:.0f} s; an upload is refused as {_code(refused.value)}; with room, and the "
            "store started again, `clearstack deadletters retry` completes it",
        )
        assert failed.failure.reason == "OUT_OF_SPACE"


def _until_failed(api: Api, name: str) -> Training:
    return api.until(name, training_pb2.TRAINING_STATE_FAILED, within_s=_WITHIN_S)


def _letters(running: RunningInstallation) -> list[dict[str, str]]:
    listed = json.loads(clearstack("deadletters", "list", "--json", installation=running).out)
    letters: list[dict[str, str]] = listed.get("dead_letters", [])
    return letters


def _code(error: grpc.RpcError) -> str:
    assert isinstance(error, grpc.Call)
    return str(error.code().name)
