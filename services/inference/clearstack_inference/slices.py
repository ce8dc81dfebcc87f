"""Slices of a stack on disk, by index, the last few kept: triplets of neighbours overlap."""

from functools import lru_cache

import numpy as np
from clearstack_stacks.reading import StackReader
from numpy.typing import NDArray

_KEPT = 4


class LazySlices:
    """Looks like a (Z, Y, X) array to code that takes one slice at a time."""

    def __init__(self, reader: StackReader) -> None:
        self._num_slices = reader.num_slices
        self._read = lru_cache(maxsize=_KEPT)(reader.read_slice)

    def __len__(self) -> int:
        return self._num_slices

    def __getitem__(self, z: int) -> NDArray[np.generic]:
        return self._read(int(z))
