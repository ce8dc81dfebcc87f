import numpy as np
import pytest
from clearstack_engine.analysis.patterns import classify, is_scattered


def drawn(picture: str) -> np.ndarray:
    """A mask from a picture of # and ."""
    return np.array([[pixel == "#" for pixel in line] for line in picture.split()])


@pytest.mark.parametrize(
    ("picture", "pattern"),
    [
        ("#", "none"),
        ("#####", "horizontal"),
        ("# # #", "vertical"),
        ("#.... .#... ..#.. ...#. ....#", "diagonal"),
        ("..# .#. #..", "diagonal"),
        ("#.#.# ..... #.#.# ..... #.#.#", "grid"),
        (".###. ##### ##### ##### .###.", "isotropic"),
        (".#. ### .#.", "isotropic"),
        ("#...... .....## ...#... ##..... ......#", "irregular"),
    ],
)
def test_pattern_is_named(picture: str, pattern: str) -> None:
    """Each shape gets the name that a person would give it."""
    mask_YX = drawn(picture)
    assert classify(mask_YX, mask_YX.astype(float)) == pattern


def test_a_faint_stray_does_not_change_the_name() -> None:
    """A row stays a row although a weak pixel stands beside it."""
    mask_YX = drawn("..#.. ##### ..#..")
    strength_YX = np.where(mask_YX, 1.0, 0.0)
    strength_YX[[0, 2], 2] = 0.01
    assert classify(mask_YX, strength_YX) == "horizontal"


def test_scattered_pixels_are_noticed() -> None:
    """Lone pixels here and there look random, a row does not."""
    assert is_scattered(drawn("#...#.. ..#.... .#.#.#. ....#.. ..#...#"))
    assert not is_scattered(drawn("#######"))
