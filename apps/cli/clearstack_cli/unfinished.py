"""Trainings that an interrupted one-shot has left in its data folder."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from clearstack.v1 import mask_pb2, training_pb2
from clearstack.v1.config_pb2 import TrainingConfig
from clearstack.v1.mask_service_pb2 import ApproveMaskRequest, SetAutoApproveRequest, SkipStageTwoRequest
from clearstack.v1.stack_service_pb2 import GetStackRequest
from clearstack.v1.training_pb2 import Training

from clearstack_cli import states, words
from clearstack_cli.connection import Client
from clearstack_cli.paging import all_trainings
from clearstack_cli.train import Wish
from clearstack_cli.words import MethodName, ModeName


def trainings(client: Client) -> list[Training]:
    """Everything that has not ended."""
    return [each for each in all_trainings(client).trainings if not states.is_over(each.state)]


def same(client: Client, waiting: Sequence[Training], source: Path, wish: Wish) -> Training | None:
    """The one that learns from the same bytes in the way that is wished for."""
    alike = [each for each in waiting if _is_as_wished(each, wish)]
    if not alike:
        return None
    with source.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    for training in alike:
        if client.stacks.GetStack(GetStackRequest(name=training.stack)).stack.sha256 == sha256:
            return training
    return None


def that_compute(waiting: Sequence[Training]) -> list[Training]:
    """Those that want the training slot; a review does not hold it."""
    return [each for each in waiting if each.state != training_pb2.TRAINING_STATE_AWAITING_REVIEW]


def take_up(client: Client, training: Training, wish: Wish) -> Training:
    """Gives it the approval that it may be waiting for, if that is wished for now."""
    if not wish.auto_approve or training.auto_approve:
        return training
    if training.state != training_pb2.TRAINING_STATE_AWAITING_REVIEW:
        request = SetAutoApproveRequest(training=training.name, auto_approve=True)
        return client.masks.SetAutoApprove(request).training
    # The same as auto-approve would have done.
    if training.mask.advice == mask_pb2.REVIEW_ADVICE_SKIP_STAGE_TWO:
        return client.masks.SkipStageTwo(SkipStageTwoRequest(training=training.name)).training
    return client.masks.ApproveMask(ApproveMaskRequest(training=training.name)).training


def first_come(client: Client, waiting: Sequence[Training]) -> str:
    """Says that others have to be waited for, and how not to."""
    names = ", ".join(words.short(each.name) for each in waiting)
    cancel = client.command(f"trainings cancel {words.short(waiting[0].name)}")
    return (
        f"Trainings of earlier commands that have not ended go on, too, and may come first: {names}. "
        f"In another terminal, {cancel} ends one."
    )


def _is_as_wished(training: Training, wish: Wish) -> bool:
    is_auto = wish.method is MethodName.AUTO
    method = training.method if is_auto else wish.method.proto
    mode = training.mode if is_auto and wish.mode is None else (wish.mode or ModeName.TWO_D).proto
    if (training.method, training.mode, training.preset) != (method, mode, wish.preset.proto):
        return False
    changed = TrainingConfig()
    changed.CopyFrom(training.config)
    changed.MergeFrom(wish.config)
    return changed == training.config
