from collections.abc import Iterator

import grpc
import pytest
from clearstack.v1.event_pb2 import Event
from clearstack.v1.training_service_pb2 import WatchTrainingResponse
from clearstack_client import NotReachable
from clearstack_client._sync.retrying import Patience
from clearstack_client._sync.watching import resilient

_GIVE_UP_AFTER_S = 300.0


class Clock:
    """Time passes only while somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def read(self) -> float:
        """Seconds."""
        return self.now_s

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        self.now_s += seconds


class Stream:
    """A stream that remembers whether it was given up."""

    def __init__(self, *sequences: int) -> None:
        self.is_cancelled = False
        self._items = iter(
            [WatchTrainingResponse(event=Event(id=str(each)), sequence=each) for each in sequences]
        )

    def __iter__(self) -> Iterator[WatchTrainingResponse]:
        return self._items

    def cancel(self) -> None:
        """As gRPC's."""
        self.is_cancelled = True


def _patience(clock: Clock, told: list[str]) -> Patience:
    return Patience(told.append, "lab:7433", _GIVE_UP_AFTER_S, clock=clock.read, pause=clock.wait)


def test_patience_ends_and_speaks_once() -> None:
    """A dead installation is given up after the time that was given; the user has been told once in between."""
    clock, told = Clock(), list[str]()
    patience = _patience(clock, told)

    def lose_it_for_good() -> None:
        while True:
            patience.lost(None)

    with pytest.raises(NotReachable, match="lab:7433"):
        lose_it_for_good()
    assert _GIVE_UP_AFTER_S < clock.now_s < _GIVE_UP_AFTER_S + 5
    assert told == ["Connection lost, trying again …"]


def test_another_error_is_not_waited_out() -> None:
    """Only what a lost connection looks like is tried again."""
    with pytest.raises(grpc.RpcError):
        _patience(Clock(), []).lost(grpc.RpcError())


def test_a_stream_that_repeats_itself_is_read_once() -> None:
    """Even if a server sends old events again, each comes once and in order."""
    streams = iter([Stream(1, 2), Stream(2, 3), Stream(3)])
    asked: list[int] = []

    def open_after(sequence: int) -> Stream:
        asked.append(sequence)
        return next(streams)

    over = iter([False, False, True])
    patience = _patience(Clock(), [])
    seen = [each.sequence for each in resilient(open_after, lambda: next(over), patience)]
    assert seen == [1, 2, 3]
    assert asked == [0, 2, 3]


def test_who_stops_watching_ends_the_stream() -> None:
    """Nothing goes on at the gateway for somebody who has left; a place in the history is begun from."""
    stream, asked = Stream(8, 9), list[int]()

    def open_after(sequence: int) -> Stream:
        asked.append(sequence)
        return stream

    watch = resilient(open_after, lambda: True, _patience(Clock(), []), 7)
    assert next(watch).sequence == 8
    watch.close()  # type: ignore[attr-defined]
    assert stream.is_cancelled
    assert asked == [7]
