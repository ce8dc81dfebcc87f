"""S3 notifications, as servers of the MinIO family and Ceph publish them: JSON, from which only bucket and key are taken.

Whatever else they say is looked up in the store: a message may be late, twice, or somebody's invention.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

# MinIO writes `s3:ObjectCreated:Put`, AWS and Ceph `ObjectCreated:Put`.
_CREATED = "ObjectCreated:"


def created(message: bytes) -> list[tuple[str, str]]:
    """Bucket and key of each object that a message says was created; none if it makes no sense or says something else."""
    try:
        document = json.loads(message)
    except ValueError:  # also bytes that are no text
        return []
    records = document.get("Records") if isinstance(document, dict) else None
    return list(_found(records)) if isinstance(records, list) else []


def _found(records: list[Any]) -> Iterator[tuple[str, str]]:
    for record in records:
        try:
            event, s3 = record["eventName"], record["s3"]
            bucket, key = s3["bucket"]["name"], s3["object"]["key"]
        except (KeyError, TypeError):
            continue
        if isinstance(event, str) and event.removeprefix("s3:").startswith(_CREATED):
            yield str(bucket), unquote_plus(str(key))
