"""The broker as the services see it: jobs, events, records, the training lock."""

from clearstack_common.bus.nats_bus import NatsBus
from clearstack_common.bus.nats_lock import LockLostError
from clearstack_common.bus.port import (
    Bus,
    Delivery,
    Hints,
    LockHolder,
    RecordExistsError,
    RecordTable,
    StoredRecord,
    TrainingLock,
)

__all__ = [
    "Bus",
    "Delivery",
    "Hints",
    "LockHolder",
    "LockLostError",
    "NatsBus",
    "RecordExistsError",
    "RecordTable",
    "StoredRecord",
    "TrainingLock",
]
