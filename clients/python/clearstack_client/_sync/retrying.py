# Written by tools/unasync.py from its counterpart in _async: change that one.
"""How long to go on when the connection is lost, and how to say so once."""

import time
from collections.abc import Callable

import grpc

from clearstack_client._sync import io
from clearstack_client.errors import NotReachable, status_code

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 3.0
# CANCELLED and UNKNOWN are what a stream ends with when the server goes away in the middle of it.
_LOST = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN})


class Patience:
    """Counts the time without a connection.

    Args:
        tell: Is given one sentence when the connection is lost, and one when it is back.
        endpoint: For the sentence that gives up.
        give_up_after_s: Without a sign of life for so long.
        clock: Seconds; rises.
        pause: Waits for a number of seconds.
    """

    def __init__(
        self,
        tell: Callable[[str], None],
        endpoint: str,
        give_up_after_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = io.pause,
    ) -> None:
        self._tell = tell
        self._endpoint = endpoint
        self._give_up_after_s = give_up_after_s
        self._clock = clock
        self._pause = pause
        self._lost_at: float | None = None
        self._next_pause_s = _FIRST_PAUSE_S

    def lost(self, error: grpc.RpcError | None) -> None:
        """The connection broke: wait a little, so that the caller can try again.

        Raises:
            grpc.RpcError: The error says something else than that the connection is gone.
            NotReachable: It has been gone for too long.
        """
        if error is not None and status_code(error) not in _LOST:
            raise error
        if self._lost_at is None:
            self._lost_at = self._clock()
            self._tell("Connection lost, trying again …")
        elif self._clock() - self._lost_at > self._give_up_after_s:
            raise NotReachable(
                f"No connection to {self._endpoint} for {self._give_up_after_s:.0f} s: the installation is stopped or "
                "cannot be reached. Nothing is lost there; see `clearstack status` and try again."
            ) from error
        self._pause(self._next_pause_s)
        self._next_pause_s = min(self._next_pause_s * 2, _LONGEST_PAUSE_S)

    def well(self) -> None:
        """Something has been heard."""
        if self._lost_at is not None:
            self._lost_at = None
            self._next_pause_s = _FIRST_PAUSE_S
            self._tell("Connected again.")
