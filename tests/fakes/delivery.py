"""Messages handed out by the broker in memory."""

from typing import Generic, TypeVar

from clearstack_common import protojson
from google.protobuf.message import Message as Proto

from fakes.broker import Consumer, FakeBroker, Message

M = TypeVar("M", bound=Proto)


class FakeDelivery(Generic[M]):
    """A message that was handed to this process."""

    def __init__(
        self, broker: FakeBroker, message: Message, message_type: type[M], consumer: Consumer | None = None
    ) -> None:
        message.num_delivered += 1
        message.due = broker.now() + broker.ack_wait_s
        self._broker = broker
        self._message = message
        self._consumer = consumer
        self.item = protojson.decode(message.data, message_type)
        self.num_delivered = message.num_delivered
        self.trace_parent = message.trace_parent

    async def done(self) -> None:
        """It was dealt with."""
        self._broker.reach()
        self._broker.forget(self._message, self._consumer)

    async def again(self, delay_s: float) -> None:
        """Hand it out again after a while."""
        self._broker.reach()
        self._message.due = self._broker.now() + delay_s
        self._broker.changed.ring()

    async def still_working(self) -> None:
        """Do not hand it to anybody else yet."""
        self._broker.reach()
        self._message.due = self._broker.now() + self._broker.ack_wait_s
