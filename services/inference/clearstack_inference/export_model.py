"""One export: a model's files in one archive, in our own format or as a bioimage.io package."""

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path

import structlog
from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1.event_pb2 import Event, ModelExported
from clearstack.v1.job_pb2 import ExportModelFiles
from clearstack_common.objects import FileCache
from clearstack_common.version import code_version
from clearstack_common.worker import JobContext
from clearstack_engine.model.bioimageio import write_package
from clearstack_engine.model.packing import pack

from clearstack_inference.describe_model import as_description

log = structlog.get_logger()


async def export_model(context: JobContext) -> None:
    """Packs a model and publishes where the archive is."""
    work = context.job.export_model
    cache = FileCache(context.store, context.settings.scratch / "cache")
    folder = context.folder / "model"
    for stage in work.model.stages:
        await _fetch(cache, stage.files, folder / f"stage{stage.number}")
    await _fetch(cache, work.model.mask_files, folder / "mask")
    archive = context.folder / "export.zip"
    await asyncio.to_thread(_pack, work, folder, archive)
    file = await context.store.put_file(work.object_key, archive)
    log.info("model exported", key=work.object_key, size_bytes=file.size_bytes)
    export = pb.ModelExport(format=work.format, file=file, content=work.content)
    await context.publish(Event(model_exported=ModelExported(export=export)), "exported")


async def _fetch(cache: FileCache, files: Iterable[pb.StoredFile], folder: Path) -> None:
    for file in files:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(await cache.path(file), folder / file.file_name)


def _pack(work: ExportModelFiles, folder: Path, archive: Path) -> None:
    description = as_description(work.model, folder)
    if work.format == pb.MODEL_EXPORT_FORMAT_BIOIMAGEIO:
        package = archive.parent / "package"
        package.mkdir()
        last = f"stage{work.model.stages[-1].number}"
        write_package(folder / last, package, description, code_version())
        pack(package, archive)
    else:
        (folder / "config.json").write_text(description.to_json(), encoding="utf-8")
        pack(folder, archive)
