from pathlib import Path

import numpy as np
import pytest
from clearstack_engine.analysis import CorrelationMeter, MaskExtractorConfig, NoiseCorrelation, extract_mask
from numpy.typing import NDArray
from scipy import ndimage

Stack = NDArray[np.float64]


def cells(num_slices: int = 6, side_px: int = 128) -> Stack:
    """Bright blobs with sharp edges on a dark ground, 0 to about 1."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:side_px, :side_px]
    stack = np.zeros((num_slices, side_px, side_px))
    for z in range(num_slices):
        for _ in range(12):
            (cy, cx), radius = rng.uniform(0, side_px, 2), rng.uniform(4, 12)
            stack[z] += rng.uniform(0.3, 1) * (np.hypot(y - cy, x - cx) < radius)
    return ndimage.gaussian_filter(stack, (0, 1, 1))


def noise(kind: str, shape: tuple[int, ...]) -> Stack:
    """Unit noise of one kind, with a little white noise in it."""
    rng = np.random.default_rng(2)
    white = rng.normal(size=shape)
    if kind == "rows":
        shaped = ndimage.uniform_filter1d(white, 9, axis=2, mode="wrap")
    elif kind == "columns":
        shaped = ndimage.uniform_filter1d(white, 9, axis=1, mode="wrap")
    elif kind == "diagonals":
        shaped = np.sum([np.roll(white, (i, i), (1, 2)) for i in range(-4, 5)], axis=0)
    elif kind == "blobs":
        shaped = ndimage.gaussian_filter(white, (0, 1, 1), mode="wrap")
    elif kind == "stripes":
        shaped = np.broadcast_to(rng.normal(size=(1, 1, shape[2])), shape)
    else:
        shaped = white
    return np.asarray(shaped / np.std(shaped) + 0.3 * rng.normal(size=shape))


def stage_one(noisy_ZYX: Stack, radius_px: int = 3) -> Stack:
    """The best linear prediction of each pixel from its neighbours: a blind-spot network of one layer."""
    side = 2 * radius_px + 1
    centred = noisy_ZYX - noisy_ZYX.mean()
    padded = np.pad(centred, ((0, 0), (radius_px, radius_px), (radius_px, radius_px)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    neighbours = np.delete(windows.reshape(-1, side**2), side**2 // 2, axis=1)
    weights, *_ = np.linalg.lstsq(neighbours[::5], centred.ravel()[::5], rcond=None)
    return np.asarray((neighbours @ weights).reshape(noisy_ZYX.shape) + noisy_ZYX.mean())


def measure(noisy_ZYX: Stack, num_offset_slices: int = 1) -> NoiseCorrelation:
    """The whole measurement of a stack."""
    meter = CorrelationMeter(num_offset_slices=num_offset_slices)
    for noisy_YX, denoised_YX in zip(noisy_ZYX, stage_one(noisy_ZYX), strict=True):
        meter.add(noisy_YX.astype(np.float32), denoised_YX.astype(np.float32))
    return meter.result()


def test_white_noise_gives_the_centre_alone() -> None:
    """Image structure does not leak into the mask of white noise."""
    image_ZYX = cells()
    assert extract_mask(
        measure(image_ZYX + 0.3 * noise("white", image_ZYX.shape)), MaskExtractorConfig()
    ).is_empty


@pytest.mark.parametrize(
    ("kind", "pattern", "step"),
    [("rows", "horizontal", (0, 1)), ("columns", "vertical", (1, 0)), ("diagonals", "diagonal", (1, 1))],
)
def test_line_noise_gives_its_line(kind: str, pattern: str, step: tuple[int, int]) -> None:
    """Noise that is correlated along a line masks that line, all of it but the weak ends, and nothing else."""
    image_ZYX = cells()
    mask = extract_mask(measure(image_ZYX + 0.3 * noise(kind, image_ZYX.shape)), MaskExtractorConfig())
    active = {(o.dy, o.dx) for o in mask.offsets[: mask.num_active_pixels - 1]}
    line = {(i * step[0], i * step[1]) for i in range(-8, 9)}
    assert mask.pattern == pattern
    assert {(i * step[0], i * step[1]) for i in (-5, -1, 1, 5)} <= active <= line


def test_blurred_noise_gives_a_disc() -> None:
    """Noise of a short isotropic correlation masks its surroundings although stage 1 turns the residual's sign."""
    image_ZYX = cells()
    correlation = measure(image_ZYX + 0.3 * noise("blobs", image_ZYX.shape))
    mask = extract_mask(correlation, MaskExtractorConfig())
    assert mask.pattern == "isotropic"
    assert 13 <= mask.num_active_pixels <= 25
    assert correlation.residual_correlation_ZYX[0, 32, 33] < 0 < correlation.correlation_ZYX[0, 32, 33]


def test_noise_free_images_give_the_centre_alone() -> None:
    """What stage 1 takes from clean images is no noise, correlated as it is."""
    correlation = measure(cells())
    assert extract_mask(correlation, MaskExtractorConfig()).is_empty
    assert correlation.noise_std == 0


def test_constant_slices_are_no_noise() -> None:
    """An empty recording divides nothing by zero."""
    correlation = measure(np.full((2, 32, 32), 7.0))
    assert np.isfinite(correlation.correlation_ZYX).all()
    assert extract_mask(correlation, MaskExtractorConfig()).is_empty


def test_padding_without_noise_is_left_out() -> None:
    """A registered stack's empty border, most of the slice even, leaves the measurement as it is."""
    noisy_ZYX = cells() + 0.3 * noise("rows", cells().shape)
    denoised_ZYX = stage_one(noisy_ZYX)
    meter = CorrelationMeter()
    for noisy_YX, denoised_YX in zip(noisy_ZYX, denoised_ZYX, strict=True):
        meter.add(*(np.pad(image_YX, 60).astype(np.float32) for image_YX in (noisy_YX, denoised_YX)))
    mask = extract_mask(meter.result(), MaskExtractorConfig())
    assert mask.pattern == "horizontal"
    assert mask.kernel_size[0] == 1


def test_fixed_stripes_reach_into_the_neighbouring_slices() -> None:
    """A camera's column pattern is masked in all three slices, independent row noise in its own slice only."""
    image_ZYX = cells()
    stripes = extract_mask(
        measure(image_ZYX + 0.3 * noise("stripes", image_ZYX.shape), 3), MaskExtractorConfig()
    )
    rows = extract_mask(measure(image_ZYX + 0.3 * noise("rows", image_ZYX.shape), 3), MaskExtractorConfig())
    assert stripes.mask_ZYX.any(axis=(1, 2)).tolist() == [True, True, True]
    assert rows.mask_ZYX.any(axis=(1, 2)).tolist() == [False, True, False]


def test_units_do_not_matter() -> None:
    """The correlation is that of the noise whatever the camera counts in; the noise level is in those counts."""
    noisy_ZYX = cells(2, 64) + 0.3 * noise("rows", (2, 64, 64))
    small, large = measure(noisy_ZYX), measure(60_000 * noisy_ZYX)
    np.testing.assert_allclose(small.correlation_ZYX, large.correlation_ZYX, atol=1e-3)
    assert large.noise_std == pytest.approx(60_000 * small.noise_std, rel=1e-3)
    assert small.noise_std == pytest.approx(0.3 * 1.044, rel=0.15)


def test_window_fits_small_slices() -> None:
    """Offsets that a small slice hardly has are left out."""
    assert measure(cells(1, 64)[:, :20, :40] + 0.3 * noise("white", (1, 20, 40))).correlation_ZYX.shape == (
        1,
        19,
        39,
    )


def test_wrong_slices_are_refused() -> None:
    """Slices that don't fit each other, or are missing, are errors that say so."""
    meter = CorrelationMeter()
    with pytest.raises(ValueError, match="no slice"):
        meter.result()
    with pytest.raises(ValueError, match="one shape"):
        meter.add(np.zeros((32, 32), np.float32), np.zeros((32, 16), np.float32))
    meter.add(np.zeros((32, 32), np.float32), np.zeros((32, 32), np.float32))
    with pytest.raises(ValueError, match="in a stack of"):
        meter.add(np.zeros((16, 16), np.float32), np.zeros((16, 16), np.float32))


def test_saved_correlation_comes_back(tmp_path: Path) -> None:
    """What is saved is loaded, exactly; another file is refused."""
    correlation = measure(cells(1, 64) + 0.3 * noise("rows", (1, 64, 64)))
    correlation.save(tmp_path / "noise.npz")
    loaded = NoiseCorrelation.load(tmp_path / "noise.npz")
    assert np.array_equal(loaded.correlation_ZYX, correlation.correlation_ZYX)
    assert np.array_equal(loaded.certainty_ZYX, correlation.certainty_ZYX)
    assert (loaded.num_pixels, loaded.noise_std) == (correlation.num_pixels, correlation.noise_std)
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(ValueError, match="not a noise correlation"):
        NoiseCorrelation.load(tmp_path / "other.npz")
