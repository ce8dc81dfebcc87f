"""The last step of a denoising: one TIFF of all parts, like the input in shape, data type and metadata."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import structlog
from clearstack.v1.event_pb2 import Event, ResultAssembled
from clearstack_common.objects import FileCache
from clearstack_common.objects.settled import put_file_settled
from clearstack_common.worker import JobContext
from clearstack_stacks.reading import StackReader
from clearstack_stacks.writing import write_like
from numpy.typing import NDArray

log = structlog.get_logger()


async def assemble(context: JobContext) -> None:
    """Puts the file together, stores it and removes the parts."""
    work = context.job.assemble
    cache = FileCache(context.store, context.settings.scratch / "cache")
    stack = await cache.path(work.stack)
    parts = []
    for index, key in enumerate(work.part_keys):
        path = context.folder / f"part-{index}.raw"
        await context.store.fetch_unverified(key, path)
        parts.append(path)
    result = context.folder / "result.tif"
    await asyncio.to_thread(_write, stack, parts, result, work.output_dtype or None, context.stop)
    file = await put_file_settled(context.store, work.object_key, result)
    await context.publish(Event(result_assembled=ResultAssembled(file=file)), "done")
    await context.store.delete(work.part_keys)
    log.info("result assembled", key=work.object_key, size_bytes=file.size_bytes)


def _write(
    stack: Path, parts: list[Path], result: Path, output_dtype: str | None, stop: threading.Event
) -> None:
    with StackReader(stack) as reader:
        shape_YX, dtype = reader.shape_ZYX[1:], np.dtype(output_dtype or reader.dtype)
    write_like(stack, result, _slices(parts, shape_YX, dtype, stop), dtype=output_dtype)


def _slices(
    parts: list[Path], shape_YX: tuple[int, int], dtype: np.dtype[np.generic], stop: threading.Event
) -> Iterator[NDArray[np.generic]]:
    size_bytes = shape_YX[0] * shape_YX[1] * dtype.itemsize
    for part in parts:
        with part.open("rb") as file:
            while data := file.read(size_bytes):
                if stop.is_set():
                    raise InterruptedError
                yield np.frombuffer(data, dtype).reshape(shape_YX)
        part.unlink()
