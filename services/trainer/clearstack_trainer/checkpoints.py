"""A stage's checkpoints in the object store: one for each epoch, named by fencing token and epoch."""

from pathlib import Path

import structlog
from clearstack_common.objects import ObjectStore
from clearstack_common.objects.settled import put_file_settled

log = structlog.get_logger()


class Checkpoints:
    """The checkpoints of one attempt at a stage."""

    def __init__(self, store: ObjectStore, object_prefix: str, token: int) -> None:
        self._store = store
        self._prefix = f"{object_prefix}/checkpoints/"
        self._token = token

    async def newest(self, path: Path) -> Path | None:
        """Fetches the newest checkpoint of the newest holder; None if there is none yet."""
        stored = await self._store.list(self._prefix)
        if not stored:
            return None
        newest = max(stored, key=lambda item: item.key)
        log.info("resuming from a checkpoint", checkpoint=newest.key)
        await self._store.fetch_unverified(newest.key, path)
        return path

    async def store(self, path: Path, epoch: int) -> None:
        """Stores a checkpoint, then forgets the older ones; removes the local file."""
        key = f"{self._prefix}token{self._token:012d}-epoch{epoch:06d}.pt"
        await put_file_settled(self._store, key, path)
        path.unlink()
        await self._store.delete(
            [item.key for item in await self._store.list(self._prefix) if item.key < key]
        )
