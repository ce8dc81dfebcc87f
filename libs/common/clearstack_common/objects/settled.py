"""Uploads that are over when they are given up."""

import asyncio
from pathlib import Path

from clearstack.v1.model_service_pb2 import StoredFile

from clearstack_common.objects.port import ObjectStore

_PATIENCE_S = 5.0


async def put_file_settled(store: ObjectStore, key: str, path: Path) -> StoredFile:
    """Stores a file; cancelled meanwhile, it waits a while for what is under way.

    An upload goes on in its thread, and an object that appears later would be found by nobody who tidies up.
    """
    upload = asyncio.ensure_future(store.put_file(key, path))
    try:
        return await asyncio.shield(upload)
    except asyncio.CancelledError:
        await asyncio.wait({upload}, timeout=_PATIENCE_S)
        raise
    finally:
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)
