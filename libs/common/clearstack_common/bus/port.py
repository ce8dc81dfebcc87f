"""What the services and the gateway need of a broker."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from clearstack.v1.event_pb2 import Event
from clearstack.v1.job_pb2 import Job
from google.protobuf.message import Message

from clearstack_common.errors import ClearstackError

M = TypeVar("M", bound=Message)
Item = TypeVar("Item", covariant=True)  # noqa: PLC0105 - the short name reads better below


class RecordExistsError(ClearstackError):
    """A record with that id is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord(Generic[M]):
    """A record with its place in the table."""

    id: str
    value: M
    revision: int


class RecordTable(Protocol[M]):
    """Records by id, changed by compare-and-set only."""

    async def get(self, record_id: str) -> StoredRecord[M]:
        """The newest version.

        Raises:
            NotFoundError: There is none.
            BackendUnavailableError: The broker is away (so for all methods).
        """
        ...

    async def create(self, record_id: str, value: M) -> StoredRecord[M]:
        """Adds a record.

        Raises:
            RecordExistsError: There is one already.
        """
        ...

    async def update(self, stored: StoredRecord[M], value: M) -> StoredRecord[M]:
        """Replaces the version that was read.

        Raises:
            ConflictError: It is not the newest any more.
        """
        ...

    async def delete(self, stored: StoredRecord[M]) -> None:
        """Removes the version that was read.

        Raises:
            ConflictError: It is not the newest any more.
        """
        ...

    async def list(self, at_least: int | None = None) -> Sequence[StoredRecord[M]]:
        """Every record, in no particular order; not to be changed, and the same object while nothing has changed.

        Args:
            at_least: A revision that has to be in it; None = all that was stored before the call, by whomever.
        """
        ...


class Delivery(Protocol[Item]):
    """A message that was handed to this process, and must be answered."""

    @property
    def item(self) -> Item:
        """What the message holds."""
        ...

    @property
    def num_delivered(self) -> int:
        """How often it was handed out, this time included."""
        ...

    @property
    def trace_parent(self) -> str:
        """The span in which it was published, as a W3C traceparent; empty if that was not traced."""
        ...

    async def done(self) -> None:
        """It was dealt with; returns when the broker knows."""
        ...

    async def again(self, delay_s: float) -> None:
        """Hand it out again after a while."""
        ...

    async def still_working(self) -> None:
        """Do not hand it to anybody else yet."""
        ...


class TrainingLock(Protocol):
    """The one permission to train in the whole installation."""

    @property
    def token(self) -> int:
        """The fencing token: later holders have larger ones."""
        ...

    async def renew(self) -> None:
        """Keeps the lock for another TTL.

        Raises:
            LockLostError: Somebody else has it, or it could not be renewed in time.
        """
        ...

    async def release(self) -> None:
        """Gives the lock back, if it is still ours."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """Who has the training lock.

    Attributes:
        name: The trainer's instance.
        since_s: When it was acquired, in seconds of the Unix epoch by the trainer's clock.
    """

    name: str
    since_s: float


class Bus(Protocol):
    """Jobs for the services, events from them, and the records of the gateway."""

    async def publish_job(self, job: Job) -> None:
        """Queues a job; the same id within an hour is queued once."""
        ...

    async def publish_event(self, event: Event) -> None:
        """Adds to the history; the same id within an hour is added once."""
        ...

    async def publish_again(self, subject: str, data: bytes) -> None:
        """Publishes a message as it was, also one whose id was published before."""
        ...

    def jobs(self, verb: str) -> AsyncIterator[Delivery[Job]]:
        """Jobs with a verb, one at a time, for ever; survives outages of the broker."""
        ...

    def events(self, consumer: str, kinds: Sequence[str]) -> AsyncIterator[Delivery[Event]]:
        """Events of some kinds in their order, for ever; a named consumer goes on where it stood."""
        ...

    async def next_event(self, resource_name: str, after_sequence: int) -> tuple[int, Event] | None:
        """A run's first event after a sequence number, with its own number; None if there is none yet."""
        ...

    def hints(self, subject: str) -> "AbstractAsyncContextManager[Hints]":
        """Wakes whoever waits for a subject; nothing may depend on it."""
        ...

    def notices(self, subject: str) -> AsyncIterator[bytes]:
        """What others publish on a subject from now on, for ever; some may be lost, so nothing may depend on it."""
        ...

    async def hint(self, subject: str) -> None:
        """Wakes those who listen to a subject now."""
        ...

    async def forget_events(self, resource_name: str) -> None:
        """Removes a run's history."""
        ...

    def table(self, bucket: str, message_type: type[M]) -> RecordTable[M]:
        """The table in a bucket."""
        ...

    async def acquire_lock(self, holder: str) -> TrainingLock | None:
        """Tries to take the training lock; None while somebody else has it."""
        ...

    async def lock_token(self) -> int | None:
        """The fencing token of the present holder; None while nobody has the lock."""
        ...

    async def lock_holder(self) -> LockHolder | None:
        """Who has the lock; None while nobody has it."""
        ...

    async def queued_jobs(self) -> Mapping[str, int]:
        """How many jobs of each verb wait or are being worked on."""
        ...

    async def is_available(self) -> bool:
        """Whether the broker answers now."""
        ...


class Hints(Protocol):
    """Where hints arrive."""

    async def wait(self, timeout_s: float) -> bool:
        """Waits for a hint; False when none came in time."""
        ...
