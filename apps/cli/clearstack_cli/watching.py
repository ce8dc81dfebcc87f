"""Streams of events that survive a lost connection: nothing is missed, nothing comes twice."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import grpc
from clearstack.v1.denoising_service_pb2 import (
    GetDenoisingRequest,
    WatchDenoisingRequest,
    WatchDenoisingResponse,
)
from clearstack.v1.training_service_pb2 import GetTrainingRequest, WatchTrainingRequest, WatchTrainingResponse

from clearstack_cli import states
from clearstack_cli.connection import Client
from clearstack_cli.retrying import Patience


class _Response(Protocol):
    @property
    def sequence(self) -> int: ...


ResponseT = TypeVar("ResponseT", bound=_Response)
Tell = Callable[[str], None]


def watch_training(client: Client, name: str, tell: Tell) -> Iterator[WatchTrainingResponse]:
    """Snapshot, history and news of a training until it ends."""
    return resilient(
        lambda after: client.trainings.WatchTraining(WatchTrainingRequest(name=name, after_sequence=after)),
        lambda: states.is_over(client.trainings.GetTraining(GetTrainingRequest(name=name)).training.state),
        Patience(tell),
        client.endpoint,
    )


def watch_denoising(client: Client, name: str, tell: Tell) -> Iterator[WatchDenoisingResponse]:
    """Snapshot, history and news of a denoising until it ends."""
    return resilient(
        lambda after: client.denoisings.WatchDenoising(
            WatchDenoisingRequest(name=name, after_sequence=after)
        ),
        lambda: states.is_denoised(
            client.denoisings.GetDenoising(GetDenoisingRequest(name=name)).denoising.state
        ),
        Patience(tell),
        client.endpoint,
    )


def resilient(
    open_after: Callable[[int], Iterator[ResponseT]],
    is_over: Callable[[], bool],
    patience: Patience,
    endpoint: str,
) -> Iterator[ResponseT]:
    """Everything that streams opened one after another say, up to the run's end.

    Args:
        open_after: Opens a stream that leaves out events up to a sequence number.
        is_over: Whether the run has ended; asked when a stream does.
        patience: Decides how long to try.
        endpoint: For the sentence that gives up.
    """
    seen = 0
    while True:
        try:
            for response in open_after(seen):
                patience.well()
                if response.sequence and response.sequence <= seen:
                    continue
                seen = max(seen, response.sequence)
                yield response
            if is_over():
                return
        except grpc.RpcError as error:
            patience.lost(error, endpoint)
        else:
            # A gateway that stops ends its streams politely.
            patience.lost(None, endpoint)
