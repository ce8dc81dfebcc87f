"""Turns the failures of a call to the broker into ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import nats.errors
from clearstack.v1 import error_reason_pb2
from nats.js import JetStreamContext, errors
from nats.js.kv import KeyValue

from clearstack_common.errors import BackendUnavailableError

_AWAY = (
    nats.errors.TimeoutError,
    nats.errors.NoRespondersError,
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.StaleConnectionError,
    errors.NoStreamResponseError,
    errors.ServiceUnavailableError,
    ConnectionError,
    TimeoutError,
)
# JetStream's "insufficient resources" and "storage resources exceeded".
_FULL = frozenset({10023, 10047})


class BrokerFullError(BackendUnavailableError):
    """The broker answers, and takes nothing more; to be waited for like one that is away."""

    reason = error_reason_pb2.ERROR_REASON_OUT_OF_SPACE


@contextmanager
def broker_calls() -> Iterator[None]:
    """Wraps calls to the broker.

    Raises:
        BackendUnavailableError: The broker did not answer, or is full.
    """
    try:
        yield
    except _AWAY as error:
        if isinstance(error, errors.ServiceUnavailableError) and error.err_code in _FULL:
            raise BrokerFullError(
                "The message broker has no room left: make room on its disk, then start it again."
            ) from error
        raise BackendUnavailableError("The message broker does not answer; try again in a moment.") from error


async def made_us(jetstream: JetStreamContext, bucket: KeyValue) -> int:
    """When a bucket was made, in microseconds since 1970: less than one change comes in a microsecond."""
    info = await jetstream.stream_info(f"KV_{bucket._name}")  # noqa: SLF001 - the bucket has no public name
    return round(info.created.timestamp() * 1e6) if info.created else 0
