from collections.abc import Callable

import numpy as np
import pytest
from clearstack_engine.analysis import Inspection, inspect_stack
from clearstack_stacks.samples import make_sample
from numpy.typing import NDArray
from scipy import ndimage

Stack = NDArray[np.float64]

LEVEL = 25 / 255
SHAPE = (4, 160, 160)


class Slices:
    """A stack in memory."""

    def __init__(self, stack_ZYX: NDArray[np.generic]) -> None:
        self._stack_ZYX = stack_ZYX
        self.num_slices = len(stack_ZYX)

    def read_slice(self, z: int) -> NDArray[np.generic]:
        """Slice z."""
        return np.asarray(self._stack_ZYX[z])


def look_at(stack_ZYX: Stack) -> Inspection:
    """What a look at a stack tells, stored as a camera would."""
    counts_ZYX = np.rint(np.clip(stack_ZYX, 0, 1) * 65535).astype(np.uint16)
    return inspect_stack(Slices(counts_ZYX))


def cells() -> Stack:
    """The truth of the built-in samples, 0.15 to 0.85."""
    return make_sample("white", num_slices=SHAPE[0], side_px=SHAPE[1]).truth_ZYX / 65535


def blobs() -> Stack:
    """Bright discs on a dark ground."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    stack_ZYX = np.full(SHAPE, 0.2)
    for z in range(SHAPE[0]):
        for _ in range(15):
            (cy, cx), radius = rng.uniform(0, SHAPE[1], 2), rng.uniform(4, 12)
            stack_ZYX[z] += rng.uniform(0.1, 0.3) * (np.hypot(y - cy, x - cx) < radius)
    return np.asarray(ndimage.gaussian_filter(stack_ZYX, (0, 1, 1)))


def waves() -> Stack:
    """Not a flat place anywhere."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return np.asarray(0.5 + 0.15 * np.sin(y / 9 + z) + 0.15 * np.cos(x / 11 - z))


def fibres() -> Stack:
    """Texture of short range everywhere, stronger here than there."""
    rng = np.random.default_rng(5)
    texture_ZYX = ndimage.gaussian_filter(rng.normal(size=SHAPE), (0, 1.5, 1.5))
    swell_ZYX = np.abs(ndimage.gaussian_filter(rng.normal(size=SHAPE), (0, 20, 20)))
    stack_ZYX = texture_ZYX * swell_ZYX
    return np.asarray(0.5 + 0.05 * stack_ZYX / stack_ZYX.std())


def noise(kind: str) -> Stack:
    """Noise of one kind with a deviation of `LEVEL`, and some white noise."""
    rng = np.random.default_rng(2)
    white = rng.normal(size=SHAPE)
    y, x = np.indices(SHAPE[1:])
    shaped: dict[str, Callable[[], Stack]] = {
        "rows": lambda: ndimage.uniform_filter1d(white, 9, axis=2, mode="wrap"),
        "columns": lambda: ndimage.uniform_filter1d(white, 9, axis=1, mode="wrap"),
        "diagonal": lambda: np.sum([np.roll(white, (i, i), (1, 2)) for i in range(-4, 5)], axis=0),
        "checkered": lambda: ndimage.gaussian_filter(white, (0, 2, 2), mode="wrap") * (-1.0) ** (x + y),
        "round": lambda: ndimage.gaussian_filter(white, (0, 1.5, 1.5), mode="wrap"),
        "slow": lambda: ndimage.gaussian_filter(white, (0, 3, 3), mode="wrap"),
    }
    found = shaped[kind]()
    return np.asarray(LEVEL * (found / found.std() + 0.4 * rng.normal(size=SHAPE)))


CONTENTS = [cells, blobs, waves, fibres]


@pytest.mark.parametrize("content", CONTENTS)
def test_white_noise_is_for_n2v(content: Callable[[], Stack]) -> None:
    """Image structure does not pass for structure of the noise, and the level is right."""  # spec: A7
    truth_ZYX = content()
    found = look_at(truth_ZYX + np.random.default_rng(0).normal(0, LEVEL, SHAPE))
    assert found.recommendation.method == "n2v"
    assert not found.recommendation.nothing_to_remove
    assert found.noise_std == pytest.approx(LEVEL * 65535, rel=0.1)
    assert found.dependence is None
    assert found.mask.is_empty


@pytest.mark.parametrize("content", CONTENTS)
def test_photon_noise_is_for_n2v(content: Callable[[], Stack]) -> None:
    """Noise that grows with brightness is not structured."""  # spec: A7
    photons = np.random.default_rng(0).poisson(content() * 60) / 60
    assert look_at(photons).recommendation.method == "n2v"


def test_the_gain_of_photon_noise_is_measured() -> None:
    """The slope of variance over brightness is the input's units per photon."""  # spec: A7
    sample = make_sample("poisson", num_slices=6)
    found = inspect_stack(Slices(sample.noisy_ZYX))
    assert found.dependence is not None
    assert found.dependence.gain == pytest.approx(65535 / 60, rel=0.2)
    assert "photon" in found.recommendation.reason


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize(
    ("kind", "pattern", "word"),
    [
        ("rows", "horizontal", "rows"),
        ("columns", "vertical", "columns"),
        ("diagonal", "diagonal", "diagonal"),
        ("checkered", "grid", "checkered"),
        ("round", "isotropic", "all directions"),
        ("slow", "isotropic", "all directions"),
    ],
)
def test_structured_noise_is_for_autostructn2v(
    kind: str, pattern: str, word: str, content: Callable[[], Stack]
) -> None:
    """Each kind is recognised, the reason says where it lies, and the mask shows it."""  # spec: A7
    found = look_at(content() + noise(kind))
    assert found.recommendation.method == "autostructn2v"
    assert found.mask.pattern == pattern
    assert word in found.recommendation.reason


@pytest.mark.parametrize("name", ["rows", "stripes"])
def test_the_samples_with_structured_noise(name: str) -> None:
    """The built-in samples are recognised."""  # spec: A7
    assert inspect_stack(Slices(make_sample(name).noisy_ZYX)).recommendation.method == "autostructn2v"


@pytest.mark.parametrize("content", [cells, blobs, waves])
def test_without_noise_there_is_nothing_to_remove(content: Callable[[], Stack]) -> None:
    """A noise-free image is left alone."""  # spec: A7
    found = look_at(content())
    assert found.recommendation.nothing_to_remove
    assert found.recommendation.reason.startswith("There is nothing to remove")
    assert (found.noise_std, found.signal_to_noise, found.mask.is_empty) == (0, 0, True)


def test_an_empty_recording_is_no_noise() -> None:
    """Constant slices divide nothing by zero."""  # spec: A7
    found = inspect_stack(Slices(np.full((3, 32, 32), 7, np.uint16)))
    assert found.recommendation.nothing_to_remove
    assert np.isfinite(found.correlation_YX).all()


def test_clipped_pixels_are_counted() -> None:
    """An overexposed recording is noticed."""  # spec: A7
    stack_ZYX = cells() + np.random.default_rng(0).normal(0, LEVEL, SHAPE)
    assert look_at(stack_ZYX + 0.4).saturated_percent > 1
    assert look_at(0.5 + 0.3 * (stack_ZYX - 0.5)).saturated_percent == 0


def test_slices_that_agree_are_for_two_and_a_half_d() -> None:
    """2.5D is recommended where neighbours share structure and there are enough of them."""  # spec: A7
    sample = make_sample("white", num_slices=20, side_px=128)
    found = inspect_stack(Slices(sample.noisy_ZYX))
    assert found.recommendation.mode == "2.5d"
    assert inspect_stack(Slices(sample.noisy_ZYX[:19])).recommendation.mode == "2d"
    shuffled_ZYX = np.concatenate(
        [make_sample("white", num_slices=1, side_px=128, seed=i).noisy_ZYX for i in range(20)]
    )
    other = inspect_stack(Slices(shuffled_ZYX))
    assert other.recommendation.mode == "2d"
    assert "too little" in other.recommendation.mode_reason


def test_slices_that_are_too_small_are_refused() -> None:
    """The text says what is needed."""
    with pytest.raises(ValueError, match="16 pixels"):
        inspect_stack(Slices(np.zeros((2, 8, 8))))
