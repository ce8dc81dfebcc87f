"""The ObjectStore on any S3, by minio-py."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

import stamina
import urllib3
from clearstack.v1 import error_reason_pb2
from clearstack.v1.model_service_pb2 import StoredFile
from minio import Minio
from minio.commonconfig import ComposeSource
from minio.datatypes import Object
from minio.deleteobjects import DeleteObject
from minio.error import InvalidResponseError, S3Error, ServerError

from clearstack_common.errors import BackendUnavailableError, ClearstackError, NotFoundError
from clearstack_common.objects.port import PART_SUFFIX, StoredObject
from clearstack_common.settings import ServiceSettings
from clearstack_common.telemetry import Metrics
from clearstack_common.telemetry.metrics import timed

P = ParamSpec("P")
T = TypeVar("T")

_AWAY = (
    urllib3.exceptions.HTTPError,
    ServerError,
    InvalidResponseError,
    ConnectionError,
    BackendUnavailableError,
)
_PART_BYTES = 16 << 20
_RETRY_FOR_S = 90.0
_NOWHERE = "stacks/nothing-is-here"


# What stores say that count their room. SeaweedFS says InternalError for this as for anything else.
_FULL = frozenset({"XMinioStorageFull", "QuotaExceeded", "InsufficientStorage", "InsufficientCapacity"})


class _CannotError(BackendUnavailableError):
    """The store answers, and cannot do it."""


class S3Store:
    """One bucket. Calls are repeated for 90 s while the store is away."""

    def __init__(
        self, client: Minio, bucket: str, metrics: Metrics, retry_for_s: float = _RETRY_FOR_S
    ) -> None:
        self._client = client
        self._metrics = metrics
        self._bucket = bucket
        self._retry_for_s = retry_for_s

    @classmethod
    async def connect(cls, settings: ServiceSettings, metrics: Metrics | None = None) -> Self:
        """Connects; nothing is asked of the store yet."""
        client = Minio(
            settings.s3_endpoint,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key.get_secret_value(),
            secure=settings.s3_secure,
            region="us-east-1",
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=3, read=60),
                retries=urllib3.Retry(total=1, backoff_factor=0.2, status_forcelist=[502, 503, 504]),
                maxsize=16,
            ),
        )
        return cls(client, settings.s3_bucket, metrics or Metrics())

    async def set_up(self) -> None:
        """Creates the bucket if it is missing; the gateway's task."""
        await self._call(self._ensure_bucket)

    def _ensure_bucket(self) -> None:
        if not self._client.bucket_exists(self._bucket):
            self._client.make_bucket(self._bucket)

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a blocking call in a thread, again and again while the store is away."""
        operation = function.__name__.strip("_")
        try:
            async for attempt in stamina.retry_context(
                on=_AWAY, attempts=None, timeout=self._retry_for_s, wait_max=3
            ):
                with attempt, timed(self._metrics.s3_seconds, operation):
                    return await asyncio.to_thread(_translated, partial(function, *args, **kwargs))
        except _AWAY as error:
            raise BackendUnavailableError(
                "The object store does not answer; try again in a moment."
            ) from error
        raise AssertionError  # the loop returns or raises

    async def _write(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `_call`, for what needs room.

        Raises:
            ClearstackError: OUT_OF_SPACE: the store answers and takes nothing, or says itself that it is full.
        """
        try:
            return await self._call(function, *args, **kwargs)
        except BackendUnavailableError as error:
            if isinstance(error.__cause__, _CannotError) and await self.is_available():
                raise _full() from error
            raise

    async def put_file(self, key: str, path: Path) -> StoredFile:
        """Stores a file; returns its key, size and SHA-256."""
        digest = await asyncio.to_thread(_file_digest, path)
        await self._write(self._client.fput_object, self._bucket, key, str(path), part_size=_PART_BYTES)
        return _stored(key, path.stat().st_size, digest)

    async def put_bytes(self, key: str, data: bytes) -> StoredFile:
        """Stores some bytes; returns their key, size and SHA-256."""

        def put() -> None:
            self._client.put_object(self._bucket, key, io.BytesIO(data), len(data), part_size=_PART_BYTES)

        await self._write(put)
        digest = await asyncio.to_thread(hashlib.sha256, data)  # others are answered meanwhile
        return _stored(key, len(data), digest.hexdigest())

    async def fetch(self, file: StoredFile, path: Path) -> Path:
        """Fetches a file and checks it against its recorded size and SHA-256."""
        found = await self.fetch_unverified(file.object_key, path)
        if (found.size_bytes, found.sha256) != (file.size_bytes, file.sha256):
            path.unlink(missing_ok=True)
            raise ClearstackError(
                f"The stored object {file.object_key} is not what was recorded (size or SHA-256 differ); "
                "it was changed behind Clearstack's back: upload the stack again.",
                reason=error_reason_pb2.ERROR_REASON_CHECKSUM_MISMATCH,
            )
        return path

    async def fetch_unverified(self, key: str, path: Path) -> StoredFile:
        """Fetches an object of which nothing is known yet; returns its size and SHA-256."""
        path.parent.mkdir(parents=True, exist_ok=True)
        size, digest = await self._call(self._download, key, path)
        return _stored(key, size, digest)

    def _download(self, key: str, path: Path) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        partial_path = path.with_name(path.name + PART_SUFFIX)
        response = self._client.get_object(self._bucket, key)
        try:
            with partial_path.open("wb") as out:
                for chunk in response.stream(1 << 20):
                    out.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
        except BaseException:
            partial_path.unlink(missing_ok=True)  # on a disk that is full it would be in the way of others
            raise
        finally:
            response.close()
            response.release_conn()
        partial_path.replace(path)
        return size, digest.hexdigest()

    async def get_bytes(self, key: str) -> bytes:
        """A small object whole."""
        return await self._call(self._read, key)

    async def read_range(self, key: str, offset: int, length: int) -> bytes:
        """Some bytes of an object; fewer where it ends."""
        return await self._call(self._read, key, offset, length) if length else b""

    def _read(self, key: str, offset: int = 0, length: int = 0) -> bytes:
        response = self._client.get_object(self._bucket, key, offset=offset, length=length)
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

    async def stream(self, key: str, offset: int = 0, chunk_bytes: int = 1 << 20) -> AsyncIterator[bytes]:
        """An object's bytes from an offset, in chunks."""
        response = await self._call(self._client.get_object, self._bucket, key, offset=offset)
        try:
            while chunk := await asyncio.to_thread(response.read, chunk_bytes):
                yield chunk
        except urllib3.exceptions.HTTPError as error:
            raise BackendUnavailableError(
                "The object store broke off; try again from where you are."
            ) from error
        finally:
            response.close()
            response.release_conn()

    async def list(self, prefix: str) -> Sequence[StoredObject]:
        """Objects below a prefix, by key."""

        def listing() -> Sequence[StoredObject]:
            objects = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
            return [_found(each) for each in objects if not each.is_dir]

        return sorted(await self._call(listing), key=lambda stored: stored.key)

    async def page(self, prefix: str, after: str, most: int) -> Sequence[StoredObject]:
        """At most so many objects below a prefix, by key, from behind the key `after`; none = there are no more."""

        def paging() -> Sequence[StoredObject]:
            objects = self._client.list_objects(
                self._bucket, prefix=prefix, recursive=True, start_after=after or None
            )
            return [_found(each) for each in islice(objects, most)]

        return await self._call(paging)

    async def stat(self, key: str) -> StoredObject:
        """An object as a listing shows it."""
        return _found(await self._call(self._client.stat_object, self._bucket, key))

    @property
    def bucket(self) -> str:
        """What this bucket is called."""
        return self._bucket

    def in_bucket(self, bucket: str) -> "S3Store":
        """Another bucket of the same store; empty = this one."""
        return S3Store(self._client, bucket or self._bucket, self._metrics, self._retry_for_s)

    async def copy_in(self, key: str, bucket: str, source: StoredObject) -> None:
        """Copies an object of some bucket to here, without moving its bytes through this process."""
        part = ComposeSource(bucket, source.key, match_etag=source.etag or None)
        await self._write(self._client.compose_object, self._bucket, key, [part])

    async def concatenate(self, key: str, sources: Sequence[StoredObject]) -> None:
        """Makes one object of several, without moving the bytes through this process."""
        parts = [ComposeSource(self._bucket, source.key) for source in sources]
        await self._write(self._client.compose_object, self._bucket, key, parts)

    async def delete(self, keys: Iterable[str]) -> None:
        """Removes objects; those that are not there do not matter."""
        doomed = [DeleteObject(key) for key in keys]

        def delete() -> None:
            for error in self._client.remove_objects(self._bucket, doomed):
                raise BackendUnavailableError(
                    f"The object store would not delete {error.name}: {error.message}"
                )

        if doomed:
            await self._call(delete)

    async def abort_uploads(self, older_than: timedelta) -> int:
        """Gives up uploads in several parts that were begun that long ago and never completed; returns how many."""
        limit = datetime.now(UTC) - older_than

        def abort() -> int:
            # Nobody sees them in a listing, but they take room. The client library has no public names for this.
            found = self._client._list_multipart_uploads(self._bucket).uploads  # noqa: SLF001
            old = [
                each
                for each in found
                if each.upload_id and each.initiated_time and each.initiated_time < limit
            ]
            for each in old:
                self._client._abort_multipart_upload(self._bucket, each.object_name, each.upload_id or "")  # noqa: SLF001
            return len(old)

        return await self._call(abort)

    async def upload_url(self, key: str, expires_s: int) -> str:
        """A link to which one object can be put."""
        return self._client.presigned_put_object(self._bucket, key, timedelta(seconds=expires_s))

    async def download_url(self, key: str, expires_s: int) -> str:
        """A link from which one object can be fetched."""
        return self._client.presigned_get_object(self._bucket, key, timedelta(seconds=expires_s))

    async def is_available(self) -> bool:
        """Whether the store answers now, and knows us."""
        # Of an object, not of the bucket: a worker may not look at that.
        try:
            await asyncio.to_thread(self._client.stat_object, self._bucket, _NOWHERE)
        except S3Error as error:
            return error.code == "NoSuchKey"
        except Exception:  # whatever it is, the store cannot be used
            return False
        return True


def _translated(function: Callable[[], T]) -> T:
    try:
        return function()
    except S3Error as error:
        if error.code in {"NoSuchKey", "NoSuchBucket", "ResourceNotFound"}:
            raise NotFoundError(f"The object {error.object_name} is not in the store.") from error
        if error.code == "PreconditionFailed":
            raise NotFoundError(f"The object {error.object_name} was replaced by another.") from error
        if error.code in _FULL:
            raise _full() from error
        if error.code == "InternalError":
            raise _CannotError("The object store says InternalError.") from error
        if error.code in {"ServiceUnavailable", "SlowDown"}:
            raise BackendUnavailableError(f"The object store says {error.code}.") from error
        raise


def _full() -> ClearstackError:
    return ClearstackError(
        "The object store takes no more files: its disk is full, or it has no writable volume. Make room, then try "
        "again (`clearstack deadletters` for runs that failed).",
        reason=error_reason_pb2.ERROR_REASON_OUT_OF_SPACE,
    )


def _found(item: Object) -> StoredObject:
    return StoredObject(
        key=item.object_name or "",
        size_bytes=item.size or 0,
        written_at=item.last_modified,
        etag=(item.etag or "").strip('"'),
    )


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stored(key: str, size_bytes: int, digest: str) -> StoredFile:
    return StoredFile(file_name=key.rpartition("/")[2], object_key=key, size_bytes=size_bytes, sha256=digest)
