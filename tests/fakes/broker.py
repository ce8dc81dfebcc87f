"""What a broker holds, in memory: queued jobs, the history, records, the lock."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field

from clearstack_common.errors import BackendUnavailableError

from fakes.bell import Bell


@dataclass(slots=True)
class Message:
    """Something that has to be dealt with, and to whom it was handed."""

    sequence: int
    subject: str
    data: bytes
    due: float = 0.0
    num_delivered: int = 0
    trace_parent: str = ""


@dataclass(slots=True)
class Consumer:
    """How far a named consumer of events has come."""

    position: int = 0
    pending: Message | None = None


@dataclass(slots=True)
class Held:
    """The training lock as it is written down."""

    holder: str
    token: int
    revision: int
    expires: float
    since_s: float


@dataclass(slots=True)
class Bucket:
    """Records with their revisions; revisions grow over all records of the bucket."""

    records: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    revision: int = field(default_factory=lambda: time.time_ns() // 1000)  # a new broker begins higher

    def next_revision(self) -> int:
        """The revision of the next change."""
        self.revision += 1
        return self.revision


class FakeBroker:
    """One broker; any number of `FakeBus` connect to it.

    Attributes:
        is_away: While True every call fails as it does during an outage.
        notices: What others have told, outside of jobs and events.
        effects_until_outage: When set, the broker goes away after that many publications more.
    """

    def __init__(self, *, ack_wait_s: float = 12.0, lock_ttl_s: float = 12.0) -> None:
        self.ack_wait_s = ack_wait_s
        self.lock_ttl_s = lock_ttl_s
        self.is_away = False
        self.effects_until_outage: int | None = None
        self.jobs: list[Message] = []
        self.history: list[Message] = []
        self.consumers: defaultdict[str, Consumer] = defaultdict(Consumer)
        self.buckets: defaultdict[str, Bucket] = defaultdict(Bucket)
        self.lock: Held | None = None
        self.lock_revision = time.time_ns() // 1000
        self.changed = Bell()
        self.notices: asyncio.Queue[bytes] = asyncio.Queue()
        self.listeners: list[tuple[str, asyncio.Event]] = []
        self._ids: set[str] = set()
        self._num_events = 0
        self._ahead_s = 0.0

    def now(self) -> float:
        """Seconds on the broker's clock."""
        return asyncio.get_running_loop().time() + self._ahead_s

    def pass_time(self, seconds: float) -> None:
        """Lets time pass at once."""
        self._ahead_s += seconds
        self.changed.ring()

    def reach(self) -> None:
        """Every call goes through here.

        Raises:
            BackendUnavailableError: It is away.
        """
        if self.is_away:
            raise BackendUnavailableError("The message broker does not answer; try again in a moment.")

    async def arrive(self) -> None:
        """Lets others go first, as a way over the network does; then as `reach`."""
        await asyncio.sleep(0)
        self.reach()

    def set_away(self, *, away: bool) -> None:
        """Begins or ends an outage."""
        self.is_away = away
        self.effects_until_outage = None
        self.changed.ring()

    def add_job(self, job_id: str, subject: str, data: bytes) -> None:
        """Queues a job, unless its id was queued before."""
        if self._is_new(f"job {job_id}"):
            self.jobs.append(Message(len(self._ids), subject, data))
            self.changed.ring()

    def add_event(self, event_id: str, subject: str, data: bytes) -> None:
        """Appends to the history, unless its id is there already."""
        if self._is_new(f"event {event_id}"):
            self._num_events += 1
            self.history.append(Message(self._num_events, subject, data))
            self.changed.ring()
        self.hint(subject)

    def _is_new(self, message_id: str) -> bool:
        if self.effects_until_outage is not None:
            if self.effects_until_outage == 0:
                self.is_away = True
                self.reach()
            self.effects_until_outage -= 1
        is_new = message_id not in self._ids
        self._ids.add(message_id)
        return is_new

    def hint(self, subject: str) -> None:
        """Wakes those who listen to a subject."""
        for pattern, event in self.listeners:
            if matches(pattern, subject):
                event.set()

    def due_job(self, pattern: str) -> tuple[Message | None, float | None]:
        """The first job that can be handed out now, or else how long to wait for one."""
        waiting = [message for message in self.jobs if matches(pattern, message.subject)]
        for message in waiting:
            if message.due <= self.now():
                return message, None
        return None, min((message.due for message in waiting), default=self.now() + 60) - self.now()

    def due_event(self, consumer: Consumer, patterns: list[str]) -> tuple[Message | None, float | None]:
        """The next event of a consumer, one at a time, or else how long to wait."""
        if consumer.pending is None:
            consumer.pending = next(
                (
                    Message(message.sequence, message.subject, message.data)
                    for message in self.history
                    if message.sequence > consumer.position
                    and any(matches(pattern, message.subject) for pattern in patterns)
                ),
                None,
            )
        if consumer.pending is None:
            return None, None
        if consumer.pending.due <= self.now():
            return consumer.pending, None
        return None, consumer.pending.due - self.now()

    def forget(self, message: Message, consumer: Consumer | None) -> None:
        """A message was dealt with: a job by whoever took it, an event by the consumer."""
        if consumer is None:
            self.jobs = [job for job in self.jobs if job is not message]
        elif consumer.pending is message:
            consumer.position, consumer.pending = message.sequence, None
        self.changed.ring()

    def holder(self) -> Held | None:
        """Who has the lock now."""
        if self.lock is not None and self.lock.expires <= self.now():
            self.lock = None
        return self.lock

    def write_lock(self, holder: str, token: int | None) -> Held:
        """Writes the lock down for another TTL; a new holder's token is the revision."""
        self.lock_revision += 1
        since_s = self.lock.since_s if self.lock and token else time.time()
        self.lock = Held(
            holder, token or self.lock_revision, self.lock_revision, self.now() + self.lock_ttl_s, since_s
        )
        return self.lock


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject fits a pattern in which `*` stands for one token."""
    wanted, given = pattern.split("."), subject.split(".")
    return len(wanted) == len(given) and all(
        want in {"*", have} for want, have in zip(wanted, given, strict=True)
    )
