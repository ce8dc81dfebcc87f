"""Stacks that are made on the spot, so that anyone can try everything without data."""

import asyncio
import io
from collections.abc import AsyncIterator

import tifffile
from clearstack.v1 import stack_service_pb2
from clearstack.v1.stack_service_pb2 import SampleStack, Stack
from clearstack_common.errors import InvalidFieldsError
from clearstack_stacks.samples import make_sample

from clearstack_gateway.use_cases.stacks import Stacks

# Enough slices for 2.5D, and few enough pixels for a training of minutes.
_NUM_SLICES, _SIDE_PX, _SEED = 24, 192, 0
_CHUNK_BYTES = 1 << 20
_TEXTS = {
    "rows": (
        "Noise along rows",
        "Neighbouring pixels of a row share it, as from a slow detector in a scanning microscope: for autoStructN2V.",
    ),
    "stripes": (
        "Stripes along columns",
        "Streaks as from a light sheet, whose strength swells across the slice: for autoStructN2V.",
    ),
    "white": (
        "White noise",
        "Independent in every pixel, as from electronics: N2V is all that it takes.",
    ),
    "poisson": (
        "Few photons",
        "So little light that photons can be counted, and the camera's noise: N2V is all that it takes.",
    ),
}
SAMPLES = tuple(
    SampleStack(
        id=name,
        title=title,
        description=description,
        slice_count=_NUM_SLICES,
        height=_SIDE_PX,
        width=_SIDE_PX,
    )
    for name, (title, description) in _TEXTS.items()
)


async def create_sample(stacks: Stacks, sample: str, request_id: str, creator: str) -> Stack:
    """Makes a sample and takes it in as any upload.

    Raises:
        InvalidFieldsError: There is no such sample.
    """
    if sample not in _TEXTS:
        raise InvalidFieldsError([("sample", f"is {sample[:80]!r}; there are {', '.join(_TEXTS)}")])
    stack, _ = await stacks.create(f"sample-{sample}.tif", request_id, creator)
    if stack.state == stack_service_pb2.STACK_STATE_UPLOADING:
        data = await asyncio.to_thread(_tiff, sample)
        await stacks.upload(stack.name, _chunks(data, (await stacks.get(stack.name)).uploaded_bytes))
        stack = await stacks.finalize(stack.name, len(data), "")
    return stack


def _tiff(sample: str) -> bytes:
    made = make_sample(sample, num_slices=_NUM_SLICES, side_px=_SIDE_PX, seed=_SEED)
    file = io.BytesIO()
    tifffile.imwrite(file, made.noisy_ZYX, imagej=True, metadata={"axes": "ZYX"})
    return file.getvalue()


async def _chunks(data: bytes, start: int) -> AsyncIterator[tuple[int, bytes]]:
    for offset in range(start, len(data), _CHUNK_BYTES):
        yield offset, data[offset : offset + _CHUNK_BYTES]
