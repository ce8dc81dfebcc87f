"""Exports: a model as one archive, made by the inference service, kept, and streamed."""

import hashlib
import secrets
from collections.abc import AsyncIterator

from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1.job_pb2 import ExportModelFiles, Job
from clearstack.v1.model_service_pb2 import Model, ModelExport
from clearstack.v1.stack_service_pb2 import FileLink
from clearstack_common.bus import Bus
from clearstack_common.errors import ClearstackError, ConflictError, InvalidFieldsError, reason_from_name
from clearstack_common.objects import ObjectStore
from clearstack_common.subjects import run_id
from clearstack_common.version import code_version

from clearstack_gateway.use_cases.model_records import ModelRecords
from clearstack_gateway.use_cases.models import model_folder, require_ready
from clearstack_gateway.use_cases.tables import Tables

_NAMES = {
    pb.MODEL_EXPORT_FORMAT_CLEARSTACK: "clearstack",
    pb.MODEL_EXPORT_FORMAT_BIOIMAGEIO: "bioimageio",
}


class ModelExports:
    """Makes archives of models, once for the same content."""

    def __init__(self, bus: Bus, tables: Tables, store: ObjectStore, wait_s: float) -> None:
        self._bus = bus
        self._store = store
        self._wait_s = wait_s
        self._records = ModelRecords(tables)

    async def archive(self, name: str, export_format: "pb.ModelExportFormat.ValueType") -> ModelExport:
        """The archive of a model; made now if it is not there.

        Raises:
            InvalidFieldsError: There is no such format.
            WrongStateError: The model is not ready.
            ClearstackError: It could not be made.
            ConflictError: The model was changed meanwhile, as by the next stage of its training.
            BackendUnavailableError: It was not made in time.
        """
        wanted = export_format or pb.MODEL_EXPORT_FORMAT_CLEARSTACK
        if wanted not in _NAMES:
            raise InvalidFieldsError([("format", "is unknown; allowed: CLEARSTACK, BIOIMAGEIO")])
        model = (await self._records.get(name)).value
        require_ready(model)
        content = _content(model, wanted)
        found = _found(model, content)
        return found or await self._made(model, wanted, content)

    async def link(self, name: str, export: ModelExport, expires_s: int) -> FileLink:
        """Where the archive can be fetched for a while."""
        return FileLink(
            url=await self._store.download_url(export.file.object_key, expires_s),
            file_name=file_name(name, export),
            size_bytes=export.file.size_bytes,
            sha256=export.file.sha256,
        )

    async def stream(self, export: ModelExport) -> AsyncIterator[bytes]:
        """An archive's bytes, in chunks of at most 1 MiB."""
        async for chunk in self._store.stream(export.file.object_key):
            yield chunk

    async def _made(
        self, model: Model, wanted: "pb.ModelExportFormat.ValueType", content: str
    ) -> ModelExport:
        prefix = f"{run_id(model.name)}.export.{content}."
        new_job_id = f"{prefix}{secrets.token_hex(4)}"
        stored = await self._records.change(model.name, lambda newest: _asked(newest, prefix, new_job_id))
        job_id = next(job for job in stored.value.active_jobs if job.startswith(prefix))
        # Also where somebody else has asked already: the same id is queued once.
        await self._bus.publish_job(_job(job_id, model, wanted, content))
        stored = await self._records.wait_until(
            self._bus,
            model.name,
            lambda newest: job_id not in newest.active_jobs,
            timeout_s=self._wait_s,
            what="The export",
        )
        found = _found(stored.value, content)
        if found is None and not stored.value.HasField("failure"):
            raise ConflictError("The model was changed while it was exported; export it again.")
        if found is None:
            failure = stored.value.failure
            raise ClearstackError(failure.message, reason=reason_from_name(failure.reason))
        return found


def file_name(model_name: str, export: ModelExport) -> str:
    """What a person may call the archive."""
    return f"{run_id(model_name)}.{_NAMES[export.format]}.zip"


def _asked(model: Model, prefix: str, job_id: str) -> Model:
    after = Model()
    after.CopyFrom(model)
    if not any(job.startswith(prefix) for job in model.active_jobs):
        after.active_jobs.append(job_id)
        after.ClearField("failure")
    return after


def _content(model: Model, wanted: "pb.ModelExportFormat.ValueType") -> str:
    made_of = _plain(model).SerializeToString(deterministic=True)
    return hashlib.sha256(f"{wanted} {code_version()} ".encode() + made_of).hexdigest()[:16]


def _plain(model: Model) -> Model:
    """The model without what is not part of an archive."""
    plain = Model()
    plain.CopyFrom(model)
    del plain.exports[:]
    del plain.active_jobs[:]
    plain.ClearField("failure")
    plain.ClearField("update_time")
    return plain


def _found(model: Model, content: str) -> ModelExport | None:
    return next((export for export in model.exports if export.content == content), None)


def _job(job_id: str, model: Model, wanted: "pb.ModelExportFormat.ValueType", content: str) -> Job:
    work = ExportModelFiles(
        model=_plain(model),
        format=wanted,
        content=content,
        object_key=f"{model_folder(model)}/exports/{content}-{job_id.rpartition('.')[2]}.zip",
    )
    return Job(id=job_id, run=model.name, export_model=work)
