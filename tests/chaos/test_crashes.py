"""Crashes: `kill -9` at random moments."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle

import pytest
from chaos.support import small_training as small
from chaos.support.ports import own_port
from chaos.support.recorder import Recorder
from chaos.support.small_training import Outcome
from clearstack.v1.stack_service_pb2 import Stack
from e2e.support import tiffs
from e2e.support.api import TERMINAL, Api
from e2e.support.installation import RunningInstallation

_COMPONENTS = ("trainer", "mask-extractor", "inference", "gateway", "broker", "store")
_BETWEEN_S = (1.5, 8.0)
_WITHIN_S = 300.0


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """One that notices quickly who is gone, and sweeps what a killed process has left."""
    hurried = {
        "CLEARSTACK_ACK_WAIT_S": "3",
        "CLEARSTACK_LOCK_TTL_S": "3",
        "CLEARSTACK_ABANDONED_AFTER_S": "10",
    }
    running = RunningInstallation(
        data=tmp_path_factory.mktemp("crashes") / "data", environment=hurried, options=own_port()
    )
    running.start()
    yield running
    running.stop()
    assert not running.processes(), "processes are left behind"


@pytest.fixture(scope="module")
def stack(installation: RunningInstallation, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Noise along rows, so that there is a mask, and a stage 2."""
    path = tmp_path_factory.mktemp("rows") / "rows.tif"
    tiffs.write_sample(path, "rows", num_slices=6, side_px=64)
    return Api(installation.endpoint).upload(path)


@pytest.fixture(scope="module")
def undisturbed(installation: RunningInstallation, stack: Stack) -> Outcome:
    """What the training comes to when nothing happens."""
    api = Api(installation.endpoint)
    done = api.until_complete(small.begin(api, stack), _WITHIN_S)
    assert not small.lost_or_doubled(api, done)
    return small.outcome(api, installation, done)


@dataclass(slots=True)
class _Damage:
    """What trainings came to that were disturbed."""

    wrong: list[str] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    num_trainings: int = 0
    num_different: int = 0

    def look(self, installation: RunningInstallation, name: str, undisturbed: Outcome) -> None:
        """Waits for a training's end and compares."""
        api = Api(installation.endpoint)
        done = api.until_complete(name, _WITHIN_S)
        self.num_trainings += 1
        self.wrong += small.lost_or_doubled(api, done)
        self.repeated += small.repeated_epochs(api.history(name))
        self.num_different += small.outcome(api, installation, done) != undisturbed

    def __str__(self) -> str:
        most = max(self.repeated, default=0)
        return (
            f"{self.num_trainings} trainings: {len(self.wrong)} things lost or doubled, {self.num_different} with other "
            f"weights, results or files; at most {most} told epochs computed again"
        )

    def is_none(self) -> bool:
        """Whether nothing happened that must not."""
        return not self.wrong and not self.num_different and max(self.repeated, default=0) <= 1


_PROMISE = "a killed process costs no training: nothing lost, nothing doubled, the same weights bit for bit"
_PROMISE_POWER = "neither do all processes killed at once"


def test_two_kills_of_each(
    installation: RunningInstallation, stack: Stack, undisturbed: Outcome, figure: Recorder
) -> None:
    """Each component is killed twice at random moments."""  # spec: D8 C14
    _kill_in_turn(installation, stack, undisturbed, figure, times_each=2)


@pytest.mark.chaos_long
@pytest.mark.timeout(3600)
def test_fifty_kills_of_each(
    installation: RunningInstallation,
    stack: Stack,
    undisturbed: Outcome,
    figure: Recorder,
    scaled: Callable[[int], int],
) -> None:
    """The same until each was killed fifty times."""  # spec: D8 C14
    _kill_in_turn(installation, stack, undisturbed, figure, times_each=scaled(50))


@pytest.mark.chaos_long
@pytest.mark.timeout(1200)
def test_the_power_goes_ten_times(
    installation: RunningInstallation,
    stack: Stack,
    undisturbed: Outcome,
    figure: Recorder,
    scaled: Callable[[int], int],
) -> None:
    """The supervisor and everything that it has started end in one moment; `up` on the same folder goes on."""  # spec: D8 C14

    def cut_power() -> None:
        installation.cut_power()
        installation.start()

    times = scaled(10)
    damage = _disturbed(installation, stack, undisturbed, times, cut_power)
    figure(
        _PROMISE_POWER,
        f"SIGKILL to every process at once, {times} times, then `clearstack up` again",
        str(damage),
    )
    assert damage.is_none(), damage


def _kill_in_turn(
    installation: RunningInstallation,
    stack: Stack,
    undisturbed: Outcome,
    figure: Recorder,
    *,
    times_each: int,
) -> None:
    victims = cycle(_COMPONENTS)
    killed: Counter[str] = Counter()

    def kill() -> None:
        victim = next(victims)
        installation.kill(victim)
        killed[victim] += 1

    damage = _disturbed(installation, stack, undisturbed, times_each * len(_COMPONENTS), kill)
    times = ", ".join(f"{name} {count}" for name, count in killed.items())
    figure(_PROMISE, f"`kill -9` at random moments of autoStructN2V trainings: {times}", str(damage))
    assert damage.is_none(), damage
    report = installation.report.read_text()
    assert all(f"{name} was ended by SIGKILL; starting it again" in report for name in _COMPONENTS)


def _disturbed(
    installation: RunningInstallation,
    stack: Stack,
    undisturbed: Outcome,
    times: int,
    disturb: Callable[[], None],
) -> _Damage:
    """Trains again and again, with a disturbance at random moments, until there were enough of them."""
    moments, left, damage = random.Random(times), times, _Damage()
    while left:
        name = small.begin(Api(installation.endpoint), stack)
        while left:
            threading.Event().wait(moments.uniform(*_BETWEEN_S))  # the moment is what is random
            if Api(installation.endpoint).training(name).state in TERMINAL:
                break
            disturb()
            left -= 1
        damage.look(installation, name, undisturbed)
    return damage
