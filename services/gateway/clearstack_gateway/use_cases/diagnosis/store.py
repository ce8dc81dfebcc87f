"""The object store, tried with a small object: may the gateway write, read, list and delete, and is its clock right?"""

import time
from uuid import uuid4

from clearstack.v1.admin_service_pb2 import Finding
from clearstack_common.errors import ClearstackError
from clearstack_common.objects import ObjectStore

from clearstack_gateway.use_cases.diagnosis.findings import bad, ok, warn

_PREFIX = "diagnosis/"
# S3 refuses what is signed 15 minutes off; a clock that is half as wrong is on its way there.
_SKEW_S = 120.0


async def store(objects: ObjectStore) -> list[Finding]:
    """Stores an object, reads it back, lists and removes it.

    Raises:
        ClearstackError: One of these was refused.
    """
    key, data = f"{_PREFIX}{uuid4().hex}", b"clearstack doctor"
    began_s = time.time()
    await objects.put_bytes(key, data)
    try:
        if await objects.get_bytes(key) != data:
            raise ClearstackError("An object came back otherwise than it was stored.")
        [stored] = [each for each in await objects.list(key) if each.key == key]
    finally:
        await objects.delete([key])
    took_s = time.time() - began_s
    found = ok("store", f"The object store keeps, gives back, lists and deletes, in {took_s * 1e3:.0f} ms.")
    return [found, _clock(stored.written_at.timestamp() - began_s if stored.written_at else 0.0)]


def refused(reason: str) -> Finding:
    """The store, when it did not do what it was asked."""
    return bad(
        "store",
        f"The object store could not be used: {reason}",
        "See that it runs and has room, and that CLEARSTACK_S3_ENDPOINT, _BUCKET and the gateway's keys are right.",
    )


def _clock(skew_s: float) -> Finding:
    found = f"The object store's clock is {abs(skew_s):.0f} s off the gateway's."
    if abs(skew_s) < _SKEW_S:
        return ok("clock", found)
    return warn("clock", found, "Set both by NTP: beyond 15 minutes the store refuses what is signed.")
