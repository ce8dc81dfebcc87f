from __future__ import annotations

import numpy as np
import pytest
import torch
from clearstack_engine.errors import StackError
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.sampling import patches as patches_module
from clearstack_engine.sampling.held_out import HeldOut
from clearstack_engine.sampling.patches import PatchSource, Positions, neighbours_of
from hypothesis import given
from hypothesis import strategies as st
from unit.engine.engine_examples import noisy_stack

CPU = torch.device("cpu")


def source_of(stack_ZYX: np.ndarray, num_input_slices: int = 1) -> PatchSource:
    """Patches of 16 px in the stack's own units."""
    return PatchSource(
        stack_ZYX,
        Normalisation(mean=0.0, std=1.0),
        patch_size_px=16,
        num_input_slices=num_input_slices,
        device=CPU,
    )


@pytest.mark.parametrize("resident", [True, False])
def test_patches_are_pieces_of_the_stack(resident: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A patch is what slicing gives, from memory and from a file that is too large for it."""
    if not resident:
        monkeypatch.setattr(patches_module, "RESIDENT_BYTES_CPU", 0)
    stack_ZYX = noisy_stack(4, 40, 50)
    positions = Positions(np.array([0, 3]), np.array([24, 5]), np.array([0, 34]))
    patches_BCYX = source_of(stack_ZYX, 3).cut(positions)
    assert patches_BCYX.shape == (2, 3, 16, 16)
    assert np.array_equal(patches_BCYX[0].numpy(), stack_ZYX[[1, 0, 1], 24:40, 0:16])
    assert np.array_equal(patches_BCYX[1].numpy(), stack_ZYX[[2, 3, 2], 5:21, 34:50])


def test_some_patches_see_one_neighbour_twice() -> None:
    """What the ends of a stack see is learnt from all slices: there are only two ends."""  # spec: A6
    stack_ZYX = np.arange(5.0).repeat(16 * 16).reshape(5, 16, 16)
    source = source_of(stack_ZYX, 3)
    seen_BC = source.cut(source.draw(1000, np.random.default_rng(0)))[:, :, 0, 0]
    inner_BC = seen_BC[(seen_BC[:, 1] > 0) & (seen_BC[:, 1] < 4)]
    twice_B = inner_BC[:, 0] == inner_BC[:, 2]
    assert 0.05 < float(twice_B.float().mean()) < 0.15
    assert set((inner_BC - inner_BC[:, 1:2])[twice_B][:, 0].tolist()) == {-1.0, 1.0}
    once_BC = (inner_BC[~twice_B] - inner_BC[~twice_B][:, 1:2]).numpy()
    assert np.unique(once_BC, axis=0).tolist() == [[-1.0, 0.0, 1.0]]


def test_every_place_can_be_drawn() -> None:
    """The corners reach from the first pixel to the last that leaves room for a patch."""
    positions = source_of(noisy_stack(2, 18, 17)).draw(500, np.random.default_rng(0))
    assert set(positions.y_B) == {0, 1, 2}
    assert set(positions.x_B) == {0, 1}
    assert set(positions.z_B) == {0, 1}


def test_single_slice_is_its_own_neighbour() -> None:
    """A stack without neighbours still gives triplets."""
    assert neighbours_of(np.array([0]), 1, 3).tolist() == [[0, 0, 0]]


@given(st.integers(1, 5), st.integers(16, 70), st.integers(16, 70), st.sampled_from([16, 32]))
def test_some_pixels_are_held_out_but_few(z: int, y: int, x: int, size: int) -> None:
    """In any stack, validation has pixels to judge by and training keeps nearly all."""
    shape_ZYX = (z, max(y, size), max(x, size))
    held_out = HeldOut(shape_ZYX, patch_size_px=size, generator=np.random.default_rng(1))
    assert held_out.of(held_out.positions).any()
    assert held_out._cells_ZYX.mean() <= 0.6


def test_held_out_pixels_are_found_wherever_a_patch_lies() -> None:
    """A pixel is held out or not, from whichever patch it is looked at."""
    held_out = HeldOut((1, 64, 64), patch_size_px=32, generator=np.random.default_rng(0))
    corners = Positions(np.zeros(4, dtype=int), np.array([0, 0, 32, 32]), np.array([0, 32, 0, 32]))
    quarters_BYX = held_out.of(corners).numpy()
    whole_YX = np.block([[quarters_BYX[0], quarters_BYX[1]], [quarters_BYX[2], quarters_BYX[3]]])
    shifted = held_out.of(Positions(np.array([0]), np.array([5]), np.array([13])))
    assert np.array_equal(shifted[0].numpy(), whole_YX[5:37, 13:45])


def test_normalisation_is_undone() -> None:
    """Values come back in the stack's own units."""
    stack_ZYX = noisy_stack(3, 20, 20)
    normalisation = Normalisation.of(stack_ZYX)
    normal_ZYX = normalisation.apply(stack_ZYX)
    assert float(normal_ZYX.mean()) == pytest.approx(0, abs=1e-5)
    assert float(normal_ZYX.std()) == pytest.approx(1, abs=1e-5)
    assert np.allclose(normalisation.undo(normal_ZYX), stack_ZYX, rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    """NaN and infinity would spread through every weight."""
    with pytest.raises(StackError, match="NaN"):
        Normalisation.of(np.full((1, 4, 4), value))


def test_constant_stack_is_refused() -> None:
    """There is nothing to scale by."""
    with pytest.raises(StackError, match="constant"):
        Normalisation.of(np.ones((1, 4, 4)))
