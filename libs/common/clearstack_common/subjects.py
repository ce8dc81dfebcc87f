"""Names on the broker: streams, subjects, consumers, buckets. `docs/events.md` is their table."""

from clearstack.v1.event_pb2 import Event
from clearstack.v1.job_pb2 import Job

JOBS_STREAM = "CLEARSTACK_JOBS"
EVENTS_STREAM = "CLEARSTACK_EVENTS"

JOBS = "clearstack.cmd.>"
EVENTS = "clearstack.evt.>"
# What an object store says of new objects, if it can; only hints.
S3_NOTIFICATIONS = "clearstack.s3.>"

STACKS_BUCKET = "clearstack_stacks"
TRAININGS_BUCKET = "clearstack_trainings"
MODELS_BUCKET = "clearstack_models"
DENOISINGS_BUCKET = "clearstack_denoisings"
RULES_BUCKET = "clearstack_rules"
# The ledger: what was met under the prefix of a rule, and what became of it.
ACQUISITIONS_BUCKET = "clearstack_acquisitions"
LOCKS_BUCKET = "clearstack_locks"
# Every service adds to it; the gateway alone lists and removes.
DEAD_LETTERS_BUCKET = "clearstack_dead_letters"
# Written by the gateway alone.
RECORD_BUCKETS = (
    STACKS_BUCKET,
    TRAININGS_BUCKET,
    MODELS_BUCKET,
    DENOISINGS_BUCKET,
    ACQUISITIONS_BUCKET,
    RULES_BUCKET,
)
BUCKETS = (*RECORD_BUCKETS, LOCKS_BUCKET, DEAD_LETTERS_BUCKET)


def run_id(resource_name: str) -> str:
    """The id in a resource name: `trainings/abc` → `abc`."""
    return resource_name.rpartition("/")[2]


def job_subject(job: Job) -> str:
    """Where a job is queued."""
    return f"clearstack.cmd.{job.WhichOneof('verb')}.{run_id(job.run)}"


def verb_of(subject: str) -> str:
    """The verb in a job's subject."""
    return subject.split(".")[2]


def verbs() -> list[str]:
    """Every kind of work that there is."""
    return [field.name for field in Job.DESCRIPTOR.oneofs_by_name["verb"].fields]


def jobs_with(verb: str) -> str:
    """All jobs with a verb."""
    return f"clearstack.cmd.{verb}.*"


def consumer_of(verb: str) -> str:
    """The consumer that hands out the jobs with a verb."""
    return f"{verb}-workers"


def stream_of(bucket: str) -> str:
    """The stream in which JetStream keeps a key-value bucket."""
    return f"KV_{bucket}"


def event_subject(event: Event) -> str:
    """Where an event is published."""
    return f"clearstack.evt.{event.WhichOneof('kind')}.{run_id(event.run)}"


def events_of(resource_name: str) -> str:
    """All events of a run."""
    return f"clearstack.evt.*.{run_id(resource_name)}"


def events_of_kind(kind: str) -> str:
    """All events of a kind."""
    return f"clearstack.evt.{kind}.*"


def cancel_subject(resource_name: str) -> str:
    """A hint that a run's jobs are not wanted any more; the stored record is the truth."""
    return f"clearstack.hint.cancel.{run_id(resource_name)}"
