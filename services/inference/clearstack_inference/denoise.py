"""One range of slices: fetch the stack and the network, denoise slice by slice, store the part."""

import asyncio
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import structlog
from clearstack.v1.event_pb2 import Event, RangeDenoised, SlicesDenoised
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack_common.errors import BackendUnavailableError
from clearstack_common.objects import FileCache
from clearstack_common.objects.settled import put_file_settled
from clearstack_common.tasks import ended
from clearstack_common.worker import JobContext
from clearstack_engine import processor
from clearstack_engine.denoising import load_card, load_denoiser
from clearstack_engine.model.trained_on import noise_std
from clearstack_stacks.convert import to_dtype
from clearstack_stacks.reading import StackReader

from clearstack_inference.slices import LazySlices, read_ahead

_TELL_EVERY_S = 1.0

log = structlog.get_logger()


class StoppedError(Exception):
    """The work is not wanted any more."""


async def denoise(context: JobContext) -> None:
    """Denoises a range and publishes its part."""
    work = context.job.denoise
    cache = FileCache(context.store, context.settings.scratch / "cache")
    stack = await cache.path(work.stack)
    model = await _model_folder(cache, list(work.model_files), context.folder / "model")
    part = context.folder / "part.raw"
    counter = _Counter()
    teller = asyncio.ensure_future(_tell(context, counter))
    try:
        span = range(work.start, work.stop)
        notes = await asyncio.to_thread(
            _denoise, stack, model, part, span, work.output_dtype, counter.set, context.stop
        )
    finally:
        await ended(teller)
        processor.give_back_memory()
        context.metrics.gpu_memory_bytes.clear()
    await put_file_settled(context.store, work.object_key, part)
    log.info("range denoised", start=work.start, stop=work.stop)
    denoised = RangeDenoised(range_start=work.start, object_key=work.object_key, notes=notes)
    await context.publish(Event(range_denoised=denoised), "done")


class _Counter:
    """Slices done, told from a thread."""

    def __init__(self) -> None:
        self.value = 0

    def set(self, value: int) -> None:
        self.value = value


async def _tell(context: JobContext, counter: _Counter) -> None:
    told = 0
    while True:
        await asyncio.sleep(_TELL_EVERY_S)
        if used := processor.gpu_memory_bytes():
            context.metrics.gpu_memory_bytes.labels("cuda").set(used)
        if counter.value > told:
            told = counter.value
            progress = SlicesDenoised(range_start=context.job.denoise.start, done_count=told)
            try:
                await context.publish(Event(slices_denoised=progress), f"slices.{told}")
            except BackendUnavailableError:
                log.info("progress not told: the broker is away")


async def _model_folder(cache: FileCache, files: list[StoredFile], folder: Path) -> Path:
    """The network's files under their own names."""
    folder.mkdir()
    for file in files:
        shutil.copyfile(await cache.path(file), folder / file.file_name)
    return folder


def _denoise(
    stack: Path,
    model: Path,
    part: Path,
    span: range,
    output_dtype: str,
    tell: Callable[[int], None],
    stop: threading.Event,
) -> list[str]:
    """Writes the denoised slices of a range, one after the other, as raw pixels of the output's data type.

    Returns:
        How the stack differs from what the model was trained on.
    """

    def give_up_when_told(_done: int, _total: int) -> None:
        if stop.is_set():
            raise StoppedError

    denoiser, trained_on = load_denoiser(model), load_card(model).trained_on
    with StackReader(stack) as reader, part.open("wb") as out:
        slices = LazySlices(reader)
        dtype = np.dtype(output_dtype or reader.dtype)
        for count, slices_CYX in enumerate(read_ahead(slices, span, denoiser.num_input_slices), start=1):
            clean_YX = np.empty(slices_CYX.shape[1:], dtype)
            for tile in denoiser.denoise_tiles(slices_CYX, give_up_when_told):
                clean_YX[tile.rows, tile.columns] = to_dtype(tile.pixels_YX, dtype)
            clean_YX.tofile(out)
            tell(count)
        return trained_on.warnings(reader.dtype.name, noise_std([slices[span.start]]))
