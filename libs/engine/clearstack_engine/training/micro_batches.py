"""Splits a batch when memory runs out; gradients add up, so that the result is that of the whole batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from clearstack_engine.errors import OutOfMemoryError
from clearstack_engine.out_of_memory import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable


class MicroBatches:
    """Remembers how large a part of a batch fits into memory.

    Args:
        batch_size: patches in a batch; the first attempt is the whole.
    """

    def __init__(self, batch_size: int) -> None:
        self.size = batch_size
        self._notes: list[str] = []

    def run(self, num_patches: int, restart: Callable[[], None], work: Callable[[slice], None]) -> None:
        """Call `work` on slices that cover the batch; when memory runs out, halve, `restart` and begin again.

        Args:
            num_patches: in this batch.
            restart: undoes what `work` has done so far (clears the gradients).
            work: the forward and backward pass of one part.

        Raises:
            OutOfMemoryError: a single patch does not fit.
        """
        while True:
            restart()
            try:
                for start in range(0, num_patches, self.size):
                    work(slice(start, min(start + self.size, num_patches)))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(error)
            else:
                return

    def take_notes(self) -> tuple[str, ...]:
        """What happened since the last call."""
        notes, self._notes = tuple(self._notes), []
        return notes

    def _halve(self, error: Exception) -> None:
        if self.size == 1:
            raise OutOfMemoryError(
                "A single patch does not fit into memory: reduce the patch size or the number of features."
            ) from error
        self.size //= 2
        self._notes.append(f"Out of memory: the batch is now computed in parts of {self.size}.")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
