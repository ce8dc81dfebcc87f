"""One import: fetch what a client uploaded, have it checked, store what was found to be a model."""

from pathlib import Path

import structlog
from clearstack.v1.event_pb2 import Event, ModelImported
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack_common.errors import ClearstackError
from clearstack_common.model_files import ARCHIVE, FILE_NAMES
from clearstack_common.objects import ObjectStore
from clearstack_common.worker import JobContext

from clearstack_inference.describe_model import as_model
from clearstack_inference.sandbox import Sandbox

log = structlog.get_logger()


async def import_model(context: JobContext, *, sandbox: Sandbox) -> None:
    """Checks a model and publishes what can be used of it."""
    work = context.job.import_model
    for file in work.files:
        if file.file_name != ARCHIVE and not FILE_NAMES.fullmatch(file.file_name):
            raise ClearstackError(f"{file.file_name[:80]!r} is no file of a model.")
        await context.store.fetch(file, context.folder / "files" / file.file_name)
    checked = await sandbox.check(context.folder)
    model = as_model(checked.description, checked.notes)
    for stage in model.stages:
        stage.files.extend(
            await _stored(context.store, checked.folder, work.object_prefix, f"stage{stage.number}")
        )
    model.mask_files.extend(await _stored(context.store, checked.folder, work.object_prefix, "mask"))
    log.info("model imported", method=model.method, stages=len(model.stages))
    await context.publish(Event(model_imported=ModelImported(model=model)), "imported")


async def _stored(store: ObjectStore, folder: Path, prefix: str, part: str) -> list[StoredFile]:
    paths = sorted((folder / part).iterdir()) if (folder / part).is_dir() else []
    return [await store.put_file(f"{prefix}/{part}/{path.name}", path) for path in paths]
