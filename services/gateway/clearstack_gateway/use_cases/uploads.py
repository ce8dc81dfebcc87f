"""An upload, kept in the object store, so that any gateway can take it up where it stands.

In chunks it becomes parts, objects named by their offsets. They are joined inside the store, which wants all but the
last to have 5 MiB or more. By link it becomes one object, to which the link can be used again until it expires: so what
is validated is a copy that no link leads to. Parts can be put by links, too.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice

from clearstack.v1 import error_reason_pb2
from clearstack.v1.stack_service_pb2 import UploadLink
from clearstack_common.errors import ClearstackError, InvalidFieldsError, WrongStateError
from clearstack_common.objects import ObjectStore, StoredObject

_PART_BYTES = 8 << 20
_LARGEST_CHUNK_BYTES = 1 << 20
_LINKED_PART_BYTES = 16 << 20
_LINKS_AT_ONCE = 32
_MOST_PARTS = 9_000
_PARTS, _LINKED = "/parts/", "/uploaded.tif"


class Upload:
    """The parts of one stack's upload.

    Args:
        store: Where they go.
        stack_id: The stack's.
        max_bytes: Of the whole file.
        storing: How many uploads may hand a part to the store at once; the others take no more bytes meanwhile.
    """

    def __init__(self, store: ObjectStore, stack_id: str, max_bytes: int, storing: asyncio.Semaphore) -> None:
        self._store = store
        self._storing = storing
        self._prefix = f"stacks/{stack_id}{_PARTS}"
        self._linked = f"stacks/{stack_id}{_LINKED}"
        self._max_bytes = max_bytes
        self._buffer: list[bytes] = []
        self._buffered = 0  # bytes
        self._offset = 0  # of the buffer

    async def size(self) -> int:
        """Bytes that have arrived, without a gap."""
        return sum(part.size_bytes for part in await self._parts())

    async def resume(self) -> None:
        """Takes up the upload: a last part that is too small to be followed by another is filled up."""
        parts = await self._parts()
        self._offset = sum(part.size_bytes for part in parts)
        if parts and parts[-1].size_bytes < _PART_BYTES:
            self._keep(await self._store.get_bytes(parts[-1].key))
            self._offset -= self._buffered

    async def add(self, offset: int, data: bytes) -> None:
        """Takes a chunk that begins where the upload stands.

        Raises:
            InvalidFieldsError: It is larger than 1 MiB.
            ClearstackError: UPLOAD_OFFSET_MISMATCH, with the right offset in the metadata; TOO_LARGE.
        """
        here = self._offset + self._buffered
        if len(data) > _LARGEST_CHUNK_BYTES:
            raise InvalidFieldsError(
                [("data", f"has {len(data)} bytes; at most {_LARGEST_CHUNK_BYTES} in a chunk")]
            )
        if offset != here:
            raise ClearstackError(
                f"The chunk begins at byte {offset}, but the upload stands at byte {here}; go on from there.",
                reason=error_reason_pb2.ERROR_REASON_UPLOAD_OFFSET_MISMATCH,
                metadata={"offset": str(here)},
            )
        if here + len(data) > self._max_bytes:
            raise too_large(self._max_bytes)
        self._keep(data)
        if self._buffered >= _PART_BYTES:
            await self.finish()

    async def finish(self) -> None:
        """Stores what is still in memory."""
        if not self._buffered:
            return
        async with self._storing:
            await self._store.put_bytes(f"{self._prefix}{self._offset:016d}", b"".join(self._buffer))
        self._offset += self._buffered
        self._buffer, self._buffered = [], 0

    def _keep(self, data: bytes) -> None:
        self._buffer.append(data)
        self._buffered += len(data)

    async def join(self, key: str, size_bytes: int) -> None:
        """Makes one object of the parts, if there are any, and removes them.

        Raises:
            ClearstackError: CHECKSUM_MISMATCH: parts are missing; the upload stays and can go on.
        """
        parts = await self._parts()
        arrived = sum(part.size_bytes for part in parts)
        if parts and size_bytes and arrived < size_bytes:
            raise ClearstackError(
                f"The upload is not complete: {arrived} of {size_bytes} bytes have arrived. Go on from there.",
                reason=error_reason_pb2.ERROR_REASON_CHECKSUM_MISMATCH,
                metadata={"offset": str(arrived)},
            )
        if parts:
            await self._store.concatenate(key, parts)
            # The first one first: whatever a crash leaves of the others is not taken for an upload again.
            await self._store.delete([parts[0].key])
            await self._store.delete([part.key for part in parts[1:]])

    async def link(self, expires_s: int) -> str:
        """To which the whole file can be put."""
        return await self._store.upload_url(self._linked, expires_s)

    async def missing(self, size_bytes: int, expires_s: int) -> tuple[list[UploadLink], int]:
        """To which the next missing parts of a file can be put, and the bytes that have arrived.

        Raises:
            InvalidFieldsError: A file has no such size.
            ClearstackError: TOO_LARGE.
        """
        if size_bytes < 1:
            raise InvalidFieldsError([("size_bytes", f"is {size_bytes}; a file has 1 byte or more")])
        if size_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        stored = {part.key: part.size_bytes for part in await self._store.list(self._prefix)}
        wanted = {f"{self._prefix}{start:016d}": (start, size) for start, size in _cut(size_bytes)}
        lacking = {key: part for key, part in wanted.items() if stored.get(key) != part[1]}
        links = [
            UploadLink(offset=start, size_bytes=size, url=await self._store.upload_url(key, expires_s))
            for key, (start, size) in islice(lacking.items(), _LINKS_AT_ONCE)
        ]
        return links, size_bytes - sum(size for _, size in lacking.values())

    async def arrived(self, key: str, size_bytes: int) -> int:
        """The size of what has come by link, or else stands under `key`, before anything of it is copied or fetched.

        Args:
            key: What was joined, or copied by an earlier attempt to finalize.
            size_bytes: Declared size; 0 = do not compare.

        Raises:
            WrongStateError: No bytes were uploaded.
            ClearstackError: CHECKSUM_MISMATCH.
        """
        linked = await self._size_of(self._linked)
        found = linked if linked is not None else await self._size_of(key)
        if found is None:
            raise no_bytes()
        if size_bytes and size_bytes != found:
            raise mismatch(f"{found} bytes arrived, {size_bytes} were announced")
        return found

    async def take_linked(self, key: str) -> None:
        """Copies what has come by link, if anything has, to where no link leads."""
        size_bytes = await self._size_of(self._linked)
        if size_bytes is not None:
            await self._store.concatenate(key, [StoredObject(key=self._linked, size_bytes=size_bytes)])
            await self.forget_linked()

    async def forget_linked(self) -> None:
        """Removes what has come by link."""
        await self._store.delete([self._linked])

    async def _size_of(self, key: str) -> int | None:
        return next((found.size_bytes for found in await self._store.list(key) if found.key == key), None)

    async def _parts(self) -> Sequence[StoredObject]:
        parts: list[StoredObject] = []
        end = 0
        for part in await self._store.list(self._prefix):
            if int(part.key.removeprefix(self._prefix)) != end:
                break
            parts.append(part)
            end += part.size_bytes
        return parts


def _cut(size_bytes: int) -> Iterator[tuple[int, int]]:
    """Starts and sizes of the parts in which a file is put by links; not more of them than the store can join."""
    part_bytes = max(_LINKED_PART_BYTES, -(-size_bytes // _MOST_PARTS))
    for start in range(0, size_bytes, part_bytes):
        yield start, min(part_bytes, size_bytes - start)


def is_on_its_way(key: str) -> bool:
    """Whether an object of a stack is of no use once its upload is over."""
    return _PARTS in key or key.endswith(_LINKED)


def no_bytes() -> WrongStateError:
    """The error for an upload that was finalized before it began."""
    return WrongStateError("No bytes were uploaded yet; upload the file, then finalize it.")


def mismatch(what: str) -> ClearstackError:
    """The error for other bytes than the client has announced."""
    return ClearstackError(
        f"The upload is not what was announced: {what}. Upload the file again.",
        reason=error_reason_pb2.ERROR_REASON_CHECKSUM_MISMATCH,
    )


def too_large(max_bytes: int) -> ClearstackError:
    """The error for a file beyond the installation's limit."""
    return ClearstackError(
        f"The file is larger than this installation takes ({max_bytes / 2**30:.3g} GiB); "
        "ask whoever runs it to raise CLEARSTACK_MAX_UPLOAD_BYTES.",
        reason=error_reason_pb2.ERROR_REASON_TOO_LARGE,
    )
