"""What a hidden pixel is replaced with. Never with its own value, never with that of another hidden pixel nearby.

Where the mask is a single pixel, its neighbours are the natural stand-in (Höck et al., "N2V2", ECCV 2022 workshops,
section 3.2). Where the noise is structured, a neighbour carries the very noise that is to be hidden: there a value
from anywhere in the patch serves better.

Axes: B batch, C input slices, Y rows, X columns, N hidden pixels, K neighbours of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from clearstack_engine.config import MaskingStrategy

WINDOW_RADIUS_PX = 2
ROLLED_SHARE = 0.5


def resolve(strategy: MaskingStrategy, *, is_structured: bool) -> MaskingStrategy:
    """What `auto` stands for: what measured best for this kind of mask."""
    if strategy != "auto":
        return strategy
    return "random" if is_structured else "local_mean"


def replace(
    patches_BCYX: torch.Tensor,
    hidden_BCYX: torch.Tensor,
    strategy: MaskingStrategy,
    *,
    generator: torch.Generator,
) -> torch.Tensor:
    """The patches with every hidden pixel replaced; float32 of z-scores in and out, the input is left alone.

    Args:
        patches_BCYX: float32, normalised.
        hidden_BCYX: bool, True where a pixel is hidden.
        strategy: any but `auto`, see `resolve`.
        generator: the source of randomness, on the device of the patches.
    """
    if strategy == "zeros":
        return patches_BCYX.masked_fill(hidden_BCYX, 0.0)  # zero is the mean of the normalised stack
    if strategy == "random":
        return torch.where(hidden_BCYX, _from_elsewhere(patches_BCYX, generator), patches_BCYX)
    values_NK, usable_NK = _neighbours(patches_BCYX, hidden_BCYX)
    if strategy == "local_mean":
        values_N = (values_NK * usable_NK).sum(1) / usable_NK.sum(1).clamp(min=1)
    elif strategy == "median":
        values_N = values_NK.masked_fill(~usable_NK, torch.nan).nanmedian(1).values.nan_to_num(0.0)
    else:
        draws_NK = torch.rand(values_NK.shape, generator=generator, device=values_NK.device)
        chosen_N1 = draws_NK.masked_fill(~usable_NK, -1.0).argmax(1, keepdim=True)
        values_N = (values_NK * usable_NK).gather(1, chosen_N1)[:, 0]
    replaced_BCYX = patches_BCYX.clone()
    replaced_BCYX[hidden_BCYX] = values_N
    return replaced_BCYX


def _from_elsewhere(patches_BCYX: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """For half of the patches pixels drawn one by one, for the other half another patch, rolled.

    Values that are drawn one by one show the network best what is hidden, but they cancel under a mask: a network that
    adds up what it sees there is hardly punished for it, and bright places come out far too bright. Pixels that lay
    side by side elsewhere do not cancel.
    """
    one_by_one_BCYX = _drawn_one_by_one(patches_BCYX, generator)
    rolled_BCYX = _rolled(patches_BCYX, generator)
    chosen_B = torch.rand(len(patches_BCYX), generator=generator, device=patches_BCYX.device) < ROLLED_SHARE
    return torch.where(chosen_B[:, None, None, None], rolled_BCYX, one_by_one_BCYX)


def _drawn_one_by_one(patches_BCYX: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """For every pixel the value of a random other pixel of its patch and slice."""
    flat_BCN = patches_BCYX.flatten(2)
    num_pixels = flat_BCN.shape[2]
    shift_BCN = torch.randint(
        1, num_pixels, flat_BCN.shape, generator=generator, device=flat_BCN.device, dtype=torch.int64
    )
    index_BCN = (shift_BCN + torch.arange(num_pixels, device=flat_BCN.device)) % num_pixels
    return flat_BCN.gather(2, index_BCN).view_as(patches_BCYX)


def _rolled(patches_BCYX: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """For every patch another one of the batch, moved by random rows and columns (itself, if it is alone)."""
    num_patches, _, num_rows, num_columns = patches_BCYX.shape

    def draw(low: int, high: int) -> int:
        return int(
            torch.randint(low, max(high, low + 1), (), generator=generator, device=patches_BCYX.device)
        )

    shifts = (draw(min(1, num_patches - 1), num_patches), draw(1, num_rows), draw(1, num_columns))
    return patches_BCYX.roll(shifts, dims=(0, 2, 3))


def _neighbours(patches_BCYX: torch.Tensor, hidden_BCYX: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Values around each hidden pixel, and which of them may be used: in the patch and not hidden themselves."""
    radius = WINDOW_RADIUS_PX
    values_BCYX = functional.pad(patches_BCYX, (radius,) * 4)
    usable_BCYX = functional.pad(~hidden_BCYX, (radius,) * 4, value=False)
    num_rows, num_columns = values_BCYX.shape[2:]
    b_N, c_N, y_N, x_N = hidden_BCYX.nonzero(as_tuple=True)
    corner_N = ((b_N * hidden_BCYX.shape[1] + c_N) * num_rows + y_N) * num_columns + x_N
    steps = torch.arange(2 * radius + 1, device=corner_N.device)
    offsets_K = (steps[:, None] * num_columns + steps).flatten()
    index_NK = corner_N[:, None] + offsets_K
    return values_BCYX.flatten()[index_NK], usable_BCYX.flatten()[index_NK]
