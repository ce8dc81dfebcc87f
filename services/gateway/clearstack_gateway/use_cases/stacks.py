"""Stacks: upload, validation, download, preview."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from weakref import WeakValueDictionary

import structlog
from clearstack.v1 import stack_service_pb2
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack.v1.stack_service_pb2 import FileLink, Stack
from clearstack_common import ids
from clearstack_common.bus import RecordExistsError, StoredRecord
from clearstack_common.errors import ClearstackError, NotFoundError, WrongStateError, reason_from_name
from clearstack_common.objects import FileCache, ObjectStore
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.preview import preview_png
from clearstack_stacks.reading import StackReader
from clearstack_stacks.slices import SliceTable, find_slices

from clearstack_gateway.settings import GatewaySettings
from clearstack_gateway.use_cases.naming import for_people, is_meant
from clearstack_gateway.use_cases.ordered import Key, Ordered
from clearstack_gateway.use_cases.tables import Tables, check_etag, etag_of, id_in, not_found, page_of
from clearstack_gateway.use_cases.uploads import Upload, too_large
from clearstack_gateway.use_cases.usage import require_unused
from clearstack_gateway.use_cases.validation import check_upload, validate

_COLLECTION = "stacks"
_LARGEST_PREVIEW_PX = 4096
_PREVIEW_PX = 512
# Each takes a thread and two copies of 8 MiB; the gateway has some more threads for all else.
_PARTS_AT_ONCE = 3

log = structlog.get_logger()


class Stacks:
    """What can be done with stacks."""

    def __init__(
        self, tables: Tables, store: ObjectStore, cache: FileCache, settings: GatewaySettings
    ) -> None:
        self._tables = tables
        self._store = store
        self._cache = cache
        self._settings = settings
        self._all = Ordered(_age)
        self._uploaded = Ordered(_age_if_uploaded)
        self._storing = asyncio.Semaphore(_PARTS_AT_ONCE)
        self._finalizing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create(self, display_name: str, request_id: str, creator: str = "") -> tuple[Stack, str]:
        """Announces an upload; returns the stack and the link to which its bytes can be put."""
        stack_id = ids.new_id(_COLLECTION, request_id, creator)
        stack = Stack(
            name=f"{_COLLECTION}/{stack_id}",
            display_name=for_people(Path(display_name).name) or stack_id,
            state=stack_service_pb2.STACK_STATE_UPLOADING,
            origin=stack_service_pb2.STACK_ORIGIN_UPLOAD,
            object_key=f"stacks/{stack_id}/original.tif",
            creator=creator,
        )
        stack.create_time.GetCurrentTime()
        stack.update_time.CopyFrom(stack.create_time)
        try:
            stored = await self._tables.stacks.create(stack_id, stack)
        except RecordExistsError:
            stored = await self._tables.stacks.get(stack_id)
        url = await self._upload_of(stored).link(self._settings.upload_url_s)
        return _shown(stored), url

    async def upload(self, name: str, chunks: AsyncIterator[tuple[int, bytes]]) -> Stack:
        """Takes chunks (offset, bytes) that go on where the upload stands."""
        stored = await self._get(name)
        _require_uploading(stored.value)
        upload = self._upload_of(stored)
        await upload.resume()
        try:
            async for offset, data in chunks:
                await upload.add(offset, data)
        except ClearstackError:
            await upload.finish()  # the error says where the upload stands: what came before must count
            raise
        await upload.finish()
        return await self.get(name)

    async def finalize(self, name: str, size_bytes: int, sha256: str) -> Stack:
        """Ends the upload: puts the bytes together, checks and validates them.

        Raises:
            ClearstackError: With the validation's reason; the stack is then REFUSED.
        """
        async with self._finalizing.setdefault(name, asyncio.Lock()):  # a client that asks again waits
            stored = await self._get(name)
            if stored.value.state == stack_service_pb2.STACK_STATE_UPLOADING:
                stored = await self._finalize(stored, size_bytes, sha256.lower())
        if stored.value.state == stack_service_pb2.STACK_STATE_REFUSED:
            raise _refusal(stored.value)
        return _shown(stored)

    async def _finalize(
        self, stored: StoredRecord[Stack], size_bytes: int, sha256: str
    ) -> StoredRecord[Stack]:
        key = stored.value.object_key
        upload = self._upload_of(stored)
        await upload.join(key, size_bytes)
        # By link any number of bytes can be put: their number is looked at before they are copied or fetched.
        if await upload.arrived(key, size_bytes) > self._settings.max_upload_bytes:
            after = _refused(stored.value, too_large(self._settings.max_upload_bytes))
            await upload.forget_linked()
        else:
            await upload.take_linked(key)
            after = await self._fetched(stored, size_bytes, sha256)
        if after.state == stack_service_pb2.STACK_STATE_REFUSED:
            await self._store.delete([key])
        return await self._tables.stacks.update(stored, after)

    async def _fetched(self, stored: StoredRecord[Stack], size_bytes: int, sha256: str) -> Stack:
        folder = self._settings.scratch / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{stored.id}.tif"
        try:
            file = await check_upload(self._store, stored.value.object_key, path, size_bytes, sha256)
            return await self._validated(stored.value, file, path)
        finally:
            path.unlink(missing_ok=True)

    async def _validated(self, stack: Stack, file: StoredFile, path: Path) -> Stack:
        after = Stack()
        after.CopyFrom(stack)
        after.size_bytes, after.sha256, after.uploaded_bytes = file.size_bytes, file.sha256, file.size_bytes
        try:
            after.info.CopyFrom(await validate(path, self._settings))
        except ClearstackError as error:
            return _refused(after, error)
        await self._keep_table(after, path)
        after.state = stack_service_pb2.STACK_STATE_READY
        after.update_time.GetCurrentTime()
        return after

    async def _keep_table(self, stack: Stack, path: Path) -> None:
        """Notes where the pages are, while the file is here; out of the store that would take a read for each."""
        table = await asyncio.to_thread(_table, path)
        if table is not None and table.page_offsets.size:
            await self._store.put_bytes(table_key(stack), table.to_json())

    async def get(self, name: str) -> Stack:
        """One stack; while it is being uploaded, with the number of bytes that have arrived."""
        stored = await self._get(name)
        stack = _shown(stored)
        if stack.state == stack_service_pb2.STACK_STATE_UPLOADING:
            stack.uploaded_bytes = await self._upload_of(stored).size()
        return stack

    async def list(
        self, page_size: int, page_token: str, *, include_results: bool, letters: str = ""
    ) -> tuple[Sequence[Stack], str]:
        """One page of stacks that are called so, newest first, and the token of the next."""

        def keep(stack: Stack) -> bool:
            return is_meant(letters, stack.display_name, stack.name)

        ordered = self._all if include_results else self._uploaded
        everything = await self._tables.stacks.list()
        shown, token = page_of(ordered, everything, page_size, page_token, keep if letters else None)
        return [_shown(stored) for stored in shown], token

    async def delete(self, name: str, etag: str) -> None:
        """Removes a stack and its bytes.

        Raises:
            ClearstackError: IN_USE: a run that is not finished needs it.
        """
        stored = await self._get(name)
        check_etag(etag, stored.value)
        await require_unused(self._tables, "stack", {name}, maker=stored.value.source_run)
        await self._tables.stacks.delete(stored)
        leftovers = [found.key for found in await self._store.list(f"stacks/{stored.id}/")]
        await self._store.delete({stored.value.object_key, *leftovers})

    async def download(self, name: str, offset: int) -> AsyncIterator[bytes]:
        """The file's bytes from an offset, in chunks of at most 1 MiB."""
        stack = (await self._get(name)).value
        require_ready(stack)
        if offset >= stack.size_bytes:
            return
        async for chunk in self._store.stream(stack.object_key, max(offset, 0)):
            yield chunk

    async def upload_links(
        self, name: str, size_bytes: int
    ) -> tuple[Sequence[stack_service_pb2.UploadLink], int]:
        """Where the next missing parts of a file can be put, and the bytes that have arrived.

        Raises:
            InvalidFieldsError: A file has no such size.
            ClearstackError: TOO_LARGE.
        """
        stored = await self._get(name)
        _require_uploading(stored.value)
        return await self._upload_of(stored).missing(size_bytes, self._settings.upload_url_s)

    async def link(self, name: str) -> FileLink:
        """Where the file can be fetched for a while."""
        stack = (await self._get(name)).value
        require_ready(stack)
        url = await self._store.download_url(stack.object_key, self._settings.download_url_s)
        return FileLink(url=url, file_name=file_name(stack), size_bytes=stack.size_bytes, sha256=stack.sha256)

    async def preview(self, name: str, index: int, max_side_px: int) -> bytes:
        """One slice as an 8-bit grey PNG.

        Raises:
            WrongStateError: The stack is not validated, or has no such slice.
        """
        stack = (await self._get(name)).value
        require_ready(stack)
        if not 0 <= index < stack.info.slice_count:
            raise WrongStateError(
                f"The stack has slices 0 to {stack.info.slice_count - 1}; {index} was asked for."
            )
        side = min(max_side_px, _LARGEST_PREVIEW_PX) if max_side_px > 0 else _PREVIEW_PX
        path = await self._cache.path(stored_file(stack))
        return await asyncio.to_thread(_draw, path, index, side)

    def _upload_of(self, stored: StoredRecord[Stack]) -> Upload:
        return Upload(self._store, stored.id, self._settings.max_upload_bytes, self._storing)

    async def _get(self, name: str) -> StoredRecord[Stack]:
        try:
            return await self._tables.stacks.get(id_in(name, _COLLECTION))
        except NotFoundError:
            raise not_found(name, _COLLECTION) from None


def stored_file(stack: Stack) -> StoredFile:
    """A stack's file, as jobs carry it."""
    return StoredFile(
        file_name=stack.object_key.rpartition("/")[2],
        object_key=stack.object_key,
        size_bytes=stack.size_bytes,
        sha256=stack.sha256,
    )


def table_key(stack: Stack) -> str:
    """Where the table of a stack's slices is, if there is one."""
    return f"{stack.object_key.rpartition('/')[0]}/slices.json"


def _table(path: Path) -> SliceTable | None:
    try:
        with path.open("rb") as file:
            return find_slices(file)
    except StackRefused:  # it can do without
        return None


def file_name(stack: Stack) -> str:
    """What a person may call a stack's file."""
    name = Path(stack.display_name).name or stack.name.rpartition("/")[2]
    return name if name.lower().endswith((".tif", ".tiff")) else f"{name}.tif"


def _draw(path: Path, index: int, max_side_px: int) -> bytes:
    with StackReader(path) as reader:
        return preview_png(reader.read_slice(index), max_side_px)


def _age(stored: StoredRecord[Stack]) -> Key:
    return stored.value.create_time.ToNanoseconds(), stored.id


def _age_if_uploaded(stored: StoredRecord[Stack]) -> Key | None:
    return _age(stored) if stored.value.origin == stack_service_pb2.STACK_ORIGIN_UPLOAD else None


def _shown(stored: StoredRecord[Stack]) -> Stack:
    stack = Stack()
    stack.CopyFrom(stored.value)
    stack.etag = etag_of(stored.value)
    return stack


def _refused(stack: Stack, error: ClearstackError) -> Stack:
    log.info("stack refused", stack=stack.name, reason=error.message)
    after = Stack()
    after.CopyFrom(stack)
    after.state = stack_service_pb2.STACK_STATE_REFUSED
    after.failure.CopyFrom(error.as_failure())
    after.update_time.GetCurrentTime()
    return after


def _require_uploading(stack: Stack) -> None:
    if stack.state != stack_service_pb2.STACK_STATE_UPLOADING:
        raise WrongStateError("The upload was finished already; create a new stack for other bytes.")


def require_ready(stack: Stack) -> None:
    """Refuses a stack that has not passed validation.

    Raises:
        ClearstackError: Says what is missing.
    """
    if stack.state == stack_service_pb2.STACK_STATE_REFUSED:
        raise _refusal(stack)
    if stack.state != stack_service_pb2.STACK_STATE_READY:
        raise WrongStateError("The stack's upload is not finished; upload its bytes and finalize it first.")


def _refusal(stack: Stack) -> ClearstackError:
    return ClearstackError(stack.failure.message, reason=reason_from_name(stack.failure.reason))
