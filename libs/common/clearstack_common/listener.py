"""The account of other systems, such as a LIMS, that hear what happens: it reads the events, and does nothing else."""

from clearstack_common.permissions import Permissions, inbox
from clearstack_common.subjects import EVENTS, EVENTS_STREAM

# Also the name of its durable consumer: a listener that comes back goes on where it was.
LISTENER = "listener"


def listener(name: str = LISTENER) -> Permissions:
    """What a listener may do; each one that goes on by itself needs a name, and a key, of its own."""
    consumer = f"{EVENTS_STREAM}.{name}"
    return Permissions(
        publish=(
            f"$JS.API.STREAM.INFO.{EVENTS_STREAM}",
            f"$JS.API.CONSUMER.INFO.{consumer}",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{consumer}",
            f"$JS.API.CONSUMER.CREATE.{consumer}.>",
            f"$JS.API.CONSUMER.MSG.NEXT.{consumer}",
            f"$JS.ACK.{consumer}.>",
        ),
        subscribe=(f"{inbox(name)}.>", EVENTS),
        read=(),
        list=(),
        write=(),
    )
