"""What each service may do at the broker and in the store: the table from which both are configured.

Whoever takes over one service can read what that one reads and forge what that one says, and nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from clearstack_common import subjects
from clearstack_common.subjects import EVENTS_STREAM, JOBS_STREAM

GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What one service may do; whatever is not named is refused.

    Attributes:
        publish: Subjects (with NATS wildcards) that it may publish to.
        subscribe: Subjects that it may listen to.
        read: Prefixes of the keys of objects that it may read.
        list: Prefixes of object keys that it may list.
        write: Prefixes under which it may store and delete objects; `*` in the middle stands for anything.
    """

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    read: tuple[str, ...]
    list: tuple[str, ...]
    write: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker service is there for.

    Attributes:
        verbs: Jobs that it takes.
        kinds: Events that it publishes, beside `job_failed`.
        tables: Buckets of the records that tell it whether a job is still wanted.
        list: See `Permissions`.
        write: See `Permissions`.
        locks: Whether it takes the training lock.
    """

    verbs: tuple[str, ...]
    kinds: tuple[str, ...]
    tables: tuple[str, ...]
    write: tuple[str, ...]
    list: tuple[str, ...] = ()
    locks: bool = False


WORK = {
    "trainer": Work(
        verbs=("train",),
        kinds=("stage_started", "epoch_advanced", "epoch_completed", "stage_trained"),
        tables=(subjects.TRAININGS_BUCKET,),
        list=("models/",),
        write=("models/",),
        locks=True,
    ),
    "mask-extractor": Work(
        verbs=("extract", "inspect", "report"),
        kinds=("mask_extracted", "stack_inspected", "report_made"),
        tables=(subjects.TRAININGS_BUCKET, subjects.DENOISINGS_BUCKET, subjects.STACKS_BUCKET),
        write=("models/", "results/", "stacks/*/inspection-"),
    ),
    "inference": Work(
        verbs=("denoise", "assemble", "import_model", "export_model"),
        kinds=("slices_denoised", "range_denoised", "result_assembled", "model_imported", "model_exported"),
        tables=(subjects.DENOISINGS_BUCKET, subjects.MODELS_BUCKET),
        list=("results/",),
        write=("models/", "results/"),
    ),
}
SERVICES = (GATEWAY, *WORK)
# What workers work on; beside it are the copies of the records, which are the gateway's.
_FILES = ("stacks/", "models/", "results/")


def inbox(service: str) -> str:
    """The prefix of the subjects at which a service, and it alone, gets its answers."""
    return f"_INBOX.{service}"


def permissions(service: str) -> Permissions:
    """What a service may do."""
    return _gateway() if service == GATEWAY else _worker(service, WORK[service])


def _worker(service: str, work: Work) -> Permissions:
    return Permissions(
        publish=tuple(_worker_publishes(work)),
        subscribe=(f"{inbox(service)}.>", subjects.cancel_subject("*")),
        read=_FILES,
        list=work.list,
        write=work.write,
    )


def _worker_publishes(work: Work) -> Iterator[str]:
    yield from (subjects.events_of_kind(kind) for kind in (*work.kinds, "job_failed"))
    for verb in work.verbs:
        consumer = f"{JOBS_STREAM}.{subjects.consumer_of(verb)}"
        yield f"$JS.API.CONSUMER.INFO.{consumer}"
        yield f"$JS.API.CONSUMER.MSG.NEXT.{consumer}"
        yield f"$JS.ACK.{consumer}.>"
    written = (subjects.DEAD_LETTERS_BUCKET, *((subjects.LOCKS_BUCKET,) if work.locks else ()))
    yield from (f"$KV.{bucket}.>" for bucket in written)
    for stream in map(subjects.stream_of, (*work.tables, *written)):
        yield from (f"$JS.API.STREAM.{verb}.{stream}" for verb in ("INFO", "MSG.GET"))


def _gateway() -> Permissions:
    return Permissions(
        publish=tuple(_gateway_publishes()),
        subscribe=(f"{inbox(GATEWAY)}.>", subjects.EVENTS, subjects.S3_NOTIFICATIONS),
        read=("",),
        list=("",),
        write=("",),
    )


def _gateway_publishes() -> Iterator[str]:
    """It makes the streams, their consumers and the buckets, and writes every record, but takes no job.

    It may publish any event, because it publishes dead letters again.
    """
    yield from (subjects.JOBS, subjects.EVENTS, subjects.cancel_subject("*"))
    yield from (f"$KV.{bucket}.>" for bucket in (*subjects.RECORD_BUCKETS, subjects.DEAD_LETTERS_BUCKET))
    buckets = [subjects.stream_of(bucket) for bucket in subjects.BUCKETS]
    for stream in (JOBS_STREAM, EVENTS_STREAM, *buckets):
        yield from (f"$JS.API.STREAM.{verb}.{stream}" for verb in ("CREATE", "INFO", "MSG.GET"))
        yield from (f"$JS.API.CONSUMER.{verb}.{stream}.>" for verb in ("DURABLE.CREATE", "INFO"))
    yield f"$JS.API.STREAM.PURGE.{EVENTS_STREAM}"
    yield f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS_STREAM}.>"
    yield f"$JS.ACK.{EVENTS_STREAM}.>"
    for stream in buckets:  # the watcher that lists a bucket's records is a consumer for a moment
        yield f"$JS.API.CONSUMER.CREATE.{stream}"
        yield from (f"$JS.API.CONSUMER.{verb}.{stream}.>" for verb in ("CREATE", "DELETE"))
        yield f"$JS.FC.{stream}.>"
