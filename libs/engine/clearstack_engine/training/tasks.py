"""What the network is asked to do with a batch of patches.

Axes: B batch, C input slices, Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from clearstack_engine.training.batches import MaskedBatch, mask_batch, recorrupt_batch

if TYPE_CHECKING:
    import torch

    from clearstack_engine.config import MaskingStrategy
    from clearstack_engine.masking.blind_spot import BlindSpot
    from clearstack_engine.recorruption import NoiseSource


class Task(Protocol):
    """Makes of noisy patches what the network sees, and what it should say."""

    def batch(
        self, patches_BCYX: torch.Tensor, allowed_BYX: torch.Tensor, generator: torch.Generator
    ) -> MaskedBatch:
        """Asks only where that is allowed: bool (B, Y, X)."""
        ...


@dataclass(frozen=True, slots=True)
class PredictBlind:
    """Predict hidden pixels from what is around them."""

    blind_spot: BlindSpot
    strategy: MaskingStrategy

    def batch(
        self, patches_BCYX: torch.Tensor, allowed_BYX: torch.Tensor, generator: torch.Generator
    ) -> MaskedBatch:
        """See `mask_batch`."""
        return mask_batch(patches_BCYX, allowed_BYX, self.blind_spot, self.strategy, generator=generator)


@dataclass(frozen=True, slots=True)
class RemoveKnownNoise:
    """Predict a second recording of the same, with known noise added to both."""

    source: NoiseSource

    def batch(
        self, patches_BCYX: torch.Tensor, allowed_BYX: torch.Tensor, generator: torch.Generator
    ) -> MaskedBatch:
        """See `recorrupt_batch`."""
        return recorrupt_batch(patches_BCYX, allowed_BYX, self.source, generator=generator)
