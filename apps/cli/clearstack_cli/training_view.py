"""A training as a person sees it: one page that is drawn anew whenever something happens."""

from clearstack.v1 import config_pb2, training_pb2
from clearstack.v1.training_pb2 import EpochProgress, StageStatus, Training
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from clearstack_cli import words

_BAR_WIDTH = 30
_DOING = {
    training_pb2.TRAINING_STATE_QUEUED: "waits for its turn",
    training_pb2.TRAINING_STATE_TRAINING: "trains",
    training_pb2.TRAINING_STATE_DENOISING: "denoises the stack with what was learnt …",
    training_pb2.TRAINING_STATE_EXTRACTING_MASK: "looks for structure in the noise …",
    training_pb2.TRAINING_STATE_AWAITING_REVIEW: "waits for a review of the mask",
    training_pb2.TRAINING_STATE_COMPLETE: "complete",
    training_pb2.TRAINING_STATE_FAILED: "failed",
    training_pb2.TRAINING_STATE_CANCELLED: "cancelled",
}


def page(training: Training) -> RenderableType:
    """The whole training: what it is, what it does, its stages, its mask, its notes."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for stage in training.stages:
        if stage.number > 1 and training.method == config_pb2.METHOD_AUTOSTRUCTN2V:
            grid.add_row("Mask", mask_line(training))
        grid.add_row(f"Stage {stage.number}", _stage(stage))
    return Group(_title(training), Text(f"  {doing(training)}"), grid, *_notes(training))


def doing(training: Training) -> str:
    """What the training does now, in a few words."""
    if training.state == training_pb2.TRAINING_STATE_QUEUED and training.queue_position:
        return f"waits for its turn, number {training.queue_position} in the queue"
    return _DOING.get(training.state, "")


def mask_line(training: Training) -> str:
    """The mask in one line; what is to come of it while there is none."""
    summary = training.mask
    if not summary.revision:
        return "after stage 1"
    return (
        f"{words.pattern(summary.pattern)}, {summary.active_pixel_count} of "
        f"{summary.kernel_height} × {summary.kernel_width} pixels"
    )


def losses(progress: EpochProgress) -> str:
    """The figures of an epoch."""
    return (
        f"training loss {progress.training_loss:.4f}, validation loss {progress.validation_loss:.4f} "
        f"(best {progress.best_validation_loss:.4f}), {progress.patches_per_second:.0f} patches/s"
    )


def outcome(stage: StageStatus) -> str:
    """How a stage that trains no more has ended."""
    if stage.state != training_pb2.STAGE_STATE_COMPLETE:
        return words.stage_state(stage.state)
    early = f"stopped early at epoch {stage.stopped_early_epoch}, " if stage.stopped_early_epoch else ""
    best = stage.progress.best_validation_loss
    return f"{early}{stage.progress.epoch} epochs, best validation loss {best:.4f}"


def _title(training: Training) -> Text:
    what = [
        training.display_name,
        words.method(training.method),
        words.mode(training.mode),
        words.preset(training.preset),
    ]
    title = Text("Training ", style="bold").append(words.short(training.name), style="bold cyan")
    return title.append("  " + " · ".join(part for part in what if part), style="not bold dim")


def _stage(stage: StageStatus) -> RenderableType:
    if stage.state == training_pb2.STAGE_STATE_PENDING:
        return Text("waits", style="dim")
    if stage.state != training_pb2.STAGE_STATE_TRAINING:
        done = stage.state == training_pb2.STAGE_STATE_COMPLETE
        return Text("✓ " if done else "– ", style="green" if done else "yellow").append(outcome(stage))
    if not stage.progress.epoch and not stage.HasField("running"):
        return Text(f"begins {_on(stage)}…")
    figures = losses(stage.progress) if stage.progress.epoch else f"first epoch {_on(stage)}"
    return Group(_bar(stage), Text(figures, style="dim"))


def _bar(stage: StageStatus) -> RenderableType:
    progress, running = stage.progress, stage.running
    total, epoch, done = progress.epoch_count, progress.epoch, float(progress.epoch)
    if running.step_count:  # inside an epoch
        total, epoch = running.epoch_count, running.epoch
        done = running.epoch - 1 + running.steps_done_count / running.step_count
    left = f"{words.duration(progress.seconds_left)} left" if progress.epoch else ""
    row = Table.grid(padding=(0, 1))
    row.add_row(
        ProgressBar(total=total, completed=done, width=_BAR_WIDTH),
        f"epoch {epoch}/{total}",
        Text(left, style="cyan"),
    )
    return row


def _on(stage: StageStatus) -> str:
    return f"on {stage.device} " if stage.device else ""


def _notes(training: Training) -> list[Text]:
    """Every note once; what is said of one stage only is said to be so."""
    stages_of: dict[str, list[int]] = {note: [] for note in training.notes}
    for stage in training.stages:
        for note in stage.notes:
            stages_of.setdefault(note, []).append(stage.number)
    return [
        Text(f"  Stage {stages[0]}: {note}" if len(stages) == 1 else f"  {note}", style="yellow")
        for note, stages in stages_of.items()
    ]
