"""What a training's own processes may do without harm; `tests/chaos` kills every service."""

import time

import pytest
from clearstack.v1.stack_service_pb2 import Stack
from contract.suspension import suspended
from e2e.support import configs, tiffs
from e2e.support.api import Api
from e2e.support.events import epochs
from e2e.support.figures import measure
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until

_EPOCHS = 8
_KILL_AT_EPOCH = 3
_LONG = {"epochs": _EPOCHS, "patches_per_image": 12}
_WITHIN_S = 180


@pytest.fixture(scope="module")
def stack(victim: RunningInstallation, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """What the trainings of this file learn from."""
    return Api(victim.endpoint).upload(tiffs.write_noise(tmp_path_factory.mktemp("crash") / "noisy.tif"))


@pytest.fixture(scope="module")
def undisturbed(victim: RunningInstallation, stack: Stack) -> str:
    """The weights' checksum when nothing is killed."""
    api = Api(victim.endpoint)
    return api.weights(api.until_complete(api.train(stack, configs.n2v(**_LONG)).name, _WITHIN_S))


@pytest.mark.timeout(240)
def test_a_killed_computation_goes_on_from_its_checkpoint(
    victim: RunningInstallation, stack: Stack, undisturbed: str
) -> None:
    """The trainer starts its computing process again, at the epoch where it was."""  # spec: D8
    api = Api(victim.endpoint)
    training = api.train(stack, configs.n2v(**_LONG)).name
    api.until_epoch(training, _KILL_AT_EPOCH)
    [process] = victim.computing()
    process.kill()
    began = time.monotonic()
    done = api.until_complete(training, _WITHIN_S)
    measure(f"kill -9 of the computing process: complete after {time.monotonic() - began:.1f} s")
    history = api.history(training)
    assert epochs(history) == list(range(1, _EPOCHS + 1))
    resumed = [event.stage_started.resumed_epoch for event in history if event.HasField("stage_started")]
    assert resumed[0] == 0
    assert resumed[1] >= _KILL_AT_EPOCH
    assert api.weights(done) == undisturbed


@pytest.mark.timeout(240)
def test_a_trainer_that_wakes_up_late_harms_nothing(
    installation: RunningInstallation, api: Api, white: Stack
) -> None:
    """While one trainer is stopped another takes over; what the first does on waking up is refused."""  # spec: D1 D8
    config = configs.n2v(**_LONG)
    undisturbed = api.weights(api.until_complete(api.train(white, config).name))
    training = api.train(white, config).name
    api.until_epoch(training, _KILL_AT_EPOCH)
    [computing] = installation.computing()
    with suspended(computing.ppid()):
        began = time.monotonic()
        reached = api.training(training).stages[0].progress.epoch
        api.until_epoch(training, reached + 2, _WITHIN_S)
        measure(f"suspended trainer: the other had gone on after {time.monotonic() - began:.1f} s")
    done = api.until_complete(training, _WITHIN_S)
    history = api.history(training)
    assert epochs(history) == list(range(1, _EPOCHS + 1))
    tokens = [event.stage_started.token for event in history if event.HasField("stage_started")]
    assert len(tokens) == 2
    assert tokens == sorted(tokens)
    assert [event.stage_trained.token for event in history if event.HasField("stage_trained")] == [tokens[1]]
    assert api.weights(done) == undisturbed
    until(lambda: not installation.computing(), 30, "no computation is left")
