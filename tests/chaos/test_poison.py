"""Poison: messages that nobody can read, and work that ends whoever takes it."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from chaos.support.ports import own_port
from chaos.support.recorder import Recorder
from clearstack.v1 import training_pb2
from clearstack.v1.stack_service_pb2 import Stack
from e2e.support import backends, configs, tiffs
from e2e.support.api import TERMINAL, Api
from e2e.support.cli import clearstack
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until

_WITHIN_S = 300.0


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """One that is given what it cannot digest."""
    running = RunningInstallation(data=tmp_path_factory.mktemp("poison") / "data", options=own_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def stack(installation: RunningInstallation, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """What the trainings learn from."""
    path = tmp_path_factory.mktemp("noise") / "noisy.tif"
    return Api(installation.endpoint).upload(tiffs.write_noise(path))


@pytest.mark.chaos_long
@pytest.mark.timeout(900)
def test_unreadable_messages_are_put_aside(
    installation: RunningInstallation, stack: Stack, figure: Recorder
) -> None:
    """Rubbish in the queue and in the events: a letter each, and everything else goes on."""
    subjects = ("clearstack.cmd.train.x", "clearstack.cmd.denoise.x", "clearstack.evt.stage_trained.x")
    for subject in subjects:
        backends.publish(installation, subject, b'{"id": ')
    api = Api(installation.endpoint)
    api.until_complete(api.train(stack, configs.n2v()).name, _WITHIN_S)
    letters = until(lambda: _as_many(installation, len(subjects)), 60, "a letter for each")
    assert {letter["subject"] for letter in letters} == set(subjects)
    _clearstack(installation, "retry", letters[0]["name"])
    again = until(lambda: _other(installation, letters[0]), 60, "it is a letter again")
    for letter in again:
        _clearstack(installation, "drop", letter["name"])
    figure(
        "a message that cannot be read stops nobody",
        f"{len(subjects)} broken messages as jobs and events, before a training",
        f"the training complete; {len(letters)} dead letters, listed, one retried (and back again), dropped",
    )
    assert not _letters(installation)


@pytest.mark.chaos_long
@pytest.mark.timeout(900)
def test_work_that_kills_is_put_aside(
    installation: RunningInstallation, stack: Stack, figure: Recorder
) -> None:
    """A training whose computing process is killed whenever it begins: FAILED with advice, the next is trained."""  # spec: D8
    api = Api(installation.endpoint)
    poison = api.train(stack, configs.n2v()).name
    other = api.train(stack, configs.n2v()).name
    num_killed = 0

    def killed_until_failed() -> bool:
        nonlocal num_killed
        if api.training(poison).state in TERMINAL:
            return True
        for process in installation.computing():
            with contextlib.suppress(psutil.Error):
                process.kill()
                num_killed += 1
        return False

    until(killed_until_failed, _WITHIN_S, f"{poison} is given up")
    failed = api.training(poison)
    api.until_complete(other, _WITHIN_S)
    [letter] = _letters(installation)
    _clearstack(installation, "retry", letter["name"])
    api.until_complete(poison, _WITHIN_S)
    figure(
        "work that ends whoever takes it is given up, and the queue moves on",
        f"a training whose computing process is killed each time ({num_killed} times)",
        f"FAILED {failed.failure.reason} after {letter['delivery_count']} deliveries; the next training complete; "
        "`clearstack deadletters retry` completes the first",
    )
    assert failed.state == training_pb2.TRAINING_STATE_FAILED
    assert failed.failure.reason == "OUT_OF_MEMORY"
    assert not _letters(installation)


def _clearstack(installation: RunningInstallation, verb: str, name: str) -> None:
    done = clearstack("deadletters", verb, name, installation=installation)
    assert done.code == 0, done.err


def _letters(installation: RunningInstallation) -> list[dict[str, Any]]:
    listed = clearstack("deadletters", "list", "--json", installation=installation)
    letters: list[dict[str, Any]] = json.loads(listed.out).get("dead_letters", [])
    return letters


def _as_many(installation: RunningInstallation, count: int) -> list[dict[str, Any]]:
    letters = _letters(installation)
    return letters if len(letters) == count else []


def _other(installation: RunningInstallation, gone: dict[str, Any]) -> list[dict[str, Any]]:
    """All letters, once the one that is gone has come back under another name."""
    letters = _letters(installation)
    subjects = [letter["subject"] for letter in letters]
    return letters if gone["subject"] in subjects and gone["name"] not in str(letters) else []
