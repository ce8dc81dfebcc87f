"""Letters that nobody could deal with: what was given up is kept until a person retries or drops it."""

import contextlib

import structlog
from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.stack_service_pb2 import Failure

from clearstack_common import ids
from clearstack_common.bus.port import RecordExistsError, RecordTable

COLLECTION = "deadletters"
# Larger ones are noted without their bytes: a record has to fit into one message of the broker.
_LARGEST_BYTES = 512 << 10

log = structlog.get_logger()


async def bury(
    table: RecordTable[DeadLetter],
    message_id: str,
    data: bytes,
    *,
    subject: str,
    failure: Failure,
    num_delivered: int,
    run: str = "",
) -> None:
    """Keeps a message that is given up; the same one is kept once.

    Args:
        table: The letters on the broker.
        message_id: Of the message; makes the letter's id.
        data: The message as it was published.
        subject: Where it was published.
        failure: Why it is given up.
        num_delivered: How often it was handed out.
        run: The run that it is about; empty when it cannot be read.
    """
    letter_id = ids.new_id(COLLECTION, message_id)
    letter = DeadLetter(
        name=f"{COLLECTION}/{letter_id}",
        subject=subject,
        delivery_count=num_delivered,
        failure=failure,
        run=run,
        data=data if len(data) <= _LARGEST_BYTES else b"",
    )
    letter.create_time.GetCurrentTime()
    with contextlib.suppress(RecordExistsError):
        await table.create(letter_id, letter)
        log.warning("dead letter", letter=letter.name, subject=subject, reason=failure.message)
