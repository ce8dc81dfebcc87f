"""What there is on the broker: made by the gateway, found there by everybody else."""

from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, KeyValueConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.kv import KeyValue

from clearstack_common import subjects

DEDUPLICATION_WINDOW_S = 3600.0


async def set_up(jetstream: JetStreamContext, ack_wait_s: float) -> None:
    """Makes the streams, the buckets and the consumers of all jobs, where they are missing."""
    await jetstream.add_stream(
        StreamConfig(
            name=subjects.JOBS_STREAM,
            subjects=[subjects.JOBS],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            duplicate_window=DEDUPLICATION_WINDOW_S,
        )
    )
    await jetstream.add_stream(
        StreamConfig(
            name=subjects.EVENTS_STREAM,
            subjects=[subjects.EVENTS],
            storage=StorageType.FILE,
            duplicate_window=DEDUPLICATION_WINDOW_S,
        )
    )
    for name in subjects.BUCKETS:
        # No limit_marker_ttl: with it a lock that expires is taken over late.
        await jetstream.create_key_value(KeyValueConfig(bucket=name, history=1, storage=StorageType.FILE))
    for verb in subjects.verbs():
        await jetstream.add_consumer(subjects.JOBS_STREAM, _workers(verb, ack_wait_s))


def _workers(verb: str, ack_wait_s: float) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=subjects.consumer_of(verb),
        filter_subject=subjects.jobs_with(verb),
        ack_wait=ack_wait_s,
        max_deliver=-1,
    )


def bucket(jetstream: JetStreamContext, name: str) -> KeyValue:
    """A bucket, without asking whether it is there: a worker may not look at how it is made."""
    return KeyValue(
        name=name, stream=subjects.stream_of(name), pre=f"$KV.{name}.", js=jetstream, direct=False
    )
