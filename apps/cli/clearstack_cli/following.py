"""Follows a training to its end, drawn live in a terminal and in plain lines elsewhere."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from clearstack.v1 import training_pb2
from clearstack.v1.event_pb2 import EpochAdvanced, EpochCompleted, Event
from clearstack.v1.training_pb2 import Training
from clearstack.v1.training_service_pb2 import GetTrainingRequest, WatchTrainingResponse
from rich.console import Console
from rich.live import Live

from clearstack_cli import training_view
from clearstack_cli.connection import Client
from clearstack_cli.output import console
from clearstack_cli.plain_view import PlainLines

# Called once for each mask that waits for a review.
OnReview = Callable[[Training], None]


def follow(client: Client, name: str, *, on_review: OnReview, stderr: bool = False) -> Training:
    """Shows the training until it ends; returns it as it is then."""
    training = _get(client, name)
    reviewed = 0
    with _view(console(stderr=stderr)) as view:
        for response in client.api.trainings.watch(name):
            training = _updated(client, training, response)
            view.show(training, response.event)
            waits = training.state == training_pb2.TRAINING_STATE_AWAITING_REVIEW
            if waits and training.mask.revision > reviewed:
                reviewed = training.mask.revision
                with view.paused():
                    on_review(training)
        training = _get(client, name)
        view.show(training, Event())
    return training


def _get(client: Client, name: str) -> Training:
    return client.trainings.GetTraining(GetTrainingRequest(name=name)).training


def _updated(client: Client, training: Training, response: WatchTrainingResponse) -> Training:
    """The training after a message.

    Of a replayed history only the epochs are folded in, and never backwards; for everything else the
    installation is asked, so that what is shown is always what is.
    """
    item = response.WhichOneof("item")
    if item == "snapshot":
        return response.snapshot
    if item == "heartbeat":
        queued = training.state == training_pb2.TRAINING_STATE_QUEUED
        return _get(client, training.name) if queued else training  # its place in the queue has no event
    if response.event.WhichOneof("kind") == "epoch_advanced":
        _fold_running(training, response.event.epoch_advanced)
        return training
    if response.event.WhichOneof("kind") == "epoch_completed":
        _fold(training, response.event.epoch_completed)
        return training
    return _get(client, training.name)


def _fold(training: Training, done: EpochCompleted) -> None:
    for stage in training.stages:
        current = (stage.attempt, stage.progress.epoch)
        if stage.number == done.stage and (done.attempt, done.progress.epoch) > current:
            stage.progress.CopyFrom(done.progress)
            stage.ClearField("running")


def _fold_running(training: Training, advanced: EpochAdvanced) -> None:
    for stage in training.stages:
        current = (stage.attempt, stage.progress.epoch)
        if stage.number == advanced.stage and (advanced.attempt, advanced.running.epoch) > current:
            stage.running.CopyFrom(advanced.running)


class _View(Protocol):
    def show(self, training: Training, event: Event) -> None: ...

    def paused(self) -> contextlib.AbstractContextManager[None]: ...


@contextlib.contextmanager
def _view(target: Console) -> Iterator[_View]:
    if not target.is_terminal:
        yield _PlainView(target)
        return
    with Live(console=target, refresh_per_second=8) as live:
        yield _LiveView(live)


class _LiveView:
    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, training: Training, event: Event) -> None:
        del event
        self._live.update(training_view.page(training))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self._live.stop()
        yield
        self._live.start(refresh=True)


class _PlainView:
    def __init__(self, target: Console) -> None:
        self._target = target
        self._plain = PlainLines()
        self._place = 0

    def show(self, training: Training, event: Event) -> None:
        lines = self._plain.lines(event)
        if training.queue_position != self._place:  # it has no event
            self._place = training.queue_position
            lines += [training_view.doing(training)] if self._place else []
        for line in lines:
            self._target.print(line, markup=False, soft_wrap=True)

    def paused(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()
