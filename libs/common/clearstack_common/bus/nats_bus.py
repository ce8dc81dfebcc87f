"""The Bus on NATS JetStream."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import nats
import nats.errors
import structlog
from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.event_pb2 import Event
from clearstack.v1.job_pb2 import Job
from google.protobuf.message import Message
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError as NatsNotFoundError

from clearstack_common import protojson, subjects
from clearstack_common.bus import nats_setup
from clearstack_common.bus.dead_letters import bury
from clearstack_common.bus.envelope import event_headers, job_headers
from clearstack_common.bus.nats_calls import broker_calls, made_us
from clearstack_common.bus.nats_client import ObservedClient
from clearstack_common.bus.nats_copy import NatsCopy
from clearstack_common.bus.nats_delivery import NatsDelivery, deliveries
from clearstack_common.bus.nats_lock import NatsTrainingLock
from clearstack_common.bus.nats_login import login
from clearstack_common.bus.nats_table import NatsTable
from clearstack_common.bus.port import LockHolder
from clearstack_common.bus.survey import NatsSurvey
from clearstack_common.errors import ClearstackError
from clearstack_common.settings import ServiceSettings
from clearstack_common.telemetry import Telemetry, Tracing

M = TypeVar("M", bound=Message)

_ANSWER_S = 2
# A busy machine may need seconds for a handshake. A client that has missed one waits for ever for the end of that
# connection, so another one is tried.
_HANDSHAKE_S = 10
_CONNECT_S = 15
log = structlog.get_logger()


async def _connect(client: Client, settings: ServiceSettings, service: str) -> None:
    await client.connect(
        settings.nats_url,
        **login(settings, service),
        name=settings.instance,
        connect_timeout=_HANDSHAKE_S,
        allow_reconnect=True,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,  # type: ignore[arg-type]  # a fraction of a second works
        ping_interval=5,
        max_outstanding_pings=2,
        error_cb=_log_error,
    )


class NatsHints:
    """Hints as messages outside JetStream: fast, and lost without harm."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    async def on_message(self, _: Msg) -> None:
        """Wakes the waiter."""
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Waits for a hint; False when none came in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class NatsBus:
    """A connection that outlives outages of the broker."""

    def __init__(self, client: Client, settings: ServiceSettings, tracing: Tracing) -> None:
        self._client = client
        self._tracing = tracing
        self._jetstream: JetStreamContext = client.jetstream(timeout=5)
        self._settings = settings
        self._buckets = {name: nats_setup.bucket(self._jetstream, name) for name in subjects.BUCKETS}
        self._made_us: dict[str, int] = {}
        self._copies: dict[str, NatsCopy[Any]] = {}

    @classmethod
    async def connect(
        cls, settings: ServiceSettings, telemetry: Telemetry | None = None, *, service: str = ""
    ) -> Self:
        """Connects as a service (or as a person, without), waiting for the broker as long as it takes."""
        telemetry = telemetry or Telemetry()
        while True:
            client = ObservedClient(telemetry.metrics)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CONNECT_S):
                    await _connect(client, settings, service)
                return cls(client, settings, telemetry.tracing)

    async def set_up(self) -> None:
        """Makes what is missing on the broker; the gateway's task."""
        await nats_setup.set_up(self._jetstream, self._settings.ack_wait_s)
        await self.attach()

    async def attach(self) -> None:
        """Asks when the buckets were made, for whoever compares revisions."""
        for name, bucket in self._buckets.items():
            self._made_us[name] = await made_us(self._jetstream, bucket)

    async def close(self) -> None:
        """Ends the connection."""
        for copy in self._copies.values():
            await copy.close()
        await self._client.close()

    async def is_available(self) -> bool:
        """Whether the broker answers now."""
        try:
            await self._client.flush(timeout=_ANSWER_S)
        except Exception:  # whatever it is, the broker cannot be used
            return False
        return True

    def survey(self) -> NatsSurvey:
        """Looks at what there is on the broker."""
        version = self._client.connected_server_version
        return NatsSurvey(self._jetstream, f"{version.major}.{version.minor}.{version.patch}")

    async def publish_job(self, job: Job) -> None:
        """Queues a job; the same id within an hour is queued once."""
        with broker_calls():
            await self._jetstream.publish(
                subjects.job_subject(job),
                protojson.encode(job),
                headers=job_headers(job, self._tracing.here()),
            )

    async def publish_event(self, event: Event) -> None:
        """Adds to the history; the same id within an hour is added once."""
        if not event.HasField("time"):
            event.time.GetCurrentTime()
        with broker_calls():
            await self._jetstream.publish(
                subjects.event_subject(event),
                protojson.encode(event),
                headers=event_headers(event, self._tracing.here()),
            )

    def jobs(self, verb: str) -> AsyncIterator[NatsDelivery[Job]]:
        """Jobs with a verb, one at a time, for ever; survives outages of the broker."""
        consumer = subjects.consumer_of(verb)
        return deliveries(self._jetstream, subjects.JOBS_STREAM, consumer, Job, self._bury)

    def events(self, consumer: str, kinds: Sequence[str]) -> AsyncIterator[NatsDelivery[Event]]:
        """Events of some kinds in their order, for ever; a named consumer goes on where it stood."""
        config = ConsumerConfig(
            durable_name=consumer,
            filter_subjects=[subjects.events_of_kind(kind) for kind in kinds],
            ack_wait=self._settings.ack_wait_s,
            max_deliver=-1,
            max_ack_pending=1,  # keeps the order, also between two gateways
        )
        return deliveries(self._jetstream, subjects.EVENTS_STREAM, consumer, Event, self._bury, config)

    async def _bury(self, message: Msg) -> None:
        """Keeps a message that cannot be read."""
        meta = message.metadata
        failure = ClearstackError(
            "The message cannot be read: it is damaged, or of another version of Clearstack."
        ).as_failure()
        await bury(
            self.table(subjects.DEAD_LETTERS_BUCKET, DeadLetter),
            f"{meta.stream}.{meta.sequence.stream}",
            message.data,
            subject=message.subject,
            failure=failure,
            num_delivered=meta.num_delivered or 1,
        )

    async def publish_again(self, subject: str, data: bytes) -> None:
        """Publishes a message as it was, also one whose id was published before."""
        with broker_calls():
            await self._jetstream.publish(subject, data)

    async def next_event(self, resource_name: str, after_sequence: int) -> tuple[int, Event] | None:
        """A run's first event after a sequence number, with its own number; None if there is none yet."""
        with broker_calls():
            try:
                raw = await self._jetstream.get_msg(
                    subjects.EVENTS_STREAM,
                    seq=max(after_sequence, 0) + 1,
                    next=True,
                    subject=subjects.events_of(resource_name),
                )
            except NatsNotFoundError:
                return None
        return raw.seq or 0, protojson.decode(raw.data or b"", Event)

    @asynccontextmanager
    async def hints(self, subject: str) -> AsyncIterator[NatsHints]:
        """Wakes whoever waits for a subject; nothing may depend on it."""
        hints = NatsHints()
        subscription = await self._client.subscribe(subject, cb=hints.on_message)
        try:
            yield hints
        finally:
            if not self._client.is_closed:
                await subscription.unsubscribe()

    async def notices(self, subject: str) -> AsyncIterator[bytes]:
        """What others publish on a subject from now on, for ever; some may be lost, so nothing may depend on it."""
        subscription = await self._client.subscribe(subject)
        async for message in subscription.messages:
            yield message.data

    async def hint(self, subject: str) -> None:
        """Wakes those who listen to a subject now."""
        with broker_calls():
            await self._client.publish(subject, b"")

    async def forget_events(self, resource_name: str) -> None:
        """Removes a run's history."""
        with broker_calls():
            await self._jetstream.purge_stream(
                subjects.EVENTS_STREAM, subject=subjects.events_of(resource_name)
            )

    def table(self, bucket: str, message_type: type[M]) -> NatsTable[M]:
        """The table in a bucket; without `attach`, its revisions are the broker's own numbers."""
        kept, made = self._buckets[bucket], self._made_us.get(bucket, 0)
        if bucket not in self._copies:
            self._copies[bucket] = NatsCopy(self._jetstream, bucket, kept, made, message_type)
        return NatsTable(kept, self._copies[bucket], made, message_type)

    async def acquire_lock(self, holder: str) -> NatsTrainingLock | None:
        """Tries to take the training lock; None while somebody else has it."""
        with broker_calls():
            return await NatsTrainingLock.acquire(
                self._jetstream, self._buckets[subjects.LOCKS_BUCKET], holder, self._settings.lock_ttl_s
            )

    async def lock_token(self) -> int | None:
        """The fencing token of the present holder; None while nobody has the lock."""
        with broker_calls():
            return await NatsTrainingLock.present_token(self._jetstream, self._buckets[subjects.LOCKS_BUCKET])

    async def lock_holder(self) -> LockHolder | None:
        """Who has the lock; None while nobody has it."""
        with broker_calls():
            return await NatsTrainingLock.present_holder(self._buckets[subjects.LOCKS_BUCKET])

    async def queued_jobs(self) -> Mapping[str, int]:
        """How many jobs of each verb wait or are being worked on."""
        with broker_calls():
            info = await self._jetstream.stream_info(subjects.JOBS_STREAM, subjects_filter=subjects.JOBS)
        counts: Counter[str] = Counter()
        for subject, count in (info.state.subjects or {}).items():
            counts[subjects.verb_of(subject)] += count
        return counts


async def _log_error(error: Exception) -> None:
    if not isinstance(error, nats.errors.SlowConsumerError):
        log.warning("broker connection", error=str(error) or type(error).__name__)
