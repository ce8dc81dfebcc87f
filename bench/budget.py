"""From a budget of CPU-seconds to a number of epochs: the learning rate's schedule wants to know its end beforehand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Epochs:
    """How long to train."""

    num_epochs: int
    patches_per_slice: int


def epochs_within(
    budget_s: float, *, patches_per_s: float, num_slices: int, patches_per_slice: int, fewest_epochs: int = 4
) -> Epochs:
    """As many epochs of about `patches_per_slice` as fit, and of such a length that they fill the budget.

    Args:
        budget_s: for all of it.
        patches_per_s: speed of the training, its validation included.
        num_slices: of the stack.
        patches_per_slice: what the preset says; less where the budget is too short for `fewest_epochs` of these.
        fewest_epochs: as many are made even of a short budget, so that the best of several can be kept.

    Raises:
        ValueError: budget or speed are not positive.
    """
    if budget_s <= 0 or patches_per_s <= 0:
        raise ValueError(f"budget and speed are positive, not {budget_s} s and {patches_per_s} patches/s")
    patches_per_slice_in_all = budget_s * patches_per_s / num_slices
    num_epochs = max(fewest_epochs, round(patches_per_slice_in_all / patches_per_slice))
    return Epochs(
        num_epochs=num_epochs, patches_per_slice=max(1, round(patches_per_slice_in_all / num_epochs))
    )


def stage_1_share(stage_1_pixels: float, stage_2_pixels: float) -> float:
    """Of a budget for both stages: as their preset divides it, by pixels that go through the networks."""
    return stage_1_pixels / (stage_1_pixels + stage_2_pixels)
