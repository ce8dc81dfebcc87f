"""What a training tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress:
    """One optimiser step is done; `step` and `epoch` count from 1."""

    epoch: int
    num_epochs: int
    step: int
    num_steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport:
    """One epoch is done. Losses are mean squared errors of the pixels that are asked, in variances of the stack.

    Each time the noise is measured (see `Curriculum`), the losses after it cannot be compared with those before, and the
    best counts anew.

    Attributes:
        epoch: counts from 1.
        num_epochs: as configured.
        train_loss: mean over the epoch's steps.
        val_loss: of the averaged weights, on held-out pixels under masks, or with noise, that stay the same.
        best_val_loss: the lowest of those that can be compared.
        is_best: whether this epoch reached it.
        learning_rate: of the epoch's last step.
        patches_per_s: training patches per second of wall time.
        seconds_left: estimate to the end of the stage; 0 when it has ended.
        stopped_early: the validation loss has not improved for as long as the patience allows: this was the last.
        notes: what a person should know, such as a batch that had to be split.
    """

    epoch: int
    num_epochs: int
    train_loss: float
    val_loss: float
    best_val_loss: float
    is_best: bool
    learning_rate: float
    patches_per_s: float
    seconds_left: float
    stopped_early: bool
    notes: tuple[str, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether the stage ends with this epoch."""
        return self.stopped_early or self.epoch == self.num_epochs
