"""GetStackView and GetStackTile."""

import asyncio
from dataclasses import dataclass

import numpy as np
from clearstack.v1 import stack_service_pb2 as pb
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.errors import InvalidFieldsError
from clearstack_common.objects import ObjectStore
from clearstack_stacks.pyramid import TILE_PX, Pyramid, level_shapes

from clearstack_gateway.use_cases.stacks import Stacks, require_ready
from clearstack_gateway.viewing.budget import Budget
from clearstack_gateway.viewing.slices import Key, Slices

_PERCENTILES = (0.1, 99.9)
# Enough pixels for a percentile that the eye cannot tell from the true one.
_LOOKED_AT_PX = 1 << 20
_MOST_CONTRASTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Brightness of a slice: smallest, at the percentiles, largest; of pixels that are numbers."""

    minimum: float
    low: float
    high: float
    maximum: float


class Views:
    """Shows stacks slice by slice, in squares.

    Args:
        stacks: Knows them.
        store: Has their files.
        most_bytes: Of slices that are kept in memory.
    """

    def __init__(self, stacks: Stacks, store: ObjectStore, most_bytes: int) -> None:
        self._stacks = stacks
        self._slices = Slices(store, most_bytes)
        self._contrasts: Budget[Key, Contrast] = Budget(_MOST_CONTRASTS, lambda _: 1)

    async def view(self, name: str) -> pb.GetStackViewResponse:
        """What there is to be shown.

        Raises:
            WrongStateError: The stack is not ready.
            ClearstackError: Its slices cannot be shown.
        """
        stack = await self._ready(name)
        key = (stack.object_key, stack.sha256)
        contrast = self._contrasts.get(key)
        if contrast is None:
            pyramid = await self._slices.pyramid(stack, stack.info.slice_count // 2)
            contrast = await asyncio.to_thread(_contrast, pyramid)
            self._contrasts.put(key, contrast)
        return _described(stack, contrast)

    async def tile(self, request: pb.GetStackTileRequest) -> pb.GetStackTileResponse:
        """A square of a slice.

        Raises:
            InvalidFieldsError: There is no such slice, level or square.
            WrongStateError: The stack is not ready.
            ClearstackError: Its slices cannot be shown.
        """
        stack = await self._ready(request.name)
        if wrong := _outside(request, stack):
            raise InvalidFieldsError(wrong)
        pyramid = await self._slices.pyramid(stack, request.slice)
        tile_YX = pyramid.tile(request.level, request.column, request.row)
        is_short = tile_YX.dtype.itemsize == np.dtype(np.uint16).itemsize
        return pb.GetStackTileResponse(
            height=tile_YX.shape[0],
            width=tile_YX.shape[1],
            format=pb.SAMPLE_FORMAT_UINT16 if is_short else pb.SAMPLE_FORMAT_FLOAT32,
            samples=tile_YX.tobytes(),
            scale=pyramid.scale,
            offset=pyramid.offset,
        )

    async def _ready(self, name: str) -> Stack:
        stack = await self._stacks.get(name)
        require_ready(stack)
        return stack


def _described(stack: Stack, contrast: Contrast) -> pb.GetStackViewResponse:
    info = stack.info
    response = pb.GetStackViewResponse(
        slice_count=info.slice_count,
        height=info.height,
        width=info.width,
        dtype=info.dtype,
        tile_size=TILE_PX,
        levels=[
            pb.ViewLevel(height=rows, width=columns)
            for rows, columns in level_shapes(info.height, info.width)
        ],
        low=contrast.low,
        high=contrast.high,
        minimum=contrast.minimum,
        maximum=contrast.maximum,
    )
    if info.HasField("pixel_size_um"):
        response.pixel_size_um = info.pixel_size_um
    return response


def _contrast(pyramid: Pyramid) -> Contrast:
    full_YX = pyramid.levels[0]
    values = full_YX.reshape(-1)[:: max(1, full_YX.size // _LOOKED_AT_PX)]
    if values.dtype == np.float32:
        values = values[np.isfinite(values)]
    if not values.size:
        return Contrast(minimum=0.0, low=0.0, high=1.0, maximum=1.0)
    low, high = np.percentile(values, _PERCENTILES)
    found = [
        float(value) * pyramid.scale + pyramid.offset for value in (values.min(), low, high, values.max())
    ]
    return Contrast(minimum=found[0], low=found[1], high=found[2], maximum=found[3])


def _outside(request: pb.GetStackTileRequest, stack: Stack) -> list[tuple[str, str]]:
    levels = level_shapes(stack.info.height, stack.info.width)
    limits = {"slice": stack.info.slice_count, "level": len(levels)}
    if 0 <= request.level < len(levels):
        rows, columns = levels[request.level]
        limits |= {"row": -(-rows // TILE_PX), "column": -(-columns // TILE_PX)}
    return [
        (field, f"is {getattr(request, field)}; there are 0 to {count - 1}")
        for field, count in limits.items()
        if not 0 <= getattr(request, field) < count
    ]
