"""Local copies of stored files, by their SHA-256, so that the ranges of one stack fetch it once."""

import asyncio
import os
from collections import defaultdict
from pathlib import Path

from clearstack.v1.model_service_pb2 import StoredFile

from clearstack_common.objects.port import ObjectStore


class FileCache:
    """Files fetched from the store, verified, the longest unused removed first."""

    def __init__(self, store: ObjectStore, folder: Path, max_bytes: int = 20 << 30) -> None:
        self._store = store
        self._folder = folder
        self._max_bytes = max_bytes
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def path(self, file: StoredFile) -> Path:
        """Where the file's bytes are on this machine.

        Raises:
            ClearstackError: CHECKSUM_MISMATCH: the stored bytes are not those that were recorded.
            NotFoundError: It is not in the store.
        """
        suffix = Path(file.file_name).suffix
        path = self._folder / f"{file.sha256}{suffix}"
        async with self._locks[file.sha256]:
            if not path.exists():
                self._make_room(file.size_bytes)
                await self._store.fetch(file, path)
            os.utime(path)
        return path

    def _make_room(self, size_bytes: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        by_age = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
        total = sum(path.stat().st_size for path in by_age)
        for path in by_age:
            if total + size_bytes <= self._max_bytes:
                return
            total -= path.stat().st_size
            path.unlink()  # whoever reads it now has it open, and keeps it until closed
