"""What the services and the gateway need of an object store. Keys are immutable: nothing is written twice."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from clearstack.v1.model_service_pb2 import StoredFile

# A file on its way from the store is called so until it is whole.
PART_SUFFIX = ".part"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object in a listing, which also says when it was written."""

    key: str
    size_bytes: int
    written_at: datetime | None = None
    etag: str = ""


class ObjectStore(Protocol):
    """Bytes by key.

    Every method raises `BackendUnavailableError` when the store stays away, and `NotFoundError` for a key that is
    not there.
    """

    async def put_file(self, key: str, path: Path) -> StoredFile:
        """Stores a file; returns its key, size and SHA-256."""
        ...

    async def put_bytes(self, key: str, data: bytes) -> StoredFile:
        """Stores some bytes; returns their key, size and SHA-256."""
        ...

    async def fetch(self, file: StoredFile, path: Path) -> Path:
        """Fetches a file and checks it against its recorded size and SHA-256.

        Raises:
            ClearstackError: CHECKSUM_MISMATCH: these are not the bytes that were recorded.
        """
        ...

    async def fetch_unverified(self, key: str, path: Path) -> StoredFile:
        """Fetches an object of which nothing is known yet; returns its size and SHA-256."""
        ...

    async def get_bytes(self, key: str) -> bytes:
        """A small object whole."""
        ...

    async def read_range(self, key: str, offset: int, length: int) -> bytes:
        """Some bytes of an object; fewer where it ends."""
        ...

    def stream(self, key: str, offset: int = 0, chunk_bytes: int = 1 << 20) -> AsyncIterator[bytes]:
        """An object's bytes from an offset, in chunks."""
        ...

    async def list(self, prefix: str) -> Sequence[StoredObject]:
        """Objects below a prefix, by key."""
        ...

    async def page(self, prefix: str, after: str, most: int) -> Sequence[StoredObject]:
        """At most so many objects below a prefix, by key, from behind the key `after`; none = there are no more."""
        ...

    async def stat(self, key: str) -> StoredObject:
        """An object as a listing shows it."""
        ...

    @property
    def bucket(self) -> str:
        """What this bucket is called."""
        ...

    def in_bucket(self, bucket: str) -> "ObjectStore":
        """Another bucket of the same store; empty = this one."""
        ...

    async def copy_in(self, key: str, bucket: str, source: StoredObject) -> None:
        """Copies an object of some bucket to here, without moving its bytes through this process.

        Raises:
            NotFoundError: It is not there any more as it was, if `source` has an etag.
        """
        ...

    async def concatenate(self, key: str, sources: Sequence[StoredObject]) -> None:
        """Makes one object of several, without moving the bytes through this process."""
        ...

    async def delete(self, keys: Iterable[str]) -> None:
        """Removes objects; those that are not there do not matter."""
        ...

    async def abort_uploads(self, older_than: timedelta) -> int:
        """Gives up uploads in several parts that were begun that long ago and never completed; returns how many."""
        ...

    async def upload_url(self, key: str, expires_s: int) -> str:
        """A link to which one object can be put."""
        ...

    async def download_url(self, key: str, expires_s: int) -> str:
        """A link from which one object can be fetched."""
        ...

    async def is_available(self) -> bool:
        """Whether the store answers now."""
        ...
