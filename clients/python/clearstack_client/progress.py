"""How far something is: one small object for bars and lines of text."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from clearstack.v1 import denoising_pb2, training_pb2
from clearstack.v1.denoising_pb2 import Denoising, DenoisingState
from clearstack.v1.training_pb2 import StageStatus, Training, TrainingState

from clearstack_client.errors import RunEnded

TRAINING_OVER = frozenset(
    {
        training_pb2.TRAINING_STATE_COMPLETE,
        training_pb2.TRAINING_STATE_FAILED,
        training_pb2.TRAINING_STATE_CANCELLED,
    }
)
DENOISING_OVER = frozenset(
    {
        denoising_pb2.DENOISING_STATE_COMPLETE,
        denoising_pb2.DENOISING_STATE_FAILED,
        denoising_pb2.DENOISING_STATE_CANCELLED,
    }
)


class Phase(StrEnum):
    """What is being done."""

    UPLOADING = "uploading"
    INSPECTING = "inspecting"
    QUEUED = "queued"
    TRAINING = "training"
    AWAITING_REVIEW = "awaiting review"
    EXTRACTING_MASK = "extracting the mask"
    DENOISING = "denoising"
    DOWNLOADING = "downloading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A moment of an upload, a training, a denoising or a download.

    Attributes:
        phase: What is being done.
        done: Of `total`: bytes, epochs, or slices.
        total: 0 = not known.
        run: `trainings/{id}` or `denoisings/{id}`, once there is one: what `cancel` wants.
        text: The same as words.
    """

    phase: Phase
    done: int = 0
    total: int = 0
    run: str = ""
    text: str = ""

    @property
    def fraction(self) -> float | None:
        """0 to 1 of this phase; None = not known."""
        return min(1.0, self.done / self.total) if self.total else None


# Is called at each news; what it raises ends the work, and cancels the run.
OnProgress = Callable[[Progress], None]

_TRAINING_PHASES = {
    training_pb2.TRAINING_STATE_QUEUED: Phase.QUEUED,
    training_pb2.TRAINING_STATE_TRAINING: Phase.TRAINING,
    training_pb2.TRAINING_STATE_EXTRACTING_MASK: Phase.EXTRACTING_MASK,
    training_pb2.TRAINING_STATE_AWAITING_REVIEW: Phase.AWAITING_REVIEW,
}


def ignore(progress: Progress) -> None:
    """For whoever does not want to know."""


def of_bytes(phase: Phase, done: int, total: int) -> Progress:
    """Of an upload or a download."""
    return Progress(
        phase=phase, done=done, total=total, text=f"{phase}: {done / 1e6:.1f} of {total / 1e6:.1f} MB"
    )


def of_training(training: Training) -> Progress:
    """Where a training is."""
    phase = _TRAINING_PHASES.get(training.state, Phase.DENOISING)
    if phase is Phase.QUEUED:
        text = f"waits for the training slot, place {training.queue_position}"
        return Progress(phase=phase, run=training.name, text=text)
    stage = next(
        (each for each in training.stages if each.state == training_pb2.STAGE_STATE_TRAINING), StageStatus()
    )
    if phase is not Phase.TRAINING or not stage.number:
        return Progress(phase=phase, run=training.name, text=str(phase))
    at = stage.progress
    total = at.epoch_count or stage.running.epoch_count
    text = f"stage {stage.number}, epoch {at.epoch} of {total or '?'}"
    if at.epoch:
        text += f", validation loss {at.validation_loss:.4f}, {at.seconds_left:.0f} s left"
    return Progress(phase=phase, run=training.name, done=at.epoch, total=total, text=text)


def of_denoising(denoising: Denoising) -> Progress:
    """Where a denoising is."""
    done, total = denoising.slices_done_count, denoising.slice_count
    return Progress(
        phase=Phase.DENOISING,
        run=denoising.name,
        done=done,
        total=total,
        text=f"{done} of {total} slices denoised",
    )


def require_trained(training: Training) -> Training:
    """The training, when it is complete.

    Raises:
        RunEnded: It failed or was cancelled.
    """
    if training.state == training_pb2.TRAINING_STATE_COMPLETE:
        return training
    raise _ended(training, TrainingState.Name(training.state))


def require_denoised(denoising: Denoising) -> Denoising:
    """The denoising, when it is complete.

    Raises:
        RunEnded: It failed or was cancelled.
    """
    if denoising.state == denoising_pb2.DENOISING_STATE_COMPLETE:
        return denoising
    raise _ended(denoising, DenoisingState.Name(denoising.state))


def _ended(run: Training | Denoising, state: str) -> RunEnded:
    is_cancelled = state.endswith("CANCELLED")
    message = f"{run.name} was cancelled." if is_cancelled else f"{run.name} failed: {run.failure.message}"
    return RunEnded(message, run=run.name, reason=run.failure.reason, is_cancelled=is_cancelled)
