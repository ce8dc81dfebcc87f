"""A worker on fakes, with a training that waits for its job."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from clearstack.v1.event_pb2 import Event, JobFailed, MaskExtracted
from clearstack.v1.job_pb2 import ExtractMask, Job
from clearstack.v1.record_pb2 import TrainingRecord
from clearstack_common import subjects
from clearstack_common.bus import Bus
from clearstack_common.draining import Draining
from clearstack_common.settings import ServiceSettings
from clearstack_common.worker import JobContext, Worker
from fakes import FakeBroker, FakeBus, FakeStore
from fakes.waiting import until

JOB = Job(id="r.mask.revision1.extract", run="trainings/r", extract=ExtractMask(revision=1))
RETRY_S = 4.0  # longer than a worker's pause before it tries again
Handler = Callable[[JobContext], Awaitable[None]]


async def work(context: JobContext) -> None:
    """A handler that does its work."""
    await context.publish(Event(mask_extracted=MaskExtracted()), "extracted")


class WorkerRig:
    """Broker, store and one worker; `events` is what it told."""

    def __init__(self, scratch: Path, bus: Callable[[FakeBroker], Bus] = FakeBus) -> None:
        self.broker = FakeBroker(ack_wait_s=1000)
        self.store = FakeStore()
        self.draining = Draining()
        self.settings = ServiceSettings(scratch=scratch, ack_wait_s=2)
        self._outside = FakeBus(self.broker)
        self._bus = bus(self.broker)
        self._task: asyncio.Task[None] | None = None

    async def queue(self, *, active: Sequence[str] = (JOB.id,), num_deliveries: int = 0) -> None:
        """Queues the job of a training that waits for it, as if it had been handed out before."""
        table = self._outside.table(subjects.TRAININGS_BUCKET, TrainingRecord)
        await table.create("r", TrainingRecord(active_jobs=active))
        await self._outside.publish_job(JOB)
        self.broker.jobs[0].num_delivered = num_deliveries

    async def move_on(self) -> None:
        """The run does not wait for the job any more, and says so."""
        table = self._outside.table(subjects.TRAININGS_BUCKET, TrainingRecord)
        await table.update(await table.get("r"), TrainingRecord())
        await self._outside.hint(subjects.cancel_subject("trainings/r"))

    def start(self, handler: Handler = work, tidy: Handler | None = None) -> None:
        """Lets the worker work."""
        worker = Worker(
            "extract", handler, self._bus, self.store, self.settings, tidy, draining=self.draining
        )
        self._task = asyncio.ensure_future(worker.run())

    async def stop(self) -> None:
        """Ends the worker as its service does."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def until_done(self) -> None:
        """Returns when the job is out of the queue."""
        await until(lambda: not self.broker.jobs)

    async def until_given_back(self, num_deliveries: int) -> None:
        """Returns when the job waits to be handed out again, after that many times."""
        [message] = self.broker.jobs
        await until(
            lambda: (
                message.num_delivered == num_deliveries
                and message.due < self.broker.now() + self.broker.ack_wait_s / 2
            )
        )

    async def events(self) -> list[Event]:
        """What the history of the run holds."""
        found, after = [], 0
        while (item := await self._outside.next_event("trainings/r", after)) is not None:
            after = item[0]
            found.append(item[1])
        return found

    async def failure(self) -> JobFailed:
        """The one failure that was reported."""
        [event] = await self.events()
        assert (event.id, event.run, event.job) == (f"{JOB.id}.failed", JOB.run, JOB.id)
        return event.job_failed
