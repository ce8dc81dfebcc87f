"""A training of seconds with both stages, and what has to be there when it is over, whatever happened meanwhile."""

import re
from collections import Counter
from dataclasses import dataclass

from clearstack.v1.denoising_service_pb2 import ListDenoisingsRequest
from clearstack.v1.event_pb2 import Event
from clearstack.v1.stack_service_pb2 import GetStackRequest, Stack
from clearstack.v1.training_pb2 import Training
from e2e.support import backends, configs
from e2e.support.api import AUTOSTRUCTN2V, Api
from e2e.support.events import epochs, kinds
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until

EPOCHS = 8
_PATCHES = 16
_SWEPT_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What must not depend on what happened on the way.

    Attributes:
        weights: SHA-256 of the weights of both stages.
        results: SHA-256 of the denoised stacks of both stages.
        objects: What the store has of it, without what differs between trainings and holders of the lock.
        kinds: How often each kind of event was told that is told once for a thing.
    """

    weights: tuple[str, str]
    results: tuple[str, str]
    objects: tuple[str, ...]
    kinds: dict[str, int]


def begin(api: Api, stack: Stack) -> str:
    """Starts a training with the same seed each time; returns its name."""
    config = configs.two_stages(epochs=EPOCHS, patches_per_image=_PATCHES)
    return api.train(stack, config, method=AUTOSTRUCTN2V, auto_approve=True).name


def outcome(api: Api, installation: RunningInstallation, done: Training) -> Outcome:
    """What a training came to, once everything that is not part of it is gone."""
    history = api.history(done.name)
    return Outcome(
        weights=(api.weights(done, 1), api.weights(done, 2)),
        results=(_result(api, done, 1), _result(api, done, 2)),
        objects=until_swept(installation, done),
        kinds=_told_once(history),
    )


def lost_or_doubled(api: Api, done: Training) -> list[str]:
    """What is missing or there twice, in words; nothing if all is well."""
    history = api.history(done.name)
    wrong = [
        f"stage {stage} told the epochs {told}"
        for stage in (1, 2)
        if (told := epochs(history, stage)) != list(range(1, EPOCHS + 1))
    ]
    every = api.denoisings.ListDenoisings(ListDenoisingsRequest(include_training_steps=True, page_size=1000))
    steps = [each.stage for each in every.denoisings if each.training == done.name]
    if sorted(steps) != [1, 2]:
        wrong.append(f"denoisings of the stages {steps}")
    return wrong


def repeated_epochs(history: list[Event]) -> list[int]:
    """For each time that a stage was taken up again: how many epochs that had been told were computed anew."""
    told: Counter[int] = Counter()
    repeated = []
    for event in history:
        if event.HasField("epoch_completed"):
            done = event.epoch_completed
            told[done.stage] = max(told[done.stage], done.progress.epoch)
        elif event.HasField("stage_started") and (stage := event.stage_started.stage) in told:
            repeated.append(max(0, told[stage] - event.stage_started.resumed_epoch))
    return repeated


def until_swept(installation: RunningInstallation, done: Training) -> tuple[str, ...]:
    """The training's objects, as soon as none is left that is of no use: checkpoints, parts, jobs, files of two."""

    def swept() -> tuple[str, ...] | None:
        found = objects(installation, done)
        is_clean = not any("checkpoint" in key or "parts" in key for key in found)
        is_once = len(set(found)) == len(found) and not backends.jobs(installation, done.name)
        return found if is_clean and is_once else None

    return until(swept, _SWEPT_WITHIN_S, f"only what {done.name} needs is left in the store and the queue")


def objects(installation: RunningInstallation, done: Training) -> tuple[str, ...]:
    """The keys of everything that belongs to a training, without its id and the holders' tokens."""
    own_id = done.name.rpartition("/")[2]
    stored = backends.keys(installation, "")  # the copies of the records are named by their revisions
    keys = [key for key in stored if own_id in key and not key.startswith("records/")]
    return tuple(
        sorted(re.sub(rf"{own_id}(-[0-9a-f]+)?", "ID", re.sub(r"token\d+", "token", key)) for key in keys)
    )


def _result(api: Api, done: Training, stage: int) -> str:
    name = done.stages[stage - 1].result_stack
    return api.stacks.GetStack(GetStackRequest(name=name)).stack.sha256


def _told_once(history: list[Event]) -> dict[str, int]:
    told = Counter(kinds(history))
    for repeatable in ("stage_started", "epoch_advanced"):  # one for each holder of the lock, or by time
        del told[repeatable]
    return dict(told)
