"""Imports: a model's files are taken, checked by the inference service, and become a model, or are refused."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1.job_pb2 import ImportModelFiles, Job
from clearstack.v1.model_service_pb2 import Model, StoredFile
from clearstack_common import ids
from clearstack_common.bus import Bus, RecordExistsError
from clearstack_common.errors import (
    BackendUnavailableError,
    ClearstackError,
    InvalidFieldsError,
    reason_from_name,
)
from clearstack_common.objects import ObjectStore

from clearstack_gateway.settings import GatewaySettings
from clearstack_gateway.use_cases.model_records import ModelRecords
from clearstack_gateway.use_cases.model_uploads import ModelUpload
from clearstack_gateway.use_cases.naming import for_people
from clearstack_gateway.use_cases.tables import Tables, etag_of

_COLLECTION = "models"

log = structlog.get_logger()


class ModelImports:
    """Takes models that were trained elsewhere."""

    def __init__(self, bus: Bus, tables: Tables, store: ObjectStore, settings: GatewaySettings) -> None:
        self._bus = bus
        self._tables = tables
        self._store = store
        self._settings = settings
        self._records = ModelRecords(tables)

    async def take(
        self, display_name: str, request_id: str, chunks: AsyncIterator[tuple[str, bytes]]
    ) -> Model:
        """Takes a model's files and waits until they are checked.

        Args:
            display_name: For people; empty = the name in the files.
            request_id: The same id gives the same model.
            chunks: File names and bytes.

        Raises:
            InvalidFieldsError: No files, or such as a model does not have.
            ClearstackError: MODEL_MISMATCH or MODEL_UNREADABLE; the model is then REFUSED.
            BackendUnavailableError: The check has not come to an end in time.
        """
        model_id = ids.new_id(_COLLECTION, request_id)
        folder = f"models/imported/{model_id}"
        # Not the same place for two attempts: nothing in the store is written twice.
        prefix = f"{folder}/upload/{secrets.token_hex(4)}"
        scratch = self._settings.scratch / "imports"
        upload = ModelUpload(self._store, scratch, prefix, self._settings.max_model_bytes)
        files = await upload.receive(chunks)
        if not files:
            raise InvalidFieldsError([("file_name", "is missing: no message carried a file")])
        job = _job(model_id, files, folder)
        job.id = await self._create(model_id, display_name, job)
        await self._bus.publish_job(job)
        return await self._outcome(f"{_COLLECTION}/{model_id}", folder)

    async def _create(self, model_id: str, display_name: str, job: Job) -> str:
        """Adds the model; returns the job that it waits for, which is that of an earlier call if there was one."""
        model = Model(
            name=f"{_COLLECTION}/{model_id}",
            display_name=for_people(Path(display_name).name),
            state=pb.MODEL_STATE_IMPORTING,
            origin=pb.MODEL_ORIGIN_IMPORTED,
            active_jobs=[job.id],
        )
        model.create_time.GetCurrentTime()
        model.update_time.CopyFrom(model.create_time)
        try:
            await self._tables.models.create(model_id, model)
        except RecordExistsError:
            log.info("import repeated", model=model.name)
            awaited = (await self._records.get(model.name)).value.active_jobs
            return awaited[0] if awaited else job.id
        return job.id

    async def _outcome(self, name: str, folder: str) -> Model:
        stored = await self._records.wait_until(
            self._bus,
            name,
            lambda model: model.state != pb.MODEL_STATE_IMPORTING,
            timeout_s=self._settings.import_wait_s,
            what=f"The check of the model ({name})",
        )
        await self._forget_upload(folder)
        model = Model()
        model.CopyFrom(stored.value)
        model.etag = etag_of(stored.value)
        if model.state == pb.MODEL_STATE_REFUSED:
            raise ClearstackError(model.failure.message, reason=reason_from_name(model.failure.reason))
        return model

    async def _forget_upload(self, folder: str) -> None:
        try:
            found = await self._store.list(f"{folder}/upload/")
            await self._store.delete([item.key for item in found])
        except BackendUnavailableError:
            log.info("uploaded files stay until the model is deleted", folder=folder)


def _job(model_id: str, files: list[StoredFile], folder: str) -> Job:
    return Job(
        # Random: the import of a model that was deleted, with the same id, is no repetition.
        id=f"{model_id}.import.{secrets.token_hex(4)}",
        run=f"{_COLLECTION}/{model_id}",
        import_model=ImportModelFiles(files=files, object_prefix=f"{folder}/{secrets.token_hex(4)}"),
    )
