from pathlib import Path

import numpy as np
import pytest
import tifffile
from clearstack_engine.denoising import triplet
from clearstack_inference.slices import LazySlices, read_ahead
from clearstack_stacks.reading import StackReader

STACK_ZYX = np.random.default_rng(0).integers(0, 1000, (6, 20, 30), dtype=np.uint16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small stack as a file."""
    tifffile.imwrite(tmp_path / "stack.tif", STACK_ZYX, photometric="minisblack")
    return tmp_path / "stack.tif"


@pytest.mark.parametrize("num_input_slices", [1, 3])
def test_slices_come_in_order(path: Path, num_input_slices: int) -> None:
    """Reading ahead changes neither what is read nor its order."""
    with StackReader(path) as reader:
        found = list(read_ahead(LazySlices(reader), range(2, 6), num_input_slices))
    wanted = [triplet(STACK_ZYX, z) if num_input_slices == 3 else STACK_ZYX[z][None] for z in range(2, 6)]
    assert np.array_equal(found, wanted)


def test_what_cannot_be_read_is_told_in_its_turn(path: Path) -> None:
    """The slices before the broken one are denoised; then its error is raised, in the thread that denoises."""
    with StackReader(path) as reader:
        ahead = read_ahead(LazySlices(reader), [4, 5, 6], 1)
        assert np.array_equal(next(ahead)[0], STACK_ZYX[4])
        assert np.array_equal(next(ahead)[0], STACK_ZYX[5])
        with pytest.raises(IndexError):
            next(ahead)
