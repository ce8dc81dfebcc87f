from collections.abc import Iterator

import grpc
import pytest
from clearstack.v1.event_pb2 import Event
from clearstack.v1.training_service_pb2 import WatchTrainingResponse
from clearstack_cli.errors import CliError
from clearstack_cli.retrying import GIVE_UP_AFTER_S, Patience
from clearstack_cli.watching import resilient


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


def _event(sequence: int) -> WatchTrainingResponse:
    return WatchTrainingResponse(event=Event(id=str(sequence)), sequence=sequence)


def test_patience_ends_after_a_minute_and_speaks_once() -> None:
    """A dead installation is given up; the user has been told once in between."""
    clock, told = Clock(), list[str]()
    patience = Patience(told.append, clock=clock.read, pause=clock.wait)

    def lose_it_for_good() -> None:
        while True:
            patience.lost(None, "lab:7433")

    with pytest.raises(CliError, match="lab:7433"):
        lose_it_for_good()
    assert GIVE_UP_AFTER_S < clock.now_s < GIVE_UP_AFTER_S + 5
    assert told == ["Connection lost, trying again …"]


def test_another_error_is_not_waited_out() -> None:
    """Only what a lost connection looks like is tried again."""
    with pytest.raises(grpc.RpcError):
        Patience(lambda _text: None).lost(grpc.RpcError(), "lab:7433")


def test_a_stream_that_repeats_itself_is_read_once() -> None:
    """Even if a server sends old events again, each comes once and in order."""
    streams = iter([[_event(1), _event(2)], [_event(2), _event(3)], [_event(3)]])
    asked: list[int] = []

    def open_after(sequence: int) -> Iterator[WatchTrainingResponse]:
        asked.append(sequence)
        return iter(next(streams))

    over = iter([False, False, True])
    clock = Clock()
    patience = Patience(lambda _text: None, clock=clock.read, pause=clock.wait)
    seen = [each.sequence for each in resilient(open_after, lambda: next(over), patience, "")]
    assert seen == [1, 2, 3]
    assert asked == [0, 2, 3]
