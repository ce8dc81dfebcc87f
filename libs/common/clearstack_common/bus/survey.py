"""What there is on the broker, for whoever looks after the installation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from clearstack_common import subjects
from clearstack_common.bus.nats_calls import broker_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The jobs of one verb.

    Attributes:
        num_asking: Workers that wait for such a job now.
        num_in_work: Jobs that workers have.
        num_waiting: Jobs that nobody has yet.
    """

    num_asking: int
    num_in_work: int
    num_waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerState:
    """What was found.

    Attributes:
        version: Of the server.
        missing: Streams, buckets and consumers that the gateway makes at its start, and that are not there.
        queues: Of the verbs whose consumer is there.
    """

    version: str
    missing: tuple[str, ...]
    queues: Mapping[str, Queue]


class Survey(Protocol):
    """Looks at the broker."""

    async def look(self) -> BrokerState:
        """What there is now.

        Raises:
            BackendUnavailableError: The broker does not answer.
        """
        ...


class NatsSurvey:
    """Looks at NATS JetStream."""

    def __init__(self, jetstream: JetStreamContext, version: str) -> None:
        self._jetstream = jetstream
        self._version = version

    async def look(self) -> BrokerState:
        """What there is now."""
        streams = [subjects.JOBS_STREAM, subjects.EVENTS_STREAM, *map(subjects.stream_of, subjects.BUCKETS)]
        found = {verb: await self._queue(verb) for verb in subjects.verbs()}
        missing = [stream for stream in streams if not await self._has_stream(stream)]
        missing += [subjects.consumer_of(verb) for verb, queue in found.items() if queue is None]
        queues = {verb: queue for verb, queue in found.items() if queue is not None}
        return BrokerState(version=self._version, missing=tuple(missing), queues=queues)

    async def _has_stream(self, stream: str) -> bool:
        with broker_calls():
            try:
                await self._jetstream.stream_info(stream)
            except NotFoundError:
                return False
        return True

    async def _queue(self, verb: str) -> Queue | None:
        with broker_calls():
            try:
                info = await self._jetstream.consumer_info(subjects.JOBS_STREAM, subjects.consumer_of(verb))
            except NotFoundError:
                return None
        return Queue(
            num_asking=info.num_waiting or 0,
            num_in_work=info.num_ack_pending or 0,
            num_waiting=info.num_pending or 0,
        )
