"""A client that asks for trainings, and for pages, until it is ended: `python asker.py ADDRESS NUM_TRAININGS`.

A process of its own, so that what it measures is not its neighbours' work. It writes a line for each answer: `get` or
`page`, and the seconds that it took.
"""

import itertools
import sys
import time
from collections.abc import Callable

import grpc
from clearstack.v1.training_service_pb2 import GetTrainingRequest, ListTrainingsRequest
from clearstack.v1.training_service_pb2_grpc import TrainingServiceStub

_PAUSE_S = 0.01
_PAGE_EVERY = 20


def ask(address: str, num_trainings: int) -> None:
    """Asks for ever, for queued ones among them."""
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        stub = TrainingServiceStub(channel)
        for number in itertools.count():
            request = GetTrainingRequest(name=f"trainings/t{number * 7919 % num_trainings:05d}")
            _tell("get", lambda request=request: stub.GetTraining(request))  # type: ignore[misc]
            if number % _PAGE_EVERY == 0:
                _tell("page", lambda: stub.ListTrainings(ListTrainingsRequest(page_size=50)))
            time.sleep(_PAUSE_S)


def _tell(kind: str, call: Callable[[], object]) -> None:
    began = time.perf_counter()
    call()
    sys.stdout.write(f"{kind} {time.perf_counter() - began}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    ask(sys.argv[1], int(sys.argv[2]))
