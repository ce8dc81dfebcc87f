from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from clearstack_engine.config import MaskingStrategy
from clearstack_engine.masking.blind_spot import BlindSpot
from clearstack_engine.masking.replacement import replace, resolve
from clearstack_engine.network.unet import Architecture, UNet

STRATEGIES = [name for name in get_args(MaskingStrategy) if name != "auto"]
ROW_ZYX = np.ones((1, 1, 9), dtype=np.bool_)


def generator(seed: int = 0) -> torch.Generator:
    """A generator of its own for every draw."""
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("mask_ZYX", [None, ROW_ZYX, np.ones((1, 3, 5), dtype=np.bool_)])
@pytest.mark.parametrize("percentage", [2.0, 15.0, 50.0])
def test_share_of_replaced_pixels(mask_ZYX: np.ndarray | None, percentage: float) -> None:
    """The mask percentage is the share of pixels that are replaced, whatever the shape of the mask."""  # spec: C4
    blind_spot = BlindSpot(mask_ZYX, num_input_slices=1, mask_percentage=percentage)
    centres_BYX = blind_spot.draw_centres((8, 64, 64), generator=generator(), device=torch.device("cpu"))
    share = float(blind_spot.hide(centres_BYX).float().mean())
    assert share == pytest.approx(percentage / 100, rel=0.15)


def test_mask_lies_around_the_centre_as_it_stands() -> None:
    """A lopsided mask is neither mirrored nor shifted."""
    mask_ZYX = np.zeros((1, 3, 5), dtype=np.bool_)
    mask_ZYX[0, 1, 2] = mask_ZYX[0, 0, 4] = True
    blind_spot = BlindSpot(mask_ZYX, num_input_slices=1, mask_percentage=10)
    centres_BYX = torch.zeros((1, 9, 9), dtype=torch.bool)
    centres_BYX[0, 4, 4] = True
    hidden = blind_spot.hide(centres_BYX).nonzero().tolist()
    assert hidden == [[0, 0, 3, 6], [0, 0, 4, 4]]


def test_single_pixel_hides_the_middle_slice_only() -> None:
    """With three input slices, the neighbours of a pixel with white noise stay visible."""
    blind_spot = BlindSpot(None, num_input_slices=3, mask_percentage=10)
    centres_BYX = torch.ones((1, 4, 4), dtype=torch.bool)
    assert blind_spot.hide(centres_BYX).float().mean(dim=(0, 2, 3)).tolist() == [0, 1, 0]


def test_mask_of_three_slices_hides_its_own_shape_in_each() -> None:
    """Each input slice has its own plane of a triplet mask."""
    mask_ZYX = np.zeros((3, 3, 3), dtype=np.bool_)
    mask_ZYX[1, 1, 1] = mask_ZYX[0, 1, 2] = True
    centres_BYX = torch.zeros((1, 5, 5), dtype=torch.bool)
    centres_BYX[0, 2, 2] = True
    hidden = BlindSpot(mask_ZYX, num_input_slices=3, mask_percentage=10).hide(centres_BYX)
    assert hidden.nonzero().tolist() == [[0, 0, 2, 3], [0, 1, 2, 2]]


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 3, 3), (3, 3)])
def test_misshapen_mask_is_refused(shape: tuple[int, ...]) -> None:
    """A mask without a centre pixel cannot be laid around one."""
    with pytest.raises(ValueError, match="odd sides"):
        BlindSpot(np.ones(shape, dtype=np.bool_), num_input_slices=1, mask_percentage=10)


def test_mask_without_its_centre_is_refused() -> None:
    """A mask that leaves the pixel itself visible would teach the network to copy."""
    mask_ZYX = ROW_ZYX.copy()
    mask_ZYX[0, 0, 4] = False
    with pytest.raises(ValueError, match="centre"):
        BlindSpot(mask_ZYX, num_input_slices=1, mask_percentage=10)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_hidden_pixel_keeps_its_value(strategy: MaskingStrategy) -> None:
    """Every hidden pixel gets another value, every other pixel keeps its own."""  # spec: C13
    patches_BCYX = torch.randn((4, 1, 32, 32), generator=generator())
    hidden_BCYX = torch.rand(patches_BCYX.shape, generator=generator(1)) < 0.2
    before_BCYX = patches_BCYX.clone()
    replaced_BCYX = replace(patches_BCYX, hidden_BCYX, strategy, generator=generator(2))
    assert torch.equal(patches_BCYX, before_BCYX)
    assert torch.equal(replaced_BCYX[~hidden_BCYX], patches_BCYX[~hidden_BCYX])
    assert (replaced_BCYX[hidden_BCYX] != patches_BCYX[hidden_BCYX]).all()


@pytest.mark.parametrize("strategy", ["local_mean", "zeros", "neighbour", "median"])
def test_network_cannot_see_what_is_hidden(strategy: MaskingStrategy) -> None:
    """Whatever the hidden pixels are changed to, a network's whole output stays the same to the last bit."""
    blind_spot = BlindSpot(ROW_ZYX, num_input_slices=1, mask_percentage=30)
    patches_BCYX = torch.randn((2, 1, 16, 16), generator=generator())
    centres_BYX = blind_spot.draw_centres((2, 16, 16), generator=generator(1), device=torch.device("cpu"))
    hidden_BCYX = blind_spot.hide(centres_BYX)
    changed_BCYX = torch.where(hidden_BCYX, 100.0, patches_BCYX)
    network = UNet(
        Architecture(
            num_features=8, num_layers=2, num_input_slices=1, resize_convolution=True, upsampling="bilinear"
        )
    )
    outputs = [
        network(replace(images_BCYX, hidden_BCYX, strategy, generator=generator(2)))
        for images_BCYX in (patches_BCYX, changed_BCYX)
    ]
    assert torch.equal(*outputs)


def test_auto_never_uses_neighbours_for_structured_noise() -> None:
    """A neighbour carries the very noise that a structured mask hides."""
    assert resolve("auto", is_structured=True) == "random"
    assert resolve("zeros", is_structured=True) == "zeros"
    assert resolve("auto", is_structured=False) in STRATEGIES


def test_hidden_rows_become_rows_from_other_patches_in_half_of_the_patches() -> None:
    """What is hidden together gets pixels that lay side by side elsewhere, or drawn one by one from its own patch."""  # spec: C13
    ramp_X = torch.arange(16.0)
    patches_BCYX = torch.stack([100 * patch + ramp_X.repeat(16, 1) for patch in range(40)])[:, None]
    hidden_BCYX = torch.zeros_like(patches_BCYX, dtype=torch.bool)
    hidden_BCYX[:, :, 8, 4:11] = True
    replaced_BCYX = replace(patches_BCYX, hidden_BCYX, "random", generator=generator())
    rows_BX = replaced_BCYX[:, 0, 8, 4:11]
    is_own_B = (rows_BX // 100 == torch.arange(40)[:, None]).all(1)
    is_run_B = ((rows_BX.diff(dim=1) == 1) | (rows_BX.diff(dim=1) == -15)).all(1)  # the ramp may wrap
    assert torch.equal(is_run_B, ~is_own_B)
    assert 10 <= int(is_run_B.sum()) <= 30
    assert torch.equal(replaced_BCYX[~hidden_BCYX], patches_BCYX[~hidden_BCYX])
