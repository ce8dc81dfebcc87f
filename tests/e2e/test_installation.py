"""`clearstack up`: start, look, stop, start again."""

import socket
from pathlib import Path

from clearstack.v1.model_service_pb2 import ListModelsRequest
from clearstack.v1.stack_service_pb2 import GetStackRequest
from e2e.support import configs, tiffs
from e2e.support.api import Api
from e2e.support.cli import clearstack
from e2e.support.figures import measure
from e2e.support.installation import RunningInstallation

_PROCESSES = {"broker", "store", "gateway", "trainer", "mask-extractor", "inference", "web"}
# 10 s on a machine of its own; here other tests run beside.
_STOP_WITHIN_S = 20


def test_status_tells_every_process(victim: RunningInstallation) -> None:
    """Broker, store and services, each with pid, health and version."""
    processes = victim.status()
    assert {each["name"] for each in processes} == _PROCESSES
    for each in processes:
        assert isinstance(each["pid"], int)
        assert each["healthy"] is True
        assert each["version"]


def test_everything_is_known_after_a_restart(victim: RunningInstallation, tmp_path: Path) -> None:
    """SIGTERM in the middle of a training ends all soon; the same data has all, and goes on."""  # spec: D8
    api = Api(victim.endpoint)
    path = tiffs.write_noise(tmp_path / "noisy.tif")
    stack = api.upload(path)
    done = api.until_complete(api.train(stack, configs.n2v()).name)
    result = api.download(done.result_stack, tmp_path / "before.tif").read_bytes()
    running = api.train(stack, configs.n2v(epochs=12)).name
    api.until_epoch(running, 2)

    stopped = victim.stop()
    measure(f"SIGTERM in the middle of a training: everything ended after {stopped:.1f} s")
    assert stopped < _STOP_WITHIN_S
    assert not victim.processes()
    victim.start()

    api = Api(victim.endpoint)
    assert api.stacks.GetStack(GetStackRequest(name=stack.name)).stack == stack
    found = api.training(done.name)
    assert (found.state, found.result_stack, found.config) == (done.state, done.result_stack, done.config)
    assert done.model in {model.name for model in api.models.ListModels(ListModelsRequest()).models}
    assert api.download(done.result_stack, tmp_path / "after.tif").read_bytes() == result
    assert api.training(running).stages[0].progress.epoch >= 2
    assert api.until_complete(running).stages[0].progress.epoch == 12


def test_a_second_installation_on_the_same_data_is_refused(victim: RunningInstallation) -> None:
    """The second `up` says who is there; the first goes on."""
    second = clearstack("up", "--data", victim.data)
    assert second.code == 1
    assert victim.endpoint in second.err
    assert "Traceback" not in second.err
    assert {each["name"] for each in victim.status()} == _PROCESSES


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    """A port that somebody else has is named, and nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = clearstack("up", "--data", tmp_path / "data", "--port", port)
    assert refused.code == 1
    assert str(port) in refused.err
    assert "Traceback" not in refused.err
    assert not RunningInstallation(data=tmp_path / "data").processes()


def test_nothing_runs_is_said(tmp_path: Path) -> None:
    """`status` on an empty folder fails with a sentence and an empty list."""
    status = clearstack("status", "--json", "--data", tmp_path / "data")
    assert (status.code, status.out.strip()) == (1, '{"processes": []}')
    assert "clearstack up" in status.err
