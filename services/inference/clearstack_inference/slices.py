"""Slices of a stack on disk, by index, the last few kept: triplets of neighbours overlap.

Axes: C input slices, Y rows, X columns.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from clearstack_engine.denoising import triplet
from clearstack_stacks.reading import StackReader
from numpy.typing import NDArray

_KEPT = 4
# A larger slice takes so long to denoise that waiting for it is nothing, and two of them take much memory.
_LARGEST_AHEAD_BYTES = 64 << 20


class LazySlices:
    """Looks like a (Z, Y, X) array to code that takes one slice at a time."""

    def __init__(self, reader: StackReader) -> None:
        self._num_slices = reader.num_slices
        self.slice_bytes = reader.layout.slice_bytes
        self._read = lru_cache(maxsize=_KEPT if self.slice_bytes <= _LARGEST_AHEAD_BYTES else 1)(
            reader.read_slice
        )

    def __len__(self) -> int:
        return self._num_slices

    def __getitem__(self, z: int) -> NDArray[np.generic]:
        return self._read(int(z))


def read_ahead(
    slices: LazySlices, span: Iterable[int], num_input_slices: int
) -> Iterator[NDArray[np.generic]]:
    """What a network sees for each slice, (C, Y, X); the next one is read and decoded while this one is dealt with."""

    def read(z: int) -> NDArray[np.generic]:
        return triplet(slices, z) if num_input_slices > 1 else slices[z][None]

    if num_input_slices * slices.slice_bytes > _LARGEST_AHEAD_BYTES:
        yield from map(read, span)
        return
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming: Future[NDArray[np.generic]] | None = None
        for z in span:
            ready, coming = coming, reader.submit(read, z)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()
