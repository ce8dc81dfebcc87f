import numpy as np
import pytest

from bench.noise import NOISES, Images, spectrum

GREY_ZYX = np.full((12, 128, 128), 0.5)


def noise_of(name: str) -> Images:
    """What a kind of noise adds to grey."""
    noisy_ZYX: Images = NOISES[name].add(GREY_ZYX, np.random.default_rng(5))
    added_ZYX: Images = noisy_ZYX - GREY_ZYX
    return added_ZYX


def correlation(noise_ZYX: Images) -> Images:
    """Between pixels by their distance (rows, columns), around the corner for negative ones."""
    power_ZYX = np.abs(np.fft.fft2(noise_ZYX)) ** 2
    covariance_YX = np.fft.ifft2(power_ZYX.mean(axis=0)).real
    return np.asarray(covariance_YX / covariance_YX[0, 0])


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("A", 25),
        ("B", 23.8),
        ("C", np.hypot(25, 10)),
        ("D", np.hypot(15, 15)),
        ("columns", np.hypot(25, 10)),
        ("diagonal", np.hypot(25, 10)),
        ("isotropic", np.hypot(25, 10)),
        ("stripes", np.hypot(15, 15)),
    ],
)
def test_each_noise_has_its_level(name: str, level: float) -> None:
    """In 1/255 of the range, and no brightness of its own."""
    noise_ZYX = noise_of(name)
    assert noise_ZYX.std() * 255 == pytest.approx(level, rel=0.03)
    assert abs(noise_ZYX.mean()) * 255 < 1


@pytest.mark.parametrize("name", [name for name in NOISES if name != "stripes"])
def test_the_true_mask_holds_what_is_correlated_and_nothing_else(name: str) -> None:
    """Up to correlations of 0.05, which a mask need not hide; a periodic noise is correlated everywhere."""
    correlation_YX = correlation(noise_of(name))
    mask_YX = NOISES[name].mask_ZYX[0]
    centre_y, centre_x = mask_YX.shape[0] // 2, mask_YX.shape[1] // 2
    for dy in range(-12, 13):
        for dx in range(-12, 13):
            y, x = centre_y + dy, centre_x + dx
            inside = bool(0 <= y < mask_YX.shape[0] and 0 <= x < mask_YX.shape[1] and mask_YX[y, x])
            value = abs(correlation_YX[dy, dx])
            assert value > 0.03 if inside else value < 0.08, (dy, dx, value)


def test_stripes_come_back() -> None:
    """After eight pixels along the row, and along the column at once."""
    correlation_YX = correlation(noise_of("stripes"))
    assert correlation_YX[0, 8] == pytest.approx(0.5, abs=0.05)
    assert correlation_YX[5, 0] == pytest.approx(0.5, abs=0.05)
    assert correlation_YX[0, 4] == pytest.approx(-0.5, abs=0.05)


def test_the_spectrum_holds_all_of_the_power() -> None:
    """Its mean is the variance times the number of pixels: what BM3D calls a spectrum."""
    spectrum_YX = spectrum(NOISES["C"], 64, num_samples=80)
    variance = spectrum_YX.mean() / 64**2
    assert np.sqrt(variance) * 255 == pytest.approx(np.hypot(25, 10), rel=0.03)
    assert spectrum_YX[:, 0].mean() > 20 * spectrum_YX[:, 32].mean()
