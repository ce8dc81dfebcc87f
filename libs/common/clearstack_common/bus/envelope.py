"""CloudEvents 1.0 headers (binary mode) of jobs and events."""

from clearstack.v1.event_pb2 import Event
from clearstack.v1.job_pb2 import Job

TRACE_PARENT = "ce-traceparent"


def job_headers(job: Job, trace_parent: str) -> dict[str, str]:
    """Headers of a job; its id also keeps JetStream from queueing it twice."""
    return _headers(job.id, f"clearstack.v1.job.{job.WhichOneof('verb')}", job.run, trace_parent)


def event_headers(event: Event, trace_parent: str) -> dict[str, str]:
    """Headers of an event; its id also keeps JetStream from storing it twice."""
    headers = _headers(event.id, f"clearstack.v1.event.{event.WhichOneof('kind')}", event.run, trace_parent)
    return headers | {"ce-time": event.time.ToJsonString()}


def _headers(message_id: str, message_type: str, run: str, trace_parent: str) -> dict[str, str]:
    traced = {TRACE_PARENT: trace_parent} if trace_parent else {}
    return traced | {
        "Nats-Msg-Id": message_id,
        "ce-specversion": "1.0",
        "ce-id": message_id,
        "ce-source": "/clearstack",
        "ce-type": message_type,
        "ce-subject": run,
        "content-type": "application/json",
    }
