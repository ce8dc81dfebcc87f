"""Reading a training's history."""

from collections.abc import Iterable
from dataclasses import dataclass

from clearstack.v1.event_pb2 import Event


@dataclass(frozen=True, slots=True)
class Interval:
    """From the begin of a computation to its end, in nanoseconds since 1970."""

    begin: int
    end: int


def kinds(events: Iterable[Event]) -> list[str]:
    """What happened."""
    return [str(event.WhichOneof("kind")) for event in events]


def states(events: Iterable[Event]) -> list[str]:
    """The states that the training went through."""
    return [event.state_changed.state for event in events if event.HasField("state_changed")]


def epochs(events: Iterable[Event], stage: int = 1, attempt: int = 1) -> list[int]:
    """Numbers of the epochs, in the order in which they were told."""
    return [
        event.epoch_completed.progress.epoch
        for event in events
        if event.HasField("epoch_completed")
        and (event.epoch_completed.stage, event.epoch_completed.attempt) == (stage, attempt)
    ]


def computations(events: Iterable[Event]) -> list[Interval]:
    """When trainers computed, from each `stage_started` to the `stage_trained` that follows."""
    found, begin = [], 0
    for event in events:
        if event.HasField("stage_started"):
            begin = event.time.ToNanoseconds()
        elif event.HasField("stage_trained"):
            found.append(Interval(begin, event.time.ToNanoseconds()))
    return found
