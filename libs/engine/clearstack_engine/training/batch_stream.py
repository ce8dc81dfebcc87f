"""The batches of an epoch: fresh patches, fresh augmentation, fresh masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from clearstack_engine.sampling.seeds import Purpose, numpy_generator, torch_generator
from clearstack_engine.training.batches import MaskedBatch, augment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clearstack_engine.config import StageConfig
    from clearstack_engine.sampling.held_out import HeldOut
    from clearstack_engine.sampling.patches import PatchSource, Positions
    from clearstack_engine.symmetry import Symmetry
    from clearstack_engine.training.tasks import Task


class BatchStream:
    """Makes each epoch's batches from the seed and the number of the epoch alone.

    Args:
        source: where patches are cut.
        held_out: pixels that are never predicted in training.
        symmetries: one is drawn for each patch.
        config: patch and batch sizes, seed.
    """

    def __init__(
        self,
        source: PatchSource,
        held_out: HeldOut,
        symmetries: tuple[Symmetry, ...],
        config: StageConfig,
    ) -> None:
        self.num_slices = source.shape_ZYX[0]
        self._source = source
        self._held_out = held_out
        self._symmetries = symmetries
        self._config = config

    def epoch(self, epoch: int, num_patches: int, task: Task) -> Iterator[MaskedBatch]:
        """All batches of an epoch; the last may be smaller."""
        seed = self._config.seed
        positions = self._source.draw(num_patches, numpy_generator(seed, Purpose.POSITIONS, epoch))
        turns = numpy_generator(seed, Purpose.AUGMENTATION, epoch)
        choice = torch.from_numpy(turns.integers(0, len(self._symmetries), num_patches))
        randomness = torch_generator(seed, Purpose.MASKS, epoch, self._source.device)
        for start in range(0, num_patches, self._config.batch_size):
            stop = min(start + self._config.batch_size, num_patches)
            yield self._batch(positions.part(start, stop), choice[start:stop], task, randomness)

    def _batch(
        self, positions: Positions, choice_B: torch.Tensor, task: Task, randomness: torch.Generator
    ) -> MaskedBatch:
        patches_BCYX = self._source.cut(positions)
        allowed_BYX = ~self._held_out.of(positions).to(patches_BCYX.device)
        if len(self._symmetries) > 1:
            choice_B = choice_B.to(patches_BCYX.device)
            patches_BCYX = augment(patches_BCYX, self._symmetries, choice_B)
            allowed_BYX = augment(allowed_BYX, self._symmetries, choice_B)
        return task.batch(patches_BCYX, allowed_BYX, randomness)
