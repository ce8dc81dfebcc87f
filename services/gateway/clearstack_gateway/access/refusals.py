"""The refusals of access control."""

import math

from clearstack.v1 import error_reason_pb2
from clearstack_common.errors import ClearstackError


def not_signed_in(why: str) -> ClearstackError:
    """Nobody knows who calls. The text names no token and no key."""
    return ClearstackError(
        f"{why}. Clients send it as `authorization: Bearer TOKEN`; the command line takes it from CLEARSTACK_TOKEN.",
        reason=error_reason_pb2.ERROR_REASON_NOT_SIGNED_IN,
    )


def too_many_calls(retry_after_s: float) -> ClearstackError:
    """A caller is too fast."""
    wait_s = max(math.ceil(retry_after_s), 1)
    return ClearstackError(
        f"Too many calls in a short time; try again in {wait_s} s, and ask less often: `watch` tells of changes by itself.",
        reason=error_reason_pb2.ERROR_REASON_TOO_MANY_CALLS,
        metadata={"retry_after_s": str(wait_s)},
    )


def limit_reached(text: str) -> ClearstackError:
    """There is as much of something as this installation allows; the text says what to do."""
    return ClearstackError(text, reason=error_reason_pb2.ERROR_REASON_LIMIT_REACHED)
