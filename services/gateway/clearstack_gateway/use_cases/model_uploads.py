"""Takes the files of a model from a client, in chunks, and puts them where the inference service can check them."""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from clearstack.v1 import error_reason_pb2
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack_common.errors import ClearstackError, InvalidFieldsError
from clearstack_common.model_files import ARCHIVE, FILE_NAMES
from clearstack_common.objects import ObjectStore

_LARGEST_CHUNK_BYTES = 1 << 20
_ALLOWED = (
    "config.json, stage1/weights.pth, stage2/weights.pth (or weights.safetensors, model.json, config.json), "
    f"mask/mask.npy, mask/mask.json, or a single {ARCHIVE}"
)


class ModelUpload:
    """The files of one import on their way; a context whose scratch files are removed at the end."""

    def __init__(self, store: ObjectStore, scratch: Path, prefix: str, max_bytes: int) -> None:
        self._store = store
        self._prefix = prefix
        self._budget = max_bytes
        self._max_bytes = max_bytes
        scratch.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="import-", dir=scratch))
        self._exits = contextlib.ExitStack()
        self._files: dict[str, BinaryIO] = {}

    async def receive(self, chunks: AsyncIterator[tuple[str, bytes]]) -> list[StoredFile]:
        """Takes chunks (file name, bytes), each file's in order, and stores the files.

        Raises:
            InvalidFieldsError: A chunk is too large, or a file has no name that a model's file can have.
            ClearstackError: TOO_LARGE.
        """
        try:
            async for file_name, data in chunks:
                if file_name or data:
                    self._add(file_name, data)
            self._exits.close()
            return [await self._put(name) for name in self._files]
        finally:
            self._exits.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _add(self, file_name: str, data: bytes) -> None:
        check_file_name(file_name, "file_name")
        if len(data) > _LARGEST_CHUNK_BYTES:
            raise InvalidFieldsError(
                [("data", f"has {len(data)} bytes; at most {_LARGEST_CHUNK_BYTES} in a chunk")]
            )
        self._budget -= len(data)
        if self._budget < 0:
            raise too_large(self._max_bytes)
        if file_name not in self._files:
            path = self._folder / file_name
            path.parent.mkdir(exist_ok=True)
            self._files[file_name] = self._exits.enter_context(path.open("wb"))
        self._files[file_name].write(data)

    async def _put(self, file_name: str) -> StoredFile:
        stored = await self._store.put_file(f"{self._prefix}/{file_name}", self._folder / file_name)
        stored.file_name = file_name
        return stored


def check_file_name(name: str, field: str) -> None:
    """Refuses a name that no file of a model has.

    Raises:
        InvalidFieldsError: Names the field of the request.
    """
    if name != ARCHIVE and not FILE_NAMES.fullmatch(name):
        raise InvalidFieldsError([(field, f"is {name[:80]!r}; allowed: {_ALLOWED}")])


def too_large(max_bytes: int) -> ClearstackError:
    """The error for a model beyond the installation's limit."""
    return ClearstackError(
        f"The model is larger than this installation takes ({max_bytes / 2**30:.3g} GiB); ask whoever runs "
        "it to raise CLEARSTACK_MAX_MODEL_BYTES.",
        reason=error_reason_pb2.ERROR_REASON_TOO_LARGE,
    )
