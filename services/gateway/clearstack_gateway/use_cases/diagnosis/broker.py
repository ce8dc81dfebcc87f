"""What is said of the broker, from what was found on it."""

from collections.abc import Iterator

from clearstack.v1.admin_service_pb2 import Finding
from clearstack_common.bus.survey import BrokerState
from clearstack_common.permissions import WORK

from clearstack_gateway.use_cases.diagnosis.findings import bad, ok, warn

_OLDEST = (2, 11)


def broker(state: BrokerState) -> Iterator[Finding]:
    """Its version, and what the gateway has made on it."""
    found = f"The broker answers, NATS {state.version}."
    if _version(state.version) < _OLDEST:
        yield bad(
            "broker", found, "Take NATS 2.11 or newer: the training lock needs messages with a time to live."
        )
    else:
        yield ok("broker", found)
    if state.missing:
        yield bad(
            "streams",
            f"Not on the broker: {', '.join(state.missing)}.",
            "Start the gateway again, which makes them. If the broker has lost its data: `clearstack admin rebuild`.",
        )
    else:
        yield ok("streams", "All streams, buckets and consumers are there.")


def workers(state: BrokerState) -> Iterator[Finding]:
    """Whether each kind of worker is there."""
    for service, work in WORK.items():
        queues = [state.queues[verb] for verb in work.verbs if verb in state.queues]
        num_asking = sum(queue.num_asking for queue in queues)
        num_in_work = sum(queue.num_in_work for queue in queues)
        num_waiting = sum(queue.num_waiting for queue in queues)
        found = f"{service}: {num_in_work} jobs in work, {num_waiting} waiting."
        mend = f"Start a {service}, and see in its log that it reaches the broker with keys of its own."
        if num_asking or num_in_work:
            yield ok("workers", found)
        elif num_waiting:
            yield bad("workers", f"{found} Nobody asks for them.", mend)
        else:
            yield warn(
                "workers",
                f"{found} None is there.",
                f"{mend} Where they are started when there is work, all is well.",
            )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
