"""What every worker does around its own work: take a job, keep it alive, report failures, stop when told.

A handler gets a `JobContext`, does its work, and publishes what came of it. It never decides what comes next.
"""

import asyncio
import contextlib
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from time import perf_counter

import stamina
import structlog
from clearstack.v1 import error_reason_pb2
from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.event_pb2 import Event, JobFailed
from clearstack.v1.job_pb2 import Job
from clearstack.v1.model_service_pb2 import Model
from clearstack.v1.record_pb2 import DenoisingRecord, TrainingRecord
from clearstack.v1.stack_service_pb2 import Stack

from clearstack_common import protojson, subjects
from clearstack_common.bus import Bus, Delivery
from clearstack_common.bus.dead_letters import bury
from clearstack_common.draining import Draining
from clearstack_common.errors import BackendUnavailableError, ClearstackError, NotFoundError, reason_name
from clearstack_common.full_disk import is_full_disk
from clearstack_common.log import run_context
from clearstack_common.objects import ObjectStore
from clearstack_common.settings import ServiceSettings
from clearstack_common.tasks import ended
from clearstack_common.telemetry import Metrics, Telemetry

# A job that was handed out that often, without getting on, kills whoever takes it.
MAX_DELIVERIES = 12
# An unexpected error is given that many chances.
MAX_SURPRISES = 5
# What may go well another time: these jobs become dead letters, which can be retried.
_MAY_PASS = frozenset(
    {
        error_reason_pb2.ERROR_REASON_OUT_OF_MEMORY,
        error_reason_pb2.ERROR_REASON_OUT_OF_SPACE,
        error_reason_pb2.ERROR_REASON_COMPUTATION_FAILED,
        error_reason_pb2.ERROR_REASON_INTERNAL,
    }
)
_POLL_S = 2.0
_RETRY_S = 3.0

log = structlog.get_logger()


class JobContext:
    """A job, with what its handler needs.

    Attributes:
        job: What to do.
        folder: An empty folder that is removed afterwards.
        stop: Set when the work is not wanted any more; for code in threads.
        metrics: Where a handler counts.
        draining: Says when the service stops.
        token: The fencing token of a handler that has taken the training lock; 0 without.
        outcome: How it went, for the figures: again, dropped, failed or done.
    """

    def __init__(
        self,
        job: Job,
        bus: Bus,
        store: ObjectStore,
        settings: ServiceSettings,
        folder: Path,
        metrics: Metrics | None = None,
        draining: Draining | None = None,
    ) -> None:
        self.job = job
        self.bus = bus
        self.store = store
        self.settings = settings
        self.folder = folder
        self.metrics = metrics or Metrics()
        self.draining = draining or Draining()
        self.stop = threading.Event()
        self.token = 0
        self.outcome = "again"

    async def publish(self, event: Event, what: str) -> None:
        """Publishes an event of this job, through an outage of the broker if need be.

        Args:
            event: Only its kind needs to be set.
            what: Makes the event's id, together with the job's.
        """
        event.id, event.run, event.job = f"{self.job.id}.{what}", self.job.run, self.job.id
        async for attempt in stamina.retry_context(
            on=BackendUnavailableError, attempts=None, timeout=300, wait_max=2
        ):
            with attempt:
                await self.bus.publish_event(event)

    async def is_wanted(self) -> bool:
        """Whether the run still waits for this job."""
        try:
            if self.job.run.startswith(
                "stacks/"
            ):  # whoever asks for a look at a stack waits for it, or does not
                await self.bus.table(subjects.STACKS_BUCKET, Stack).get(subjects.run_id(self.job.run))
                return True
            return self.job.id in await _active_jobs(self.bus, self.job.run)
        except NotFoundError:
            return False

    async def epochs_done(self) -> int:
        """Epochs that the record knows of this stage's training; each earns its job another chance."""
        if not self.job.HasField("train"):
            return 0
        table = self.bus.table(subjects.TRAININGS_BUCKET, TrainingRecord)
        training = (await table.get(subjects.run_id(self.job.run))).value.training
        return training.stages[self.job.train.stage - 1].progress.epoch


class PassingError(Exception):
    """Something that may go well when it is done again.

    Attributes:
        final: What is told when it does not.
    """

    def __init__(self, text: str, *, final: ClearstackError) -> None:
        super().__init__(text)
        self.final = final


Handler = Callable[[JobContext], Awaitable[None]]


async def _active_jobs(bus: Bus, run: str) -> list[str]:
    run_id = subjects.run_id(run)
    if run.startswith("trainings/"):
        training = await bus.table(subjects.TRAININGS_BUCKET, TrainingRecord).get(run_id)
        return list(training.value.active_jobs)
    if run.startswith("models/"):
        return list((await bus.table(subjects.MODELS_BUCKET, Model).get(run_id)).value.active_jobs)
    denoising = await bus.table(subjects.DENOISINGS_BUCKET, DenoisingRecord).get(run_id)
    return list(denoising.value.active_jobs)


class Worker:
    """Works off the jobs of one verb.

    Args:
        verb: Which jobs.
        handler: Does the work.
        bus: Where the jobs are.
        store: Where the files are.
        settings: The service's.
        tidy: Called when a job is over in whatever way, also where it was never begun: removes what is of no use.
        telemetry: Where jobs are counted and traced.
        draining: Says when no more job is to be begun.
    """

    def __init__(
        self,
        verb: str,
        handler: Handler,
        bus: Bus,
        store: ObjectStore,
        settings: ServiceSettings,
        tidy: Handler | None = None,
        telemetry: Telemetry | None = None,
        draining: Draining | None = None,
    ) -> None:
        self._verb = verb
        self._handler = handler
        self._tidy = tidy
        self._bus = bus
        self._store = store
        self._settings = settings
        self._telemetry = telemetry or Telemetry()
        self._draining = draining or Draining()

    async def run(self) -> None:
        """Takes one job after the other, until cancelled."""
        async for delivery in self._bus.jobs(self._verb):
            if self._draining.has_begun:
                await self._hand_back(delivery)
                continue
            with (
                self._draining.busy(),
                run_context(delivery.item.run, job=delivery.item.id),
                self._traced(delivery),
            ):
                try:
                    await self._deal_with(delivery)
                except BackendUnavailableError as error:
                    log.warning("job comes again later", reason=error.message)

    async def _hand_back(self, delivery: Delivery[Job]) -> None:
        with contextlib.suppress(BackendUnavailableError):
            await delivery.again(_RETRY_S)

    async def _deal_with(self, delivery: Delivery[Job]) -> None:
        with self._folder() as folder:
            metrics = self._telemetry.metrics
            context = JobContext(
                delivery.item, self._bus, self._store, self._settings, folder, metrics, self._draining
            )
            with self._timed(context):
                await self._work_off(context, delivery)

    async def _work_off(self, context: JobContext, delivery: Delivery[Job]) -> None:
        if not await context.is_wanted():
            log.info("job dropped: not wanted any more")
            context.outcome = "dropped"
        elif delivery.num_delivered > MAX_DELIVERIES + await context.epochs_done():
            await _report(context, _gave_up(delivery.num_delivered), delivery.num_delivered)
        else:
            async with _kept_alive(context, delivery):
                if not await self._attempt(context, delivery):
                    return
        await self._tidy_up(context)
        await delivery.done()

    @contextlib.contextmanager
    def _timed(self, context: JobContext) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            took_s = perf_counter() - began
            context.metrics.job_seconds.labels(self._verb, context.outcome).observe(took_s)

    def _traced(self, delivery: Delivery[Job]) -> contextlib.AbstractContextManager[None]:
        job = delivery.item
        return self._telemetry.tracing.span(self._verb, parent=delivery.trace_parent, run=job.run, job=job.id)

    async def _tidy_up(self, context: JobContext) -> None:
        if self._tidy is None:
            return
        try:
            await self._tidy(context)
        except BackendUnavailableError:
            raise  # the job comes again, is not wanted any more, and is tidied up after then
        except Exception:  # what is left behind does no harm
            log.exception("job not tidied up after")

    async def _attempt(self, context: JobContext, delivery: Delivery[Job]) -> bool:
        """Runs the handler; returns whether the job is over and done with."""
        log.info("job taken", delivery=delivery.num_delivered)
        try:
            await self._handler_while_wanted(context)
            context.outcome = "done"
        except asyncio.CancelledError:
            with contextlib.suppress(BackendUnavailableError):
                await delivery.again(0)
            raise
        except BackendUnavailableError as error:
            log.warning("job interrupted: comes again", reason=error.message)
            await self._until_store_answers()
            await delivery.again(_RETRY_S)
            return False
        except ClearstackError as error:
            await _report(context, error, delivery.num_delivered)
        except Exception as error:  # anything a handler did not foresee
            log.exception("job failed")
            num_chances = MAX_SURPRISES + await context.epochs_done()
            if delivery.num_delivered < num_chances and not is_full_disk(error):
                await delivery.again(_RETRY_S)
                return False
            await _report(context, _surprise(error), delivery.num_delivered)
        if context.outcome == "failed" and context.token:
            # If the lock was lost in this very moment the failure is refused: the job must not be gone with it.
            await delivery.again(_RETRY_S)
            return False
        return True

    async def _until_store_answers(self) -> None:
        """An outage must not use up the job's deliveries, however long it is."""
        while not await self._store.is_available():  # noqa: ASYNC110 - it is on the store
            await asyncio.sleep(_RETRY_S)

    async def _handler_while_wanted(self, context: JobContext) -> None:
        work = asyncio.ensure_future(self._handler(context))
        watch = asyncio.ensure_future(_until_unwanted(context))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                watch.result()  # if the watch itself failed, the job is not over
                log.info("job over: the run has moved on")
                return
            await work
        finally:
            context.stop.set()
            await ended(work, watch)

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        self._settings.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{self._verb}-", dir=self._settings.scratch))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


async def _until_unwanted(context: JobContext) -> None:
    async with context.bus.hints(subjects.cancel_subject(context.job.run)) as hints:
        while True:
            await hints.wait(_POLL_S)
            with contextlib.suppress(BackendUnavailableError):
                if not await context.is_wanted():
                    return


@contextlib.asynccontextmanager
async def _kept_alive(context: JobContext, delivery: Delivery[Job]) -> AsyncIterator[None]:
    async def keep() -> None:
        while True:
            with contextlib.suppress(BackendUnavailableError):
                await delivery.still_working()
            await asyncio.sleep(context.settings.ack_wait_s / 4)

    task = asyncio.ensure_future(keep())
    try:
        yield
    finally:
        await ended(task)


async def _report(context: JobContext, error: ClearstackError, num_delivered: int) -> None:
    log.warning("job given up", reason=error.message)
    context.outcome = "failed"
    context.metrics.errors.labels(reason_name(error.reason)).inc()
    if error.reason in _MAY_PASS:
        await _bury(context, error, num_delivered)
    failed = JobFailed(failure=error.as_failure(), token=context.token)
    # Not the same id for two holders of the lock: the failure of the second is not a repetition.
    what = f"failed.{context.token}" if context.token else "failed"
    await context.publish(Event(job_failed=failed), what)


async def _bury(context: JobContext, error: ClearstackError, num_delivered: int) -> None:
    job = context.job
    await bury(
        context.bus.table(subjects.DEAD_LETTERS_BUCKET, DeadLetter),
        job.id,
        protojson.encode(job),
        subject=subjects.job_subject(job),
        failure=error.as_failure(),
        num_delivered=num_delivered,
        run=job.run,
    )


def _gave_up(num_delivered: int) -> ClearstackError:
    return ClearstackError(
        f"The computation was begun {num_delivered - 1} times and never came to an end; "
        "see the service's log, then start it again.",
        reason=error_reason_pb2.ERROR_REASON_COMPUTATION_FAILED,
    )


def _surprise(error: Exception) -> ClearstackError:
    if isinstance(error, PassingError):
        return error.final
    if is_full_disk(error):
        return ClearstackError(
            "The disk of the service's scratch folder is full; make room, then try again.",
            reason=error_reason_pb2.ERROR_REASON_OUT_OF_SPACE,
        )
    return ClearstackError(
        f"The computation failed unexpectedly ({type(error).__name__}); the service's log has the details.",
        reason=error_reason_pb2.ERROR_REASON_COMPUTATION_FAILED,
    )
