"""Pulling messages from a durable consumer, one at a time, through outages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

import nats.errors
import structlog
from google.protobuf.json_format import ParseError
from google.protobuf.message import Message
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig

from clearstack_common import protojson
from clearstack_common.bus.envelope import TRACE_PARENT
from clearstack_common.bus.nats_calls import broker_calls
from clearstack_common.errors import BackendUnavailableError

M = TypeVar("M", bound=Message)

_FETCH_S = 4.0
_PAUSE_S = 0.5
log = structlog.get_logger()


class NatsDelivery(Generic[M]):
    """A message that was handed to this process."""

    def __init__(self, message: Msg, item: M) -> None:
        self._message = message
        self.item = item
        self.num_delivered = message.metadata.num_delivered or 1
        self.trace_parent = (message.headers or {}).get(TRACE_PARENT, "")

    async def done(self) -> None:
        """It was dealt with; returns when the broker knows."""
        with broker_calls():
            await self._message.ack_sync(timeout=5)

    async def again(self, delay_s: float) -> None:
        """Hand it out again after a while."""
        with broker_calls():
            await self._message.nak(delay=delay_s)

    async def still_working(self) -> None:
        """Do not hand it to anybody else yet."""
        with broker_calls():
            await self._message.in_progress()


async def deliveries(
    jetstream: JetStreamContext,
    stream: str,
    consumer: str,
    message_type: type[M],
    bury: Callable[[Msg], Awaitable[None]],
    config: ConsumerConfig | None = None,
) -> AsyncIterator[NatsDelivery[M]]:
    """Messages in their order, for ever. What cannot be parsed is buried and given up.

    Args:
        jetstream: The connection.
        stream: Where the messages are.
        consumer: Who hands them out; waited for until the gateway has made it.
        message_type: What they hold.
        bury: Keeps what cannot be parsed.
        config: Makes the consumer here, where that is allowed.
    """
    subscription: JetStreamContext.PullSubscription | None = None
    while True:
        try:
            if subscription is None:
                await _ensure(jetstream, stream, consumer, config)
                subscription = await jetstream.pull_subscribe_bind(durable=consumer, stream=stream)
            [message] = await subscription.fetch(1, timeout=_FETCH_S)
        except nats.errors.TimeoutError:
            continue
        except (nats.errors.Error, OSError) as error:
            log.warning("waiting for the broker", consumer=consumer, error=repr(error))
            if isinstance(error, nats.errors.ConnectionClosedError):
                return
            subscription = None
            await asyncio.sleep(_PAUSE_S)
            continue
        try:
            item = protojson.decode(message.data, message_type)
        except ParseError:
            log.exception("message given up: not readable", subject=message.subject)
            await _give_up(message, bury)
            continue
        yield NatsDelivery(message, item)


async def _give_up(message: Msg, bury: Callable[[Msg], Awaitable[None]]) -> None:
    """Buries a message, then takes it out of the queue; what an outage prevents comes again."""
    try:
        await bury(message)
        with broker_calls():
            await message.term()
    except BackendUnavailableError as error:
        log.warning("message comes again", reason=error.message)


async def _ensure(
    jetstream: JetStreamContext, stream: str, consumer: str, config: ConsumerConfig | None
) -> None:
    """Makes the consumer, or asks whether it is there."""
    if config is None:
        await jetstream.consumer_info(stream, consumer)
    else:
        await jetstream.add_consumer(stream, config)
