from __future__ import annotations

import numpy as np
import pytest
import torch
from clearstack_engine.symmetry import ALL_SYMMETRIES, Symmetry, symmetries_of


@pytest.mark.parametrize("symmetry", ALL_SYMMETRIES)
def test_undo_is_the_inverse(symmetry: Symmetry) -> None:
    """Whatever is turned and flipped comes back as it was."""
    image_YX = torch.arange(20.0).view(4, 5)
    assert torch.equal(symmetry.undo(symmetry.apply(image_YX)), image_YX)


def test_all_eight_are_different() -> None:
    """The square has eight symmetries, none of them twice."""
    image_YX = torch.arange(9).view(3, 3)
    assert len({tuple(s.apply(image_YX).flatten().tolist()) for s in ALL_SYMMETRIES}) == 8


def test_only_those_that_keep_the_mask() -> None:
    """A row allows half turns and flips, a pixel everything, a lopsided mask nothing."""  # spec: C5
    diagonal_ZYX = np.eye(5, dtype=np.bool_)[None]
    lopsided_ZYX = np.zeros((1, 3, 5), dtype=np.bool_)
    lopsided_ZYX[0, 1, 2] = lopsided_ZYX[0, 0, 4] = True
    assert len(symmetries_of(np.ones((1, 1, 1), dtype=np.bool_))) == 8
    assert len(symmetries_of(np.ones((1, 1, 9), dtype=np.bool_))) == 4
    assert len(symmetries_of(diagonal_ZYX)) == 4
    assert symmetries_of(lopsided_ZYX) == (Symmetry(0, flip=False),)
