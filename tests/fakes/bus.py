"""A connection to the broker in memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import uuid4

from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.event_pb2 import Event
from clearstack.v1.job_pb2 import Job
from clearstack.v1.stack_service_pb2 import Failure
from clearstack_common import protojson, subjects
from clearstack_common.bus import LockHolder
from clearstack_common.bus.dead_letters import bury
from google.protobuf.json_format import ParseError
from google.protobuf.message import Message as Proto

from fakes.broker import Consumer, FakeBroker, Message, matches
from fakes.delivery import FakeDelivery
from fakes.lock import FakeLock
from fakes.table import FakeTable

M = TypeVar("M", bound=Proto)


class FakeHints:
    """Where hints arrive."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self, timeout_s: float) -> bool:
        """Waits for a hint; False when none came in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class FakeBus:
    """The Bus in memory."""

    def __init__(self, broker: FakeBroker | None = None) -> None:
        self.broker = broker or FakeBroker()

    async def publish_job(self, job: Job) -> None:
        """Queues a job; the same id is queued once."""
        await self.broker.arrive()
        self.broker.add_job(job.id, subjects.job_subject(job), protojson.encode(job))

    async def publish_event(self, event: Event) -> None:
        """Adds to the history; the same id is added once."""
        if not event.HasField("time"):
            event.time.GetCurrentTime()
        await self.broker.arrive()
        self.broker.add_event(event.id, subjects.event_subject(event), protojson.encode(event))

    async def publish_again(self, subject: str, data: bytes) -> None:
        """Publishes a message as it was, also one whose id was published before."""
        await self.broker.arrive()
        add = self.broker.add_event if subject.startswith("clearstack.evt.") else self.broker.add_job
        add(uuid4().hex, subject, data)

    async def jobs(self, verb: str) -> AsyncIterator[FakeDelivery[Job]]:
        """Jobs with a verb, one at a time, for ever."""
        while True:
            message, wait_s = self.broker.due_job(subjects.jobs_with(verb))
            if message is None or self.broker.is_away:
                await self.broker.changed.wait(wait_s)
            elif (delivery := await self._readable(message, Job)) is not None:
                yield delivery

    async def events(self, consumer: str, kinds: Sequence[str]) -> AsyncIterator[FakeDelivery[Event]]:
        """Events of some kinds in their order, for ever."""
        patterns = [subjects.events_of_kind(kind) for kind in kinds]
        state = self.broker.consumers[consumer]
        while True:
            message, wait_s = self.broker.due_event(state, patterns)
            if message is None or self.broker.is_away:
                await self.broker.changed.wait(wait_s)
            elif (delivery := await self._readable(message, Event, state)) is not None:
                yield delivery

    async def _readable(
        self, message: Message, message_type: type[M], consumer: Consumer | None = None
    ) -> FakeDelivery[M] | None:
        """A delivery; None for a message that cannot be read, which is buried."""
        try:
            return FakeDelivery(self.broker, message, message_type, consumer)
        except ParseError:
            await bury(
                self.table(subjects.DEAD_LETTERS_BUCKET, DeadLetter),
                f"{message_type.DESCRIPTOR.name}.{message.sequence}",
                message.data,
                subject=message.subject,
                failure=Failure(message="The message cannot be read."),
                num_delivered=message.num_delivered,
            )
            self.broker.forget(message, consumer)
            return None

    async def next_event(self, resource_name: str, after_sequence: int) -> tuple[int, Event] | None:
        """A run's first event after a sequence number; None if there is none yet."""
        await self.broker.arrive()
        for message in self.broker.history:
            if message.sequence > after_sequence and matches(
                subjects.events_of(resource_name), message.subject
            ):
                return message.sequence, protojson.decode(message.data, Event)
        return None

    @asynccontextmanager
    async def hints(self, subject: str) -> AsyncIterator[FakeHints]:
        """Wakes whoever waits for a subject."""
        listener = (subject, asyncio.Event())
        self.broker.listeners.append(listener)
        try:
            yield FakeHints(listener[1])
        finally:
            self.broker.listeners = [each for each in self.broker.listeners if each is not listener]

    async def notices(self, subject: str) -> AsyncIterator[bytes]:
        """What others publish on a subject."""
        while True:
            yield await self.broker.notices.get()

    async def hint(self, subject: str) -> None:
        """Wakes those who listen to a subject now."""
        await self.broker.arrive()
        self.broker.hint(subject)

    async def forget_events(self, resource_name: str) -> None:
        """Removes a run's history."""
        await self.broker.arrive()
        pattern = subjects.events_of(resource_name)
        self.broker.history = [
            message for message in self.broker.history if not matches(pattern, message.subject)
        ]

    def table(self, bucket: str, message_type: type[M]) -> FakeTable[M]:
        """The table in a bucket."""
        return FakeTable(self.broker, self.broker.buckets[bucket], message_type)

    async def acquire_lock(self, holder: str) -> FakeLock | None:
        """Tries to take the training lock; None while somebody else has it."""
        await self.broker.arrive()
        if self.broker.holder() is not None:
            return None
        return FakeLock(self.broker, self.broker.write_lock(holder, None))

    async def lock_token(self) -> int | None:
        """The fencing token of the present holder; None while nobody has the lock."""
        await self.broker.arrive()
        held = self.broker.holder()
        return held.token if held else None

    async def lock_holder(self) -> LockHolder | None:
        """Who has the lock; None while nobody has it."""
        await self.broker.arrive()
        held = self.broker.holder()
        return LockHolder(name=held.holder, since_s=held.since_s) if held else None

    async def queued_jobs(self) -> Mapping[str, int]:
        """How many jobs of each verb wait or are being worked on."""
        await self.broker.arrive()
        return Counter(subjects.verb_of(job.subject) for job in self.broker.jobs)

    async def is_available(self) -> bool:
        """Whether the broker answers now."""
        return not self.broker.is_away
