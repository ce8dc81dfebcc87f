"""Trainings as a list and as a card."""

from collections.abc import Iterable

from clearstack.v1 import training_pb2
from clearstack.v1.training_pb2 import Training
from rich.console import RenderableType

from clearstack_cli import words
from clearstack_cli.output import card, table


def table_of(trainings: Iterable[Training]) -> RenderableType:
    """One row for each."""
    return table(
        "id",
        "name",
        "method",
        "preset",
        "state",
        "created",
        rows=(
            (
                words.short(training.name),
                training.display_name,
                f"{words.method(training.method)} {words.mode(training.mode)}",
                words.preset(training.preset),
                _state(training),
                words.age(training.create_time),
            )
            for training in trainings
        ),
    )


def _state(training: Training) -> str:
    if training.state == training_pb2.TRAINING_STATE_QUEUED and training.queue_position:
        return f"queued, number {training.queue_position}"
    for stage in training.stages:
        if stage.state == training_pb2.STAGE_STATE_TRAINING and stage.progress.epoch:
            return f"stage {stage.number}, epoch {stage.progress.epoch}/{stage.progress.epoch_count}"
    return words.training_state(training.state)


def card_of(training: Training) -> RenderableType:
    """Everything about one but its progress."""
    return card(
        words.short(training.name),
        [
            ("stack", words.short(training.stack)),
            ("failed", training.failure.message),
            ("mask", training.mask.message),
            ("model", words.short(training.model)),
            *((f"stage {each.number} result", words.short(each.result_stack)) for each in training.stages),
            ("final result", words.short(training.result_stack)),
            ("auto-approve", "on" if training.auto_approve else ""),
            ("session", training.session),
            ("priority", str(training.priority or "")),
            ("seed", str(training.config.seed)),
            ("created", words.moment(training.create_time)),
            ("ended", words.moment(training.end_time)),
        ],
    )
