import numpy as np
import pytest
from clearstack_engine.analysis.combine import combine, without_image
from numpy.typing import NDArray

Correlation = NDArray[np.float64]

ERROR = 0.005


def row(*values: float) -> Correlation:
    """(1, 1, 5): correlation at x offsets 0, 1 and 2, and their mirror images."""
    near, far = values
    return np.array([[[far, near, 1.0, near, far]]])


def combined(residual: Correlation, flat: Correlation, busier: Correlation) -> list[float]:
    """What is found at x offsets 1 and 2."""
    errors = (np.full_like(flat, ERROR), np.full_like(flat, ERROR))
    found, certainty = combine(residual, flat, errors, np.maximum(np.abs(busier) - np.abs(flat), 0))
    assert not found[certainty == 0].any() or found[0, 0, 2] == 1
    return [round(float(value), 3) for value in found[0, 0, 3:]]


@pytest.mark.parametrize("sign", [1, -1])
def test_what_the_residual_proves_is_taken_from_the_flat_places(sign: int) -> None:
    """A residual whose sign stage 1 has turned proves the noise's structure as well."""  # spec: D9
    assert combined(row(sign * 0.4, -0.1), row(0.6, 0.2), row(0.6, 0.2)) == [0.6, 0.2]


def test_a_white_residual_proves_nothing() -> None:
    """However much image structure leaks into the flat places."""  # spec: D11
    assert combined(row(-0.02, 0.01), row(0.4, 0.2), row(0.4, 0.2)) == [0, 0]


def test_what_grows_with_the_image_is_image() -> None:
    """A stage 1 that has lost texture leaves a residual as correlated as structured noise would."""  # spec: D11
    assert combined(row(0.15, 0.1), row(0.2, 0.1), row(0.35, 0.2)) == [0, 0]


def test_opposite_neighbours_are_no_image() -> None:
    """Anti-correlated noise is weaker, not stronger, where the image is busier."""  # spec: D9
    assert combined(row(-0.16, 0.0), row(-0.15, 0.0), row(-0.1, 0.05)) == [-0.15, 0]


def test_the_image_is_taken_out() -> None:
    """From flat and busier places follows what there would be without an image."""
    noise, image = row(0.5, 0.0), row(0.9, 0.8)
    flat, busier = ((noise + ratio * image) / (1 + ratio) for ratio in (0.1, 0.3))
    np.testing.assert_allclose(without_image(flat, busier, (0.1, 0.3)), noise, atol=1e-9)


def test_no_guess_where_flatness_is_unknown() -> None:
    """Noise that stage 1 has left looks like image everywhere: nothing is taken out."""
    flat, busier = row(0.5, 0.1), row(0.52, 0.13)
    np.testing.assert_array_equal(without_image(flat, busier, (0.96, 1.0)), flat)
