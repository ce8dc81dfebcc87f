"""New acquisitions: they appear while processes are killed."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle

import pytest
from chaos.support.arrivals import arrivals, handled, rule, until_stored
from chaos.support.ports import own_port
from chaos.support.recorder import Recorder
from e2e.support import configs, tiffs
from e2e.support.api import Api
from e2e.support.installation import RunningInstallation

_VICTIMS = ("gateway", "broker", "inference")
_PROMISE = "a new acquisition is handled once, in order of arrival, whatever is killed; none is missed"
_NUM_OTHER_STACKS = 1  # the one that the model was trained on


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """One that looks often, and notices quickly who is gone."""
    hurried = {
        "CLEARSTACK_ACK_WAIT_S": "3",
        "CLEARSTACK_LOCK_TTL_S": "3",
        "CLEARSTACK_ACQUISITIONS_EVERY_S": "1",
    }
    running = RunningInstallation(
        data=tmp_path_factory.mktemp("arrivals") / "data", environment=hurried, options=own_port()
    )
    running.start()
    yield running
    running.stop()
    assert not running.processes(), "processes are left behind"


@pytest.fixture
def model(installation: RunningInstallation, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that was trained in seconds."""
    api = Api(installation.endpoint)
    stack = api.upload(tiffs.write_noise(tmp_path_factory.mktemp("white") / "white.tif", num_slices=2))
    return api.until_complete(api.train(stack, configs.n2v(epochs=1)).name).model


def test_a_dozen_while_the_gateway_is_killed(
    installation: RunningInstallation, model: str, figure: Recorder
) -> None:
    """Twelve objects appear, the gateway is killed in the middle: twelve results, in order; litter is left alone."""
    api, sender = Api(installation.endpoint), arrivals(installation)
    sender.litter()
    rule(api, model)
    for number in range(12):
        sender.arrive(number)
        if number == 6:
            until_stored(api, 1, 30)
            installation.kill("gateway")
    until_stored(api, 12, 90)
    wrong = handled(installation, api).wrong(sender, _NUM_OTHER_STACKS)
    figure(_PROMISE, "12 objects, `kill -9` of the gateway in the middle", f"{len(wrong)} things wrong")
    assert not wrong


@pytest.mark.chaos_long
@pytest.mark.timeout(3600)
def test_five_hundred_while_all_are_killed_in_turn(
    installation: RunningInstallation, model: str, figure: Recorder, scaled: Callable[[int], int]
) -> None:
    """Objects appear one by one, while gateway, broker and inference are killed again and again."""
    api, sender, count = Api(installation.endpoint), arrivals(installation), scaled(500)
    rule(api, model)
    began = time.monotonic()
    over, killed = threading.Event(), Counter[str]()
    killer = threading.Thread(target=_kill_in_turn, args=(installation, over, killed))
    killer.start()
    try:
        for number in range(count):
            sender.arrive(number)
        sent_s = time.monotonic() - began
        until_stored(api, count, 1800)
    finally:
        over.set()
        killer.join()
    took_s = time.monotonic() - began
    wrong = handled(installation, api).wrong(sender, _NUM_OTHER_STACKS)
    kills = ", ".join(f"{name} {times}" for name, times in killed.items())
    how = f"{count} objects within {sent_s:.0f} s, `kill -9` 10 s after the last one is back: {kills}"
    figure(_PROMISE, how, f"{len(wrong)} things wrong; {took_s:.0f} s, {took_s / count:.2f} s for each")
    assert not wrong
    assert min(killed[name] for name in _VICTIMS) >= 1


def _kill_in_turn(installation: RunningInstallation, over: threading.Event, killed: Counter[str]) -> None:
    for victim in cycle(_VICTIMS):
        if over.wait(10):
            return
        installation.until_restarted(victim, installation.kill(victim), within_s=180)
        killed[victim] += 1
