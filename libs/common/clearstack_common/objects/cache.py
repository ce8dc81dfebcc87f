"""Local copies of stored files, by their SHA-256, so that the ranges of one stack fetch it once."""

import asyncio
import contextlib
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from clearstack.v1.model_service_pb2 import StoredFile

from clearstack_common.objects.port import PART_SUFFIX, ObjectStore

# A download writes to its part all the time; one that was not written to for so long was given up.
_GIVEN_UP_AFTER_S = 3600.0


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
        found = list(_files(self._folder))
        total = sum(stat.st_size for _, stat in found)
        for path, stat in sorted(found, key=lambda each: each[1].st_mtime):
            free = shutil.disk_usage(self._folder).free
            if total + size_bytes <= self._max_bytes and size_bytes <= free:
                return
            if _is_under_way(path, stat.st_mtime):
                continue
            total -= stat.st_size
            path.unlink(missing_ok=True)  # whoever reads it now has it open, and keeps it until closed


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a download that has just ended is called otherwise now
            yield path, path.stat()


def _is_under_way(path: Path, written_at: float) -> bool:
    return path.suffix == PART_SUFFIX and time.time() - written_at < _GIVEN_UP_AFTER_S
