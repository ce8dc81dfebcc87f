"""The object store in memory."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clearstack.v1 import error_reason_pb2
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack_common.errors import BackendUnavailableError, ClearstackError, NotFoundError
from clearstack_common.objects import StoredObject

from fakes.links import LinkServer

_SMALLEST_PART_BYTES = 5 << 20


class FakeStore:
    """The ObjectStore in memory.

    Attributes:
        objects: Bytes by key; a test may look inside, or damage them.
        written: When an object was written, where it was not just now.
        is_away: While True every call fails as it does during an outage.
        num_fetches: How often an object was fetched whole.
        bucket: What this bucket is called.
        buckets: All of the store's, by name.
    """

    def __init__(self, bucket: str = "clearstack", buckets: "dict[str, FakeStore] | None" = None) -> None:
        self.bucket = bucket
        self.buckets = {} if buckets is None else buckets
        self.buckets[bucket] = self
        self.objects: dict[str, bytes] = {}
        self.written: dict[str, datetime] = {}
        self.is_away = False
        self.num_fetches = 0
        self._links: LinkServer | None = None

    async def put_file(self, key: str, path: Path) -> StoredFile:
        """Stores a file."""
        return await self.put_bytes(key, path.read_bytes())

    async def put_bytes(self, key: str, data: bytes) -> StoredFile:
        """Stores some bytes."""
        self._reach()
        self.objects[key] = data
        return _stored(key, data)

    async def fetch(self, file: StoredFile, path: Path) -> Path:
        """Fetches a file and checks it against its recorded size and SHA-256."""
        found = await self.fetch_unverified(file.object_key, path)
        if (found.size_bytes, found.sha256) != (file.size_bytes, file.sha256):
            path.unlink()
            raise ClearstackError(
                "It is not what was recorded.", reason=error_reason_pb2.ERROR_REASON_CHECKSUM_MISMATCH
            )
        return path

    async def fetch_unverified(self, key: str, path: Path) -> StoredFile:
        """Fetches an object of which nothing is known yet."""
        data = await self.get_bytes(key)
        self.num_fetches += 1
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return _stored(key, data)

    async def get_bytes(self, key: str) -> bytes:
        """A small object whole."""
        self._reach()
        if key not in self.objects:
            raise NotFoundError(f"The object {key} is not in the store.")
        return self.objects[key]

    async def read_range(self, key: str, offset: int, length: int) -> bytes:
        """Some bytes of an object."""
        return (await self.get_bytes(key))[offset : offset + length]

    async def stream(self, key: str, offset: int = 0, chunk_bytes: int = 1 << 20) -> AsyncIterator[bytes]:
        """An object's bytes from an offset, in chunks."""
        data = await self.get_bytes(key)
        for start in range(offset, len(data), chunk_bytes):
            self._reach()
            yield data[start : start + chunk_bytes]

    async def list(self, prefix: str) -> Sequence[StoredObject]:
        """Objects below a prefix, by key."""
        self._reach()
        return [
            StoredObject(
                key=key,
                size_bytes=len(data),
                written_at=self.written.get(key, datetime.now(UTC)),
                etag=hashlib.md5(data, usedforsecurity=False).hexdigest(),
            )
            for key, data in sorted(self.objects.items())
            if key.startswith(prefix)
        ]

    async def page(self, prefix: str, after: str, most: int) -> Sequence[StoredObject]:
        """At most so many objects below a prefix, by key, from behind a key."""
        return [each for each in await self.list(prefix) if each.key > after][:most]

    async def stat(self, key: str) -> StoredObject:
        """An object as a listing shows it."""
        found = [each for each in await self.list(key) if each.key == key]
        if not found:
            raise NotFoundError(f"The object {key} is not in the store.")
        return found[0]

    def in_bucket(self, bucket: str) -> "FakeStore":
        """Another bucket of the same store; empty = this one."""
        name = bucket or self.bucket
        return self.buckets[name] if name in self.buckets else FakeStore(name, self.buckets)

    async def copy_in(self, key: str, bucket: str, source: StoredObject) -> None:
        """Copies an object of some bucket to here."""
        origin = self.in_bucket(bucket)
        if source.etag and (await origin.stat(source.key)).etag != source.etag:
            raise NotFoundError(f"The object {source.key} was replaced by another.")
        await self.put_bytes(key, await origin.get_bytes(source.key))

    async def concatenate(self, key: str, sources: Sequence[StoredObject]) -> None:
        """Makes one object of several; as on S3, all but the last need 5 MiB."""
        parts = [await self.get_bytes(source.key) for source in sources]
        if any(len(part) < _SMALLEST_PART_BYTES for part in parts[:-1]):
            raise ValueError("all parts but the last need 5 MiB")
        self.objects[key] = b"".join(parts)

    async def delete(self, keys: Iterable[str]) -> None:
        """Removes objects; those that are not there do not matter."""
        self._reach()
        for key in keys:
            self.objects.pop(key, None)

    async def abort_uploads(self, older_than: timedelta) -> int:
        """There are none in memory."""
        self._reach()
        return 0

    async def upload_url(self, key: str, expires_s: int) -> str:
        """A link to which one object can be put."""
        return self._link_server().link("PUT", key)

    async def download_url(self, key: str, expires_s: int) -> str:
        """A link from which one object can be fetched."""
        return self._link_server().link("GET", key)

    async def is_available(self) -> bool:
        """Whether the store answers now."""
        return not self.is_away

    def close(self) -> None:
        """Ends the server of the links, if there is one."""
        if self._links is not None:
            self._links.close()

    def _link_server(self) -> LinkServer:
        if self._links is None:
            self._links = LinkServer(self.objects)
        return self._links

    def _reach(self) -> None:
        if self.is_away:
            raise BackendUnavailableError("The object store does not answer; try again in a moment.")


def _stored(key: str, data: bytes) -> StoredFile:
    return StoredFile(
        file_name=key.rpartition("/")[2],
        object_key=key,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
