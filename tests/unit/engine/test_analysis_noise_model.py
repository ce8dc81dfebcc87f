import numpy as np
import pytest
from clearstack_engine.analysis import NoiseModel, NoiseModelMeter, measure_noise_model
from clearstack_stacks.samples import make_sample
from numpy.typing import NDArray
from scipy import ndimage
from unit.engine.test_analysis_meter import stage_one

Stack = NDArray[np.float64]

LEVEL = 6000.0
SHAPE = (6, 160, 160)


def truth() -> Stack:
    """The cells of the built-in samples, 0 to 65535."""
    return make_sample("white", num_slices=SHAPE[0], side_px=SHAPE[1]).truth_ZYX.astype(np.float64)


def rows(length: int) -> tuple[Stack, NDArray[np.float64]]:
    """White noise after a box filter along x, and its correlation over x offsets of -16 to 16."""
    white_ZYX = np.random.default_rng(3).normal(size=SHAPE)
    noise_ZYX = ndimage.uniform_filter1d(white_ZYX, length, axis=2, mode="wrap") * np.sqrt(length)
    return noise_ZYX, np.maximum(0, 1 - np.abs(np.arange(-16, 17)) / length)


def measure(noisy_ZYX: Stack, *, pair: bool) -> NoiseModel:
    """From the noisy stack and a stage-1 result, or from the noisy stack alone."""
    images_ZYX = noisy_ZYX.astype(np.float32)
    denoised_ZYX = stage_one(noisy_ZYX).astype(np.float32) if pair else None
    return measure_noise_model(images_ZYX, denoised_ZYX, max_offset_px=16)


@pytest.mark.parametrize("pair", [True, False])
def test_white_noise_has_its_variance_and_no_more(pair: bool) -> None:
    """Image structure adds neither variance nor correlation."""
    model = measure(truth() + LEVEL * np.random.default_rng(0).normal(size=SHAPE), pair=pair)
    assert model.noise_std == pytest.approx(LEVEL, rel=0.03)
    assert np.count_nonzero(model.autocovariance_ZYX) == 1
    assert (model.gain, model.correlated_variance) == (0, 0)


@pytest.mark.parametrize("pair", [True, False])
def test_rows_have_their_autocovariance(pair: bool) -> None:
    """The covariance along the row is that of the noise, and there is none beside it."""
    noise_ZYX, correlation_X = rows(7)
    model = measure(truth() + LEVEL * noise_ZYX, pair=pair)
    found_YX = model.autocovariance_ZYX[0] / LEVEL**2
    np.testing.assert_allclose(found_YX[16], correlation_X, atol=0.12)
    assert np.abs(np.delete(found_YX, 16, axis=0)).max() < 0.1
    assert model.variance == pytest.approx(LEVEL**2, rel=0.06)


@pytest.mark.parametrize("pair", [True, False])
def test_photon_noise_has_its_line(pair: bool) -> None:
    """Gain, read noise and the variance at a brightness."""
    photons, read = 60, 1000.0
    generator = np.random.default_rng(0)
    noisy_ZYX = generator.poisson(truth() / 65535 * photons) / photons * 65535
    model = measure(noisy_ZYX + generator.normal(0, read, SHAPE), pair=pair)
    assert model.gain == pytest.approx(65535 / photons, rel=0.1)
    expected = read**2 + 65535 / photons * np.array([20000.0, 40000.0])
    np.testing.assert_allclose(model.variance_at(np.array([20000.0, 40000.0])), expected, rtol=0.08)


@pytest.mark.parametrize("length", [1, 5])
def test_an_image_of_waves_is_no_noise(length: int) -> None:
    """Where the image is nowhere flat, but smooth, a clean denoised stack tells it from the noise."""
    y_Y1, x_X = np.arange(128)[:, None], np.arange(128)
    image_ZYX = np.stack([15000 * (np.sin(y_Y1 / 9 + z) + np.cos(x_X / 11 - z)) / 2 for z in range(6)])
    noise_ZYX = rows(length)[0][:, :128, :128]
    model = measure_noise_model(image_ZYX + LEVEL * noise_ZYX, image_ZYX, denoised_is_clean=True)
    assert model.noise_std == pytest.approx(LEVEL, rel=0.04)
    assert model.is_white == (length == 1)
    if not model.is_white:
        along_X = model.autocovariance_ZYX[0, 32, 32:38] / model.variance
        np.testing.assert_allclose(along_X, [1, 0.8, 0.6, 0.4, 0.2, 0], atol=0.06)


def test_offsets_to_the_neighbouring_slices() -> None:
    """A camera's fixed column pattern is in the covariance with the slices before and after too."""
    stripes_X = np.random.default_rng(1).normal(size=SHAPE[2])
    noisy_ZYX = truth() + LEVEL * (stripes_X + 0.5 * np.random.default_rng(2).normal(size=SHAPE))
    model = measure_noise_model(noisy_ZYX, stage_one(noisy_ZYX), num_offset_slices=3)
    middle = model.autocovariance_ZYX.shape[2] // 2
    assert (model.autocovariance_ZYX[:, middle + 1, middle] > 0.5 * model.variance).all()


@pytest.mark.parametrize("pair", [True, False])
def test_a_noise_free_stack_has_no_variance(pair: bool) -> None:
    """Everything is zero: nothing is to be added to such a model."""
    model = measure(truth(), pair=pair)
    assert not model.autocovariance_ZYX.any()
    assert model.gain == 0


def test_a_denoised_slice_is_given_always_or_never() -> None:
    """Two kinds of measurement do not mix."""
    meter = NoiseModelMeter()
    meter.add(np.zeros((32, 32), np.float32))
    with pytest.raises(ValueError, match="all slices, or for none"):
        meter.add(np.zeros((32, 32), np.float32), np.zeros((32, 32), np.float32))
