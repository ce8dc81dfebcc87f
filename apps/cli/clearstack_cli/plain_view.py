"""A training's history as plain lines, for logs and pipes."""

from clearstack.v1.event_pb2 import Event
from clearstack.v1.training_pb2 import EpochProgress

from clearstack_cli import words
from clearstack_cli.training_view import losses

# A fast training ends several epochs in a second; nobody reads that.
_QUIET_S = 10.0


class PlainLines:
    """Turns events into lines, leaving out epochs that follow each other closely."""

    def __init__(self) -> None:
        self._last_epoch_time_s = float("-inf")

    def lines(self, event: Event) -> list[str]:
        """What to print for an event; times are those at which it happened."""
        stamp = words.moment(event.time)[11:]
        return [f"{stamp}  {text}".strip() for text in self._texts(event)]

    def _texts(self, event: Event) -> list[str]:  # noqa: PLR0911 - one for each kind
        kind = event.WhichOneof("kind")
        if kind == "epoch_completed":
            return self._epoch(event)
        if kind == "state_changed":
            reason = f": {event.state_changed.failure.message}" if event.state_changed.failure.message else ""
            return [event.state_changed.state.lower().replace("_", " ") + reason]
        if kind == "stage_started":
            return _started(event)
        if kind == "stage_trained":
            return [_trained(event)]
        if kind == "mask_extracted":
            summary = event.mask_extracted.summary
            return [f"mask: {summary.message}", *(f"mask: {warning}" for warning in summary.warnings)]
        if kind == "job_failed":
            return [f"failed: {event.job_failed.failure.message}"]
        if kind == "slices_denoised":
            done = event.slices_denoised
            return [f"slices from {done.range_start}: {done.done_count} denoised"]
        return []

    def _epoch(self, event: Event) -> list[str]:
        progress = event.epoch_completed.progress
        time_s = event.time.seconds + event.time.nanos / 1e9
        is_edge = progress.epoch in {1, progress.epoch_count}
        notes = [f"stage {event.epoch_completed.stage}: {note}" for note in progress.notes]
        if not is_edge and time_s - self._last_epoch_time_s < _QUIET_S:
            return notes
        self._last_epoch_time_s = time_s
        return [f"stage {event.epoch_completed.stage}: {_epoch_line(progress)}", *notes]


def _epoch_line(progress: EpochProgress) -> str:
    left = f", {words.duration(progress.seconds_left)} left" if progress.seconds_left else ""
    return f"epoch {progress.epoch}/{progress.epoch_count}, {losses(progress)}{left}"


def _started(event: Event) -> list[str]:
    begun = event.stage_started
    resumed = f", taken up again after epoch {begun.resumed_epoch}" if begun.resumed_epoch else ""
    first = f"stage {begun.stage}: trains on {begun.device}{resumed}"
    return [first, *(f"stage {begun.stage}: {note}" for note in begun.notes)]


def _trained(event: Event) -> str:
    trained = event.stage_trained
    early = (
        f"stopped early at epoch {trained.stopped_early_epoch}" if trained.stopped_early_epoch else "trained"
    )
    return (
        f"stage {trained.stage}: {early}, {trained.epoch_count} epochs, "
        f"best validation loss {trained.best_validation_loss:.4f}"
    )
