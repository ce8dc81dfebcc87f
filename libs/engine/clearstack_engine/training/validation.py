"""The validation loss: held-out pixels, masked as in training, under masks that stay the same all the way.

Axes: B batch, C input slices, Y rows, X columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from clearstack_engine.sampling.seeds import Purpose, torch_generator
from clearstack_engine.training.batches import MaskedBatch, squared_error

if TYPE_CHECKING:
    from torch import nn

    from clearstack_engine.config import StageConfig
    from clearstack_engine.device import Device
    from clearstack_engine.sampling.held_out import HeldOut
    from clearstack_engine.sampling.patches import PatchSource
    from clearstack_engine.training.tasks import Task

ENOUGH_CENTRES = 4000
# A forward pass costs a third of a training step: this keeps validation under a twentieth of the time.
MAX_SHARE_OF_EPOCH = 0.125


class Validation:
    """Fixed batches and their loss.

    Args:
        source: where the patches are cut.
        held_out: which patches, and which of their pixels.
        task: as in training.
        config: as in training.
        device: where it is computed.
    """

    def __init__(
        self,
        source: PatchSource,
        held_out: HeldOut,
        task: Task,
        config: StageConfig,
        device: Device,
    ) -> None:
        self._device = device
        self._batch_size = config.batch_size
        patches_BCYX = source.cut(held_out.positions)
        allowed_BYX = held_out.of(held_out.positions).to(device.device)
        generator = torch_generator(config.seed, Purpose.VALIDATION_MASKS, 0, device.device)
        self._batches: list[MaskedBatch] = []
        num_centres = 0
        num_patches = config.patches_per_slice * source.shape_ZYX[0]
        for _ in range(max(1, int(MAX_SHARE_OF_EPOCH * num_patches / len(patches_BCYX)))):
            # A large mask leaves few centres to a patch: then the same patches are asked again elsewhere.
            batch = task.batch(patches_BCYX, allowed_BYX, generator)
            self._batches.append(batch)
            num_centres += int(batch.centres_BYX.sum())
            if num_centres >= ENOUGH_CENTRES:
                break
        self._num_centres = max(1, num_centres)

    @torch.no_grad()
    def loss(self, network: nn.Module) -> float:
        """Mean squared error per hidden centre, in variances of the stack."""
        total = torch.zeros((), device=self._device.device)
        for batch in self._batches:
            for start in range(0, len(batch.inputs_BCYX), self._batch_size):
                part = batch[start : start + self._batch_size]
                with self._device.autocast():
                    outputs_BYX = network(part.inputs_BCYX)
                total += squared_error(outputs_BYX, part)
        return float(total) / self._num_centres
