"""Imports: a model's files are taken, checked by the inference service, and become a model, or are refused."""

import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import structlog
from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1.job_pb2 import ImportModelFiles, Job
from clearstack.v1.model_service_pb2 import Model, ModelFileLink, StoredFile
from clearstack_common import ids
from clearstack_common.bus import Bus, RecordExistsError
from clearstack_common.errors import (
    BackendUnavailableError,
    ClearstackError,
    InvalidFieldsError,
    NotFoundError,
    WrongStateError,
    reason_from_name,
)
from clearstack_common.objects import ObjectStore

from clearstack_gateway.settings import GatewaySettings
from clearstack_gateway.use_cases.model_records import ModelRecords
from clearstack_gateway.use_cases.model_uploads import ModelUpload, check_file_name, too_large
from clearstack_gateway.use_cases.naming import for_people
from clearstack_gateway.use_cases.tables import Tables, etag_of, id_in

_COLLECTION, _IMPORTS = "models", "imports"
# Below it each import has a folder with the model's id, and in that one for what is uploaded.
_IMPORTED, _UPLOAD = "models/imported/", "/upload/"

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
        folder = _folder(model_id)
        # Not the same place for two attempts: nothing in the store is written twice.
        prefix = f"{folder}{_UPLOAD}{secrets.token_hex(4)}"
        scratch = self._settings.scratch / "imports"
        upload = ModelUpload(self._store, scratch, prefix, self._settings.max_model_bytes)
        files = await upload.receive(chunks)
        if not files:
            raise InvalidFieldsError([("file_name", "is missing: no message carried a file")])
        return await self._checked(model_id, display_name, files)

    async def links(self, request_id: str, file_names: Sequence[str]) -> tuple[str, list[ModelFileLink]]:
        """Announces an import whose files are put by links: its name, and where each file can be put.

        Raises:
            InvalidFieldsError: No files, or such as a model does not have.
        """
        for name in file_names:
            check_file_name(name, "file_names")
        if not file_names:
            raise InvalidFieldsError([("file_names", "is empty; name the files of the model")])
        model_id = ids.new_id(_COLLECTION, request_id)
        expires_s = self._settings.upload_url_s
        links = [
            ModelFileLink(
                path=name, url=await self._store.upload_url(f"{_linked(model_id)}{name}", expires_s)
            )
            for name in dict.fromkeys(file_names)
        ]
        return f"{_IMPORTS}/{model_id}", links

    async def take_linked(self, name: str, display_name: str) -> Model:
        """Takes what was put by links, as `take` does; done again, it says what came of it.

        Raises:
            WrongStateError: Nothing was put there.
            ClearstackError: TOO_LARGE; else as `take`.
        """
        model_id = id_in(name, _IMPORTS, "import")
        found = await self._store.list(_linked(model_id))
        if not found:
            try:
                return await self._outcome(f"{_COLLECTION}/{model_id}", _folder(model_id))
            except NotFoundError:
                raise WrongStateError(
                    "No file was put there yet; PUT the files to their links first."
                ) from None
        most = self._settings.max_model_bytes
        if sum(each.size_bytes for each in found) > most:
            await self._store.delete([each.key for each in found])
            raise too_large(most)
        files = [await self._copied(model_id, each.key) for each in found]
        return await self._checked(model_id, display_name, files)

    async def _copied(self, model_id: str, key: str) -> StoredFile:
        """The file, where no link leads to it."""
        scratch = self._settings.scratch / "imports" / secrets.token_hex(8)
        file_name = key.removeprefix(_linked(model_id))
        try:
            await self._store.fetch_unverified(key, scratch)
            stored = await self._store.put_file(f"{_folder(model_id)}{_UPLOAD}copied/{file_name}", scratch)
        finally:
            scratch.unlink(missing_ok=True)
        stored.file_name = file_name
        return stored

    async def _checked(self, model_id: str, display_name: str, files: list[StoredFile]) -> Model:
        folder = _folder(model_id)
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
            found = await self._store.list(f"{folder}{_UPLOAD}")
            await self._store.delete([item.key for item in found])
        except BackendUnavailableError:
            log.info("uploaded files stay until the model is deleted", folder=folder)


def uploaded_for(key: str) -> str:
    """The model for whose import an object was uploaded; empty = the object is something else."""
    if not key.startswith(_IMPORTED) or _UPLOAD not in key:
        return ""
    return key.removeprefix(_IMPORTED).partition(_UPLOAD)[0]


def _folder(model_id: str) -> str:
    return f"{_IMPORTED}{model_id}"


def _linked(model_id: str) -> str:
    # Removed with all other uploaded files when the import is over.
    return f"{_folder(model_id)}{_UPLOAD}linked/"


def _job(model_id: str, files: list[StoredFile], folder: str) -> Job:
    return Job(
        # Random: the import of a model that was deleted, with the same id, is no repetition.
        id=f"{model_id}.import.{secrets.token_hex(4)}",
        run=f"{_COLLECTION}/{model_id}",
        import_model=ImportModelFiles(files=files, object_prefix=f"{folder}/{secrets.token_hex(4)}"),
    )
