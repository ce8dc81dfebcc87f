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
    from clearstack_engine.recorruption.noise_source import NoiseSource
    from clearstack_engine.symmetry import Symmetry

# The input gets a quarter more variance, the target five times as much: more in the input would train a network for
# noisier images, less would leave a target that tells little.
RECORRUPTION = 0.5


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """What the network sees, what it should say, and where it is asked.

    `added_BYX` is the noise that was added to the targets, None where they are as they were recorded.
    """

    inputs_BCYX: torch.Tensor
    targets_BYX: torch.Tensor
    centres_BYX: torch.Tensor
    added_BYX: torch.Tensor | None = None

    def __getitem__(self, part: slice) -> MaskedBatch:
        added_BYX = None if self.added_BYX is None else self.added_BYX[part]
        return MaskedBatch(self.inputs_BCYX[part], self.targets_BYX[part], self.centres_BYX[part], added_BYX)


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


def recorrupt_batch(
    patches_BCYX: torch.Tensor,
    allowed_BYX: torch.Tensor,
    source: NoiseSource,
    *,
    generator: torch.Generator,
) -> MaskedBatch:
    """Noisier patches, and targets with noise of their own, asked for wherever that is allowed.

    With n the stack's noise and m fresh noise like it, the noise of y + a m and that of y - m / a are independent: to
    predict the one from the other is to denoise as with two recordings, and the network may see the pixel itself.
    Pang, Zheng, Quan, Ji, "Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image Denoising", CVPR 2021,
    section 3; there for white noise of a known level, here for what was measured.
    """
    noise_BCYX = source.draw(patches_BCYX, generator)
    middle = patches_BCYX.shape[1] // 2
    added_BYX = noise_BCYX[:, middle] / -RECORRUPTION
    return MaskedBatch(
        inputs_BCYX=patches_BCYX + RECORRUPTION * noise_BCYX,
        targets_BYX=patches_BCYX[:, middle] + added_BYX,
        centres_BYX=allowed_BYX,
        added_BYX=added_BYX,
    )


def squared_error(outputs_BYX: torch.Tensor, batch: MaskedBatch) -> torch.Tensor:
    """The sum of squared errors over the hidden centres (Krull et al. 2019, equation 8): a scalar.

    The power of noise that was added to the targets is taken off again: what is left is, on average, the error against
    the targets as they were recorded.
    """
    error_BYX = (outputs_BYX - batch.targets_BYX).square()
    if batch.added_BYX is not None:
        error_BYX = error_BYX - batch.added_BYX.square()
    return (error_BYX * batch.centres_BYX).sum()
