"""Makes masked batches: patches, augmented, with fresh blind spots and something else in the place of what is hidden.

Axes: B batch, C input slices, Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from clearstack_engine.masking.replacement import replace, resolve

if TYPE_CHECKING:
    from clearstack_engine.config import MaskingStrategy
    from clearstack_engine.masking.blind_spot import BlindSpot
    from clearstack_engine.symmetry import Symmetry


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """What the network sees, what it should say, and where it is asked."""

    inputs_BCYX: torch.Tensor
    targets_BYX: torch.Tensor
    centres_BYX: torch.Tensor

    def __getitem__(self, part: slice) -> MaskedBatch:
        return MaskedBatch(self.inputs_BCYX[part], self.targets_BYX[part], self.centres_BYX[part])


def mask_batch(
    patches_BCYX: torch.Tensor,
    allowed_BYX: torch.Tensor,
    blind_spot: BlindSpot,
    strategy: MaskingStrategy,
    *,
    generator: torch.Generator,
) -> MaskedBatch:
    """Hide random pixels, only where that is allowed, and everything that the blind spot says goes with them."""
    shape_BYX = tuple(allowed_BYX.shape)
    centres_BYX = blind_spot.draw_centres(shape_BYX, generator=generator, device=patches_BCYX.device)
    centres_BYX &= allowed_BYX
    resolved = resolve(strategy, is_structured=blind_spot.is_structured)
    # A mask of one pixel lies on the middle slice only, also where three are seen.
    inputs_BCYX = replace(patches_BCYX, blind_spot.hide(centres_BYX), resolved, generator=generator)
    return MaskedBatch(inputs_BCYX, patches_BCYX[:, patches_BCYX.shape[1] // 2], centres_BYX)


def augment(
    images_BCYX: torch.Tensor, symmetries: tuple[Symmetry, ...], choice_B: torch.Tensor
) -> torch.Tensor:
    """Apply to each image the symmetry of its number."""
    augmented_BCYX = torch.empty_like(images_BCYX)
    for number, symmetry in enumerate(symmetries):
        members_B = choice_B == number
        augmented_BCYX[members_B] = symmetry.apply(images_BCYX[members_B])
    return augmented_BCYX


def squared_error(outputs_BYX: torch.Tensor, batch: MaskedBatch) -> torch.Tensor:
    """The sum of squared errors over the hidden centres (Krull et al. 2019, equation 8): a scalar."""
    return ((outputs_BYX - batch.targets_BYX).square() * batch.centres_BYX).sum()
