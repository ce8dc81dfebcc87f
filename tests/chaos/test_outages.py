"""Outages: the broker or the store is away, and comes back."""

import hashlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from chaos.support.ports import own_port
from chaos.support.recorder import Recorder
from clearstack.v1.stack_service_pb2 import (
    GetStackRequest,
    InspectStackRequest,
    ListStacksRequest,
    Stack,
)
from clearstack_embedded import health
from contract.suspension import suspend
from e2e.support import backends, configs, tiffs
from e2e.support.api import Api
from e2e.support.events import epochs
from e2e.support.installation import CLEARSTACK, RunningInstallation, clean_environment
from e2e.support.waiting import until

_EPOCHS = 8
_CONFIG = configs.n2v(epochs=_EPOCHS, patches_per_image=24)
_ALIVE_WITHIN_S = 10.0
_WITHIN_S = 240.0
_BIG_SLICES, _BIG_SIDE_PX = 24, 2048  # 200 MB: long enough on the way to be caught in the middle
_OUTAGES_S = (3, pytest.param(60, marks=[pytest.mark.chaos_long, pytest.mark.timeout(900)]))
_PROBES: dict[str, health.ProbeKind] = {"broker": "nats", "store": "http"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """One as everybody has it."""
    running = RunningInstallation(data=tmp_path_factory.mktemp("outages") / "data", options=own_port())
    running.start()
    yield running
    running.stop()
    assert not running.processes(), "processes are left behind"


@pytest.fixture(scope="module")
def stack(installation: RunningInstallation, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """What the trainings learn from."""
    return Api(installation.endpoint).upload(
        tiffs.write_noise(tmp_path_factory.mktemp("noise") / "noisy.tif")
    )


@pytest.fixture(scope="module")
def undisturbed(installation: RunningInstallation, stack: Stack) -> str:
    """The weights when nothing happens."""
    api = Api(installation.endpoint)
    return api.weights(api.until_complete(api.train(stack, _CONFIG).name, _WITHIN_S))


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes a while."""
    shape_ZYX = (_BIG_SLICES, _BIG_SIDE_PX, _BIG_SIDE_PX)
    stack_ZYX = np.random.default_rng(1).integers(100, 200, shape_ZYX, dtype=np.uint16)
    return tiffs.write(tmp_path_factory.mktemp("big") / "big.tif", stack_ZYX)


@pytest.mark.parametrize("seconds", _OUTAGES_S)
def test_idle_consumers_are_back_soon(
    installation: RunningInstallation, tmp_path: Path, figure: Recorder, seconds: int
) -> None:
    """Every consumer asks for work again soon after the broker is back, and a job is done at once."""  # spec: D8
    api = Api(installation.endpoint)
    stack = api.upload(tiffs.write_noise(tmp_path / "noisy.tif"))
    with _outage(installation, "broker", seconds):
        pass
    began = time.monotonic()
    until(lambda: all(backends.waiting(installation).values()), 60, "every consumer asks for work")
    alive = time.monotonic() - began
    api.stacks.InspectStack(InspectStackRequest(name=stack.name))
    answered = time.monotonic() - began
    count = len(backends.waiting(installation))
    figure(
        "every consumer is alive again within 10 s of the broker's return",
        f"broker killed and away for {seconds} s while {count} consumers wait for work",
        f"all {count} ask for work {alive:.1f} s after its return; a job is taken and done after {answered:.1f} s",
    )
    assert alive < _ALIVE_WITHIN_S
    assert answered < _ALIVE_WITHIN_S


@pytest.mark.chaos_long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seconds", [60])
@pytest.mark.parametrize("name", ["broker", "store"])
def test_transfers_and_checkpoints_outlive_an_outage(
    installation: RunningInstallation,
    stack: Stack,
    undisturbed: str,
    big: Path,
    tmp_path: Path,
    figure: Recorder,
    name: str,
    seconds: int,
) -> None:
    """An upload, a download and a training are cut in the middle; each comes to its end by itself."""  # spec: D8
    api = Api(installation.endpoint)
    there = api.upload(big).name
    training = api.train(stack, _CONFIG).name
    copy = tmp_path / "copy.tif"
    with (
        _running("stacks", "upload", big, at=installation) as upload,
        _running(
            "stacks", "download", there.removeprefix("stacks/"), "-o", copy, at=installation
        ) as download,
    ):
        reached = api.until_epoch(training, 2)
        with _outage(installation, name, seconds):
            for process in (upload, download):
                process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        api.until_epoch(training, min(reached + 1, _EPOCHS), _WITHIN_S)
        resumed = time.monotonic() - began
        codes = [process.wait(_WITHIN_S) for process in (upload, download)]
        moved = time.monotonic() - began
    done = api.until_complete(training, _WITHIN_S)
    same = api.weights(done) == undisturbed and epochs(api.history(training)) == list(range(1, _EPOCHS + 1))
    figure(
        f"the {name} away in the middle of an upload, a download and a training: all go on by themselves",
        f"`kill -9`, away for {seconds} s; 200 MB each way by the command line",
        f"next epoch {resumed:.1f} s after its return, both transfers whole after {moved:.1f} s; "
        f"weights {'the same' if same else 'DIFFERENT'}",
    )
    assert codes == [0, 0]
    assert same
    assert _digest(copy) == _digest(big)
    copy.unlink()


@pytest.mark.chaos_long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seconds", [60])
@pytest.mark.parametrize("name", ["broker", "store"])
def test_a_commit_outlives_an_outage(
    installation: RunningInstallation,
    stack: Stack,
    undisturbed: str,
    figure: Recorder,
    name: str,
    seconds: int,
) -> None:
    """The last epoch is told, the weights are being stored and committed: then the outage."""  # spec: D8
    api = Api(installation.endpoint)
    training = api.train(stack, _CONFIG).name
    api.until_epoch(training, _EPOCHS)
    with _outage(installation, name, seconds):
        pass
    began = time.monotonic()
    done = api.until_complete(training, _WITHIN_S)
    took = time.monotonic() - began
    same = api.weights(done) == undisturbed
    figure(
        f"the {name} away in the middle of a commit: it is made afterwards, once",
        f"`kill -9` as soon as the last epoch is told, away for {seconds} s",
        f"training complete {took:.1f} s after its return; weights {'the same' if same else 'DIFFERENT'}",
    )
    assert same


@contextmanager
def _outage(installation: RunningInstallation, name: str, seconds: float) -> Iterator[None]:
    """A killed server that nobody starts again for a while after the block; returns when it answers again."""
    with installation.away(name):
        yield
        threading.Event().wait(seconds)  # the time that passes is what is tested
    address = installation.addresses()[name]
    until(lambda: health.check(_PROBES[name], address).healthy, 60, f"the {name} is back")


@contextmanager
def _running(*arguments: object, at: RunningInstallation) -> Iterator["subprocess.Popen[bytes]"]:
    """A command that is stopped in the middle of its transfer."""
    environment = clean_environment() | {"CLEARSTACK_ENDPOINT": at.endpoint}
    before = set(_names(at))
    process = subprocess.Popen(
        [CLEARSTACK, *map(str, arguments)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(
            lambda: _has_begun(at, arguments, before) or process.poll() is not None,
            60,
            f"{arguments[1]} has begun",
        )
        suspend(process.pid)
        assert process.poll() is None, "the transfer was over before it was looked at"
        yield process
    finally:
        process.kill()
        process.wait()


def _has_begun(at: RunningInstallation, arguments: tuple[object, ...], before: set[str]) -> bool:
    if arguments[1] == "download":
        target = Path(str(arguments[-1]))
        return any(part.stat().st_size for part in target.parent.glob(f".{target.name}.*.part"))
    api = Api(at.endpoint)
    new = [name for name in _names(at) if name not in before]
    return any(api.stacks.GetStack(GetStackRequest(name=name)).stack.uploaded_bytes for name in new)


def _names(at: RunningInstallation) -> list[str]:
    found = Api(at.endpoint).stacks.ListStacks(ListStacksRequest(page_size=1000)).stacks
    return [stack.name for stack in found]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
