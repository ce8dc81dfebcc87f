# Written by tools/unasync.py from its counterpart in _async: change that one.
"""Models: trained networks that can denoise further stacks."""

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from clearstack.v1.model_service_pb2 import (
    DeleteModelRequest,
    ExportModelRequest,
    GetModelRequest,
    ImportModelRequest,
    ListModelsRequest,
    Model,
    ModelExportFormat,
)

from clearstack_client import files
from clearstack_client._sync import io
from clearstack_client._sync.connection import Connection
from clearstack_client.errors import ClearstackError, translated


class Models:
    """Names are `models/{id}`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> Model:
        """The model's card: what it learnt from, how well, and its files."""
        calls = self._connection
        return (calls.call(calls.models.GetModel, GetModelRequest(name=name))).model

    def list(self) -> Iterator[Model]:
        """Every model, newest first."""
        calls, request = self._connection, ListModelsRequest(page_size=200)
        for each in calls.pages(calls.models.ListModels, request, "models"):
            yield each

    def export(self, name: str, target: Path | str, *, bioimageio: bool = False) -> Path:
        """Fetches the whole model as one zip archive; `target` is there only when it is whole.

        Raises:
            ClearstackError: It cannot be exported, or did not arrive whole.
            OSError: `target` cannot be written.
        """
        kinds = ModelExportFormat
        form = kinds.MODEL_EXPORT_FORMAT_BIOIMAGEIO if bioimageio else kinds.MODEL_EXPORT_FORMAT_CLEARSTACK
        path = Path(target)
        with files.written_whole(path) as file:
            self._receive(ExportModelRequest(name=name, format=form), path, file)
        return path

    def import_archive(self, archive: Path | str, *, display_name: str = "", request_id: str = "") -> Model:
        """Takes a model in as `export` writes it; returns when it can be used.

        Raises:
            ClearstackError: Its files do not fit together; `reason` is MODEL_MISMATCH or MODEL_UNREADABLE.
            OSError: The archive cannot be read.
        """
        calls, head = self._connection, ImportModelRequest(display_name=display_name)
        head.request_id = request_id or uuid.uuid4().hex
        with translated(calls.endpoint):
            return (calls.models.ImportModel(_messages(head, Path(archive)))).model

    def delete(self, name: str) -> None:
        """Deletes a model; refused while a run that is not finished needs it."""
        calls = self._connection
        calls.call(calls.models.DeleteModel, DeleteModelRequest(name=name))

    def _receive(self, request: ExportModelRequest, target: Path, file: BinaryIO) -> None:
        digest, expected = hashlib.sha256(), ""
        with translated(self._connection.endpoint):
            parts: Any = self._connection.models.ExportModel(request)
            for part in parts:
                expected = expected or part.sha256
                io.in_thread(file.write, part.data)
                digest.update(part.data)
        if digest.hexdigest() != expected:
            raise ClearstackError(
                f"{target} did not arrive whole: its checksum differs. Export it again.",
                reason="CHECKSUM_MISMATCH",
            )


def _messages(head: ImportModelRequest, archive: Path) -> Iterator[ImportModelRequest]:
    yield head
    with archive.open("rb") as file:
        while data := io.in_thread(file.read, files.CHUNK_BYTES):
            yield ImportModelRequest(file_name="archive.zip", data=data)
