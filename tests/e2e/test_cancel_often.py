"""Cancelling at any moment: the slot is free soon, and nothing is left that a later run could pick up."""

import random
import time
from functools import partial

import pytest
from clearstack.v1 import training_pb2 as pb
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_pb2 import TrainingState
from clearstack.v1.training_service_pb2 import CancelTrainingRequest
from clearstack_common.subjects import run_id
from e2e.support import configs
from e2e.support.api import AUTOSTRUCTN2V, Api
from e2e.support.backends import jobs, keys
from e2e.support.figures import measure
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until

_TIMES = 10
# 10 s on a machine of its own; here other tests run beside.
_FREE_WITHIN_S = 20.0
_LONGEST_WAIT_S = 12.0
_WAYS = ("queued", "stage 1", "epochs", "denoising", "mask", "stage 2")


@pytest.mark.slow
def test_cancelled_ten_times_in_a_row(api: Api, installation: RunningInstallation, rows: Stack) -> None:
    """At random moments of random phases: the next begins soon, and no job or half-made file is left."""  # spec: D7
    dice = random.Random(7)
    seconds, cancelled_in = [], []
    name = _start(api, rows)
    for _ in range(_TIMES):
        _reach(api, name, dice)
        began = time.monotonic()
        cancelled_in.append(TrainingState.Name(api.training(name).state))
        after = api.trainings.CancelTraining(CancelTrainingRequest(name=name)).training
        assert after.state == pb.TRAINING_STATE_CANCELLED, after
        following = _start(api, rows)
        api.until(following, pb.TRAINING_STATE_TRAINING, within_s=_FREE_WITHIN_S)
        until(partial(_computes, api, following), _FREE_WITHIN_S, "the next one computes")
        seconds.append(time.monotonic() - began)
        _assert_nothing_is_left(installation, name)
        name = following
    api.trainings.CancelTraining(CancelTrainingRequest(name=name))
    _assert_nothing_is_left(installation, name)
    measure(f"cancel, ten times: the next computed after {max(seconds):.1f} s at most; {cancelled_in}")
    assert max(seconds) < _FREE_WITHIN_S


def _start(api: Api, stack: Stack) -> str:
    config = configs.two_stages(epochs=3)
    return api.train(stack, config, method=AUTOSTRUCTN2V, auto_approve=True).name


def _reach(api: Api, name: str, dice: random.Random) -> None:
    """Waits until the training is somewhere on its way, or for a while."""
    way, deadline = dice.choice(_WAYS), time.monotonic() + dice.uniform(0, _LONGEST_WAIT_S)
    until(lambda: _is_at(api, name, way) or time.monotonic() > deadline, 60, way)


def _is_at(api: Api, name: str, way: str) -> bool:
    training = api.training(name)
    return {
        "queued": True,
        "stage 1": training.stages[0].state == pb.STAGE_STATE_TRAINING,
        "epochs": training.stages[0].progress.epoch > 1,
        "denoising": training.state == pb.TRAINING_STATE_DENOISING,
        "mask": training.HasField("mask"),
        "stage 2": training.stages[1].state == pb.STAGE_STATE_TRAINING,
    }[way]


def _computes(api: Api, name: str) -> bool:
    return api.training(name).stages[0].state != pb.STAGE_STATE_PENDING


def _assert_nothing_is_left(installation: RunningInstallation, name: str) -> None:
    until(lambda: not jobs(installation, name), _FREE_WITHIN_S, "the queue holds no job of it")
    # What a finished stage has made stays, as it would in a training that was completed.
    partial = [
        key
        for prefix in (f"models/default/{run_id(name)}/", f"results/{run_id(name)}/")
        for key in keys(installation, prefix)
        if "checkpoints/" in key or "parts/" in key
    ]
    assert not partial
