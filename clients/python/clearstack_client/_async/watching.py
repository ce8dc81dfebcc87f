"""Streams of events that survive a lost connection: nothing is missed, nothing comes twice."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc

from clearstack_client._async.retrying import Patience

ResponseT = TypeVar("ResponseT")


async def resilient(
    open_after: Callable[[int], Any],
    is_over: Callable[[], Awaitable[bool]],
    patience: Patience,
    after_sequence: int = 0,
) -> AsyncIterator[Any]:
    """Everything that streams opened one after another say, up to the run's end.

    Args:
        open_after: Opens a stream that leaves out events up to a sequence number.
        is_over: Whether the run has ended; asked when a stream does.
        patience: Decides how long to try.
        after_sequence: Leave out events up to this one.

    Raises:
        grpc.RpcError: The watch was refused.
        NotReachable: The connection does not come back.
    """
    seen = after_sequence
    while True:
        try:
            stream = open_after(seen)
            try:
                async for response in stream:
                    patience.well()
                    if response.sequence and response.sequence <= seen:
                        continue
                    seen = max(seen, response.sequence)
                    yield response
            finally:
                stream.cancel()
            if await is_over():
                return
        except grpc.RpcError as error:
            await patience.lost(error)
        else:
            # A gateway that stops ends its streams politely.
            await patience.lost(None)
