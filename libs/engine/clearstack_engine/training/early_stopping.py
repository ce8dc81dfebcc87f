"""Which epoch is the best so far, and whether the stage has stopped improving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clearstack_engine.config import StageConfig
    from clearstack_engine.training.progress import EpochReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Of one epoch; the names are those of `EpochReport`."""

    best_val_loss: float
    is_best: bool
    stopped_early: bool


def judge(
    history: Sequence[EpochReport],
    val_loss: float,
    config: StageConfig,
    *,
    epoch: int,
    may_stop: bool = True,
) -> Judgement:
    """Judge an epoch by the `history` of those before it whose losses can be compared with its own.

    The last configured epoch is never called stopped early.
    """
    if not history or val_loss < history[-1].best_val_loss:
        return Judgement(best_val_loss=val_loss, is_best=True, stopped_early=False)
    num_without = epoch - max(report.epoch for report in history if report.is_best)
    is_over = config.early_stopping and num_without >= config.early_stopping_patience
    return Judgement(
        best_val_loss=history[-1].best_val_loss,
        is_best=False,
        stopped_early=may_stop and is_over and epoch < config.num_epochs,
    )
