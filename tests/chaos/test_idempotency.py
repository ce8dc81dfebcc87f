"""Idempotency: the same request a hundred times at once, and again when the broker has forgotten it."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from chaos.support.ports import own_port
from chaos.support.recorder import Recorder
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest, ListDenoisingsRequest
from clearstack.v1.stack_service_pb2 import CreateStackRequest, ListStacksRequest
from clearstack.v1.training_service_pb2 import CreateTrainingRequest, ListTrainingsRequest
from e2e.support import backends, configs, tiffs
from e2e.support.api import N2V, Api
from e2e.support.events import kinds
from e2e.support.installation import RunningInstallation

_TIMES = 100
_AT_ONCE = 32


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """One whose broker is made to forget."""
    running = RunningInstallation(data=tmp_path_factory.mktemp("idempotency") / "data", options=own_port())
    running.start()
    yield running
    running.stop()


def test_one_request_makes_one_thing(
    installation: RunningInstallation, tmp_path: Path, figure: Recorder
) -> None:
    """Stack, training and denoising: created a hundred times at once, and again an hour later, there is one of each."""  # spec: D8
    apis = [Api(installation.endpoint) for _ in range(4)]
    stack = apis[0].upload(tiffs.write_noise(tmp_path / "noisy.tif"))
    create_training = CreateTrainingRequest(
        stack=stack.name, method=N2V, config=configs.n2v(), request_id="the same"
    )
    create_stack = CreateStackRequest(display_name="new.tif", request_id="the same")
    names = _all_at_once(lambda n: apis[n % 4].trainings.CreateTraining(create_training).training.name)
    stacks = _all_at_once(lambda n: apis[n % 4].stacks.CreateStack(create_stack).stack.name)
    [training] = names
    model = apis[0].until_complete(training).model
    create_denoising = CreateDenoisingRequest(stack=stack.name, model=model, request_id="the same")

    def create_all(n: int) -> tuple[str, str, str]:
        api = apis[n % 4]
        return (
            api.trainings.CreateTraining(create_training).training.name,
            api.stacks.CreateStack(create_stack).stack.name,
            api.denoisings.CreateDenoising(create_denoising).denoising.name,
        )

    first = _all_at_once(create_all)
    backends.forget_ids(installation)
    later = _all_at_once(create_all)
    told = Counter(kinds(apis[0].history(training)))
    figure(
        "a request that is sent twice makes one thing",
        f"CreateTraining, CreateStack, CreateDenoising, each {_TIMES} times at once with one request_id; "
        f"{_TIMES} times more when the broker has forgotten the messages, as after an hour",
        f"{len(names | {each[0] for each in first | later})} training, "
        f"{len(stacks | {each[1] for each in first | later})} stack, "
        f"{len({each[2] for each in first | later})} denoising; trained {told['stage_trained']} time",
    )
    assert len(names) == len(stacks) == len(first) == 1
    assert later == first
    assert {each[0] for each in first} == names
    assert {each[1] for each in first} == stacks
    assert told["stage_trained"] == 1
    assert _counts(apis[0]) == (1, 1, 2)


def _all_at_once(call: Callable[[int], Any]) -> set[Any]:
    """The different answers."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return set(pool.map(call, range(_TIMES)))


def _counts(api: Api) -> tuple[int, int, int]:
    """Trainings, denoisings that were asked for, uploaded stacks."""
    return (
        len(api.trainings.ListTrainings(ListTrainingsRequest()).trainings),
        len(api.denoisings.ListDenoisings(ListDenoisingsRequest()).denoisings),
        len(api.stacks.ListStacks(ListStacksRequest()).stacks),
    )
