"""One training computes at a time, and the others wait their turn."""

from itertools import pairwise

import psutil
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_pb2 import TRAINING_STATE_COMPLETE, TRAINING_STATE_QUEUED, TRAINING_STATE_TRAINING
from e2e.support import configs
from e2e.support.api import Api
from e2e.support.events import computations
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until


def test_three_trainings_take_turns(api: Api, installation: RunningInstallation, white: Stack) -> None:
    """With two trainers the others queue with their position, priority goes first, and none overlap."""  # spec: D1
    config = configs.n2v(epochs=4)
    first = api.train(white, config).name
    api.until(first, TRAINING_STATE_TRAINING)
    second = api.train(white, config).name
    urgent = api.train(white, config, priority=5).name
    waiting = [api.training(name) for name in (urgent, second)]
    assert [training.state for training in waiting] == [TRAINING_STATE_QUEUED] * 2
    assert [training.queue_position for training in waiting] == [1, 2]

    most = _most_computing_until_complete(api, installation, second)
    assert most == 1
    spans = [computations(api.history(name)) for name in (first, urgent, second)]
    assert [len(span) for span in spans] == [1, 1, 1]
    for (before,), (after,) in pairwise(spans):
        assert before.end <= after.begin


def _most_computing_until_complete(api: Api, installation: RunningInstallation, name: str) -> int:
    """Looks, until a training is complete, how many processes compute at once."""
    trainers = [psutil.Process(installation.pid(each)) for each in ("trainer", "trainer-2")]
    most = 0

    def is_complete() -> bool:
        nonlocal most
        most = max(most, sum(len(trainer.children()) for trainer in trainers))
        return api.training(name).state == TRAINING_STATE_COMPLETE

    until(is_complete, 180, "the last training is complete")
    return most
