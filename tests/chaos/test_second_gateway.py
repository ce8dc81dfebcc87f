"""Two gateways on one installation, and one of them dies."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from chaos.support import small_training as small
from chaos.support.gateway import gateway_process
from chaos.support.ports import own_port
from chaos.support.recorder import Recorder
from clearstack.v1.training_service_pb2 import ListTrainingsRequest
from e2e.support import backends, configs, tiffs
from e2e.support.api import Api
from e2e.support.events import computations
from e2e.support.installation import RunningInstallation
from e2e.support.pages import jobs_done
from e2e.support.waiting import until

# What the two trainings of the test need: both stages with a mask in between, and one stage.
_JOBS = {"train": 3, "extract": 1, "denoise": 3, "assemble": 3, "report": 3}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[RunningInstallation]:
    """One that counts its jobs, and gives what a killed gateway had in hand to the other one soon."""
    running = RunningInstallation(
        data=tmp_path / "data",
        options=(*own_port(), "--metrics"),
        environment={"CLEARSTACK_ACK_WAIT_S": "3"},
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def second(installation: RunningInstallation, tmp_path: Path) -> Iterator[str]:
    """The address of a second gateway, which has the first one's keys."""
    (tmp_path / "second").mkdir()
    environment = psutil.Process(installation.pid("gateway")).environ()
    environment |= {"CLEARSTACK_INSTANCE": "gateway-2"}
    with gateway_process(environment, tmp_path / "second") as (_, address):
        yield address


@pytest.mark.chaos_long
@pytest.mark.timeout(900)
def test_two_gateways_serve_and_one_is_killed(
    installation: RunningInstallation, second: str, tmp_path: Path, figure: Recorder
) -> None:
    """What one gateway is told the other one knows at once; alone it finishes what was begun, each step once."""
    here, there = Api(installation.endpoint), Api(second)
    path = tmp_path / "rows.tif"
    tiffs.write_sample(path, "rows", num_slices=6, side_px=64)
    stack = here.upload(path)
    name = small.begin(here, stack)
    assert _listed(there) == [there.training(name).name]
    waiting = there.train(stack, configs.n2v()).name
    assert _listed(here) == [here.training(waiting).name, name]
    with ThreadPoolExecutor() as pool:
        watching = pool.submit(there.history, name)
        there.until_epoch(name, 3)
        with installation.away("gateway"):
            done = there.until_complete(name)
            there.until_complete(waiting)
            history = watching.result(timeout=30)
            assert [each.stack for each in (done, there.training(waiting))] == [stack.name] * 2
    wrong = small.lost_or_doubled(there, done)
    small.outcome(there, installation, done)  # waits until each object is there once, and no job is left
    until(
        lambda: not backends.jobs(installation, waiting) and len(jobs_done(installation)) == len(_JOBS),
        30,
        "no job is left of the other one either, and all kinds are counted",
    )
    jobs = jobs_done(installation)
    figure(
        "two gateways serve one installation, and one alone goes on; no step is done twice",
        "a training created on the one, watched, listed and another one created on the other; the first one killed in "
        "the middle and not started again until both are complete",
        f"each known to the other at once; jobs done {jobs}; {len(wrong)} epochs or results lost or doubled",
    )
    assert not wrong
    assert jobs == _JOBS
    assert history == here.history(name), "the gateway that came back tells the same"
    assert _listed(here) == _listed(there) == [waiting, name]
    spans = sorted(
        (each.begin, each.end) for run in (name, waiting) for each in computations(there.history(run))
    )
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans)), "one at a time"


def _listed(api: Api) -> list[str]:
    return [each.name for each in api.trainings.ListTrainings(ListTrainingsRequest()).trainings]
