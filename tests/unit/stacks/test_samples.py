"""The samples hold the noise that their names say, on a truth that is worth denoising."""

from __future__ import annotations

import numpy as np
import pytest
from clearstack_stacks.metrics import psnr
from clearstack_stacks.samples import SAMPLE_NAMES, Sample, make_sample


@pytest.fixture(scope="module", params=SAMPLE_NAMES)
def sample(request: pytest.FixtureRequest) -> Sample:
    """Each sample, small."""
    return make_sample(request.param, num_slices=6, side_px=96)


def correlation(sample: Sample, dy: int, dx: int) -> float:
    """Correlation of the noise with itself, shifted."""
    noise_ZYX = sample.noisy_ZYX.astype(float) - sample.truth_ZYX
    noise_ZYX -= noise_ZYX.mean()
    height, width = noise_ZYX.shape[1] - dy, noise_ZYX.shape[2] - dx
    product = noise_ZYX[:, :height, :width] * noise_ZYX[:, dy:, dx:]
    return float(product.mean() / noise_ZYX.var())


def test_a_sample_is_a_noisy_stack_and_its_truth(sample: Sample) -> None:
    """Both are uint16 of one shape and scale, hardly clipped, and the noise is strong."""  # spec: B7
    assert sample.noisy_ZYX.shape == sample.truth_ZYX.shape == (6, 96, 96)
    assert sample.noisy_ZYX.dtype == sample.truth_ZYX.dtype == np.uint16
    assert np.mean((sample.noisy_ZYX == 0) | (sample.noisy_ZYX == 65_535)) < 0.03
    assert 18 < psnr(sample.noisy_ZYX, sample.truth_ZYX, sample.data_range) < 24


def test_the_truth_has_detail_and_drifts(sample: Sample) -> None:
    """Slices differ, neighbours are alike, and no slice is empty."""  # spec: B7
    flat = sample.truth_ZYX.reshape(6, -1).astype(float)
    assert (flat.std(axis=1) > 0.04 * sample.data_range).all()
    assert 0.5 < np.corrcoef(flat[2], flat[3])[0, 1] < 0.99
    assert np.corrcoef(flat[0], flat[5])[0, 1] < np.corrcoef(flat[0], flat[1])[0, 1]


def test_the_noise_is_what_its_name_says(sample: Sample) -> None:
    """Rows are correlated along x alone, stripes along y alone, the others not at all."""  # spec: B7
    along_x, along_y, diagonal = (correlation(sample, dy, dx) for dy, dx in ((0, 2), (2, 0), (2, 2)))
    assert (along_x > 0.5) == (sample.name == "rows")
    assert (along_y > 0.5) == (sample.name == "stripes")
    assert abs(diagonal) < 0.1
    assert min(abs(along_x), abs(along_y)) < 0.1


def test_a_seed_repeats_a_sample() -> None:
    """The same seed gives the same pixels, another seed others, and one seed one truth for every noise."""  # spec: B7
    first, again, other = (make_sample("white", num_slices=2, side_px=48, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.noisy_ZYX, again.noisy_ZYX)
    assert (first.truth_ZYX != other.truth_ZYX).any()
    rows = make_sample("rows", num_slices=2, side_px=48, seed=1)
    np.testing.assert_array_equal(first.truth_ZYX, rows.truth_ZYX)


@pytest.mark.parametrize("arguments", [{"name": "pink"}, {"num_slices": 0}, {"side_px": 31}])
def test_wrong_arguments_are_named(arguments: dict[str, object]) -> None:
    """An unknown name and sizes out of range are errors."""
    with pytest.raises(ValueError, match="sample"):
        make_sample(**{"name": "white", **arguments})  # type: ignore[arg-type]


def test_psnr_is_the_textbook_number() -> None:
    """An error of a tenth of the range is 20 dB, none is infinite, and shapes must agree."""
    assert psnr(np.zeros((2, 2)), np.full((2, 2), 0.1), 1.0) == pytest.approx(20)
    assert psnr(np.zeros(3, np.uint8), np.full(3, 255, np.uint8), 255) == pytest.approx(0)
    assert psnr(np.ones(3), np.ones(3), 1.0) == float("inf")
    with pytest.raises(ValueError, match="differ"):
        psnr(np.ones(3), np.ones(4), 1.0)
    with pytest.raises(ValueError, match="positive"):
        psnr(np.ones(3), np.ones(3), 0.0)
