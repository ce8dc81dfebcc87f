"""What the gateway does by itself: apply events, give the training slot away, finish what was interrupted."""

import asyncio
import contextlib
from contextlib import AbstractContextManager

import structlog
from clearstack.v1 import training_pb2
from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.event_pb2 import Event
from clearstack.v1.record_pb2 import TrainingRecord
from clearstack_common import protojson, subjects
from clearstack_common.bus import Bus, Delivery, StoredRecord
from clearstack_common.bus.dead_letters import bury
from clearstack_common.errors import BackendUnavailableError, ClearstackError, NotFoundError
from clearstack_common.telemetry import Tracing

from clearstack_gateway.use_cases.model_records import ModelRecords
from clearstack_gateway.use_cases.models import Models
from clearstack_gateway.use_cases.ordered import Ordered
from clearstack_gateway.use_cases.runs import Runs
from clearstack_gateway.use_cases.tables import Tables
from clearstack_gateway.workflow import Grant

_CONSUMER = "gateway"
# Every kind but those that the gateway publishes for the history alone.
_KINDS = (
    "stage_started",
    "epoch_advanced",
    "epoch_completed",
    "stage_trained",
    "job_failed",
    "mask_extracted",
    "slices_denoised",
    "range_denoised",
    "result_assembled",
    "model_imported",
    "model_exported",
    "report_made",
    "denoising_finished",
)
_SWEEP_S = 5.0
_RETRY_S = 1.0
_MAX_SURPRISES = 5

log = structlog.get_logger()


class Upkeep:
    """The gateway's own work, in three loops."""

    def __init__(
        self, bus: Bus, tables: Tables, runs: Runs, models: Models, tracing: Tracing | None = None
    ) -> None:
        self._bus = bus
        self._tables = tables
        self._runs = runs
        self._models = models
        self._tracing = tracing or Tracing()
        self._queue = Ordered(queue_key)
        self._slot = Ordered(_slot_key)
        self._model_records = ModelRecords(tables)
        self._letters = bus.table(subjects.DEAD_LETTERS_BUCKET, DeadLetter)

    async def apply_events(self) -> None:
        """Applies the services' events to the runs, in order, for ever."""
        async for delivery in self._bus.events(_CONSUMER, _KINDS):
            try:
                with self._traced(delivery):
                    await self._apply(delivery)
            except BackendUnavailableError as error:
                log.warning("event comes again", reason=error.message)
                with contextlib.suppress(BackendUnavailableError):
                    await delivery.again(_RETRY_S)

    def _traced(self, delivery: Delivery[Event]) -> AbstractContextManager[None]:
        event = delivery.item
        name = f"apply {event.WhichOneof('kind')}"
        return self._tracing.span(name, parent=delivery.trace_parent, run=event.run, event=event.id)

    async def _apply(self, delivery: Delivery[Event]) -> None:
        event = delivery.item
        try:
            await self.apply(event)
        except NotFoundError:
            log.info("event of a deleted run", run=event.run)
        except BackendUnavailableError:
            raise
        except Exception as error:  # one bad event must not stop all others
            log.exception("event could not be applied", run=event.run, event_id=event.id)
            if delivery.num_delivered < _MAX_SURPRISES:
                await delivery.again(_RETRY_S)
                return
            await self._bury(delivery, error)
        await delivery.done()

    async def apply(self, event: Event) -> None:
        """Applies an event to what it is about.

        Raises:
            NotFoundError: That was deleted.
        """
        if event.run.startswith("models/"):
            await self._model_records.apply(event)
        elif event.run.startswith("denoisings/"):
            await self._runs.advance_denoising(event.run, event)
        elif not await self._is_stale(event):
            await self._runs.advance_training(event.run, event)

    async def _bury(self, delivery: Delivery[Event], error: Exception) -> None:
        event = delivery.item
        failure = ClearstackError(
            f"The event could not be applied ({type(error).__name__}); the gateway's log has the details."
        ).as_failure()
        await bury(
            self._letters,
            event.id,
            protojson.encode(event),
            subject=subjects.event_subject(event),
            failure=failure,
            num_delivered=delivery.num_delivered,
            run=event.run,
        )

    async def _is_stale(self, event: Event) -> bool:
        """Whether a stage's result or failure comes from a trainer that has lost the lock to another meanwhile."""
        token = _token_of(event)
        holder = await self._bus.lock_token() if token else None
        stale = holder is not None and holder > token
        if stale:
            log.warning(
                "refused: its trainer had lost the lock", run=event.run, event_id=event.id, token=token
            )
        return stale

    async def dispatch(self) -> None:
        """Gives the training slot to the next in the queue whenever it is free, for ever."""
        while True:
            try:
                await self._dispatch_once()
            except ClearstackError as error:
                log.warning("queue not served now", reason=error.message)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SWEEP_S):
                    await self._runs.queue_changed.wait()
            self._runs.queue_changed.clear()

    async def _dispatch_once(self) -> None:
        trainings = await self._tables.trainings.list()
        self._slot.update(trainings)
        self._queue.update(trainings)
        if self._queue.keys and not self._slot.keys:
            [following] = self._queue.at(self._queue.keys[:1])
            await self._runs.advance_training(following.value.training.name, Grant())

    async def recover(self) -> None:
        """Finishes what crashes and outages interrupted, and removes what nobody needs any more, for ever."""
        while True:
            try:
                await self._runs.recover()
                await self._models.forget_refused()
            except ClearstackError as error:
                log.warning("recovery not possible now", reason=error.message)
            await asyncio.sleep(_SWEEP_S)


def _token_of(event: Event) -> int:
    """The fencing token of what ends a stage's training; 0 for all else."""
    match event.WhichOneof("kind"):
        case "stage_trained":
            return event.stage_trained.token
        case "job_failed":
            return event.job_failed.token
    return 0


def queue_key(stored: StoredRecord[TrainingRecord]) -> tuple[int, int, str] | None:
    """Where a training stands in the queue: priority first, then age; None if it does not wait for the slot."""
    training = stored.value.training
    if training.state != training_pb2.TRAINING_STATE_QUEUED:
        return None
    return -training.priority, training.create_time.ToNanoseconds(), training.name


def _slot_key(stored: StoredRecord[TrainingRecord]) -> tuple[str] | None:
    """Who has the slot."""
    return (stored.id,) if stored.value.training.state == training_pb2.TRAINING_STATE_TRAINING else None
