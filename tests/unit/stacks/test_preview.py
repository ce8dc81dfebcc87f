"""Pictures of slices."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from clearstack_stacks.preview import comparison_png, preview_png
from PIL import Image


def opened(png: bytes) -> Image.Image:
    """The picture in the bytes."""
    assert png.startswith(b"\x89PNG")
    return Image.open(BytesIO(png))


@pytest.mark.parametrize(
    ("shape", "size"), [((40, 30), (30, 40)), ((300, 100), (33, 100)), ((1, 500), (100, 1))]
)
def test_a_preview_is_small_and_grey(shape: tuple[int, int], size: tuple[int, int]) -> None:
    """Large slices are made smaller in proportion, small ones stay."""
    image = opened(preview_png(np.random.default_rng(0).normal(size=shape), 100))
    assert (image.mode, image.size) == ("L", size)


def test_a_preview_uses_the_whole_contrast() -> None:
    """A dim slice is not shown black, and one hot pixel does not darken it."""
    slice_YX = np.tile(np.arange(100, 164, dtype=np.uint16), (64, 1))
    slice_YX[0, 0] = 65_535
    pixels = np.asarray(opened(preview_png(slice_YX)))
    assert pixels[10, 0] < 8
    assert pixels[10, 63] > 247


@pytest.mark.parametrize(
    "slice_YX",
    [np.full((16, 16), 3.0), np.full((16, 16), np.nan), np.where(np.eye(16), np.inf, 0), np.eye(64)],
)
def test_odd_slices_have_a_preview(slice_YX: np.ndarray[Any, Any]) -> None:
    """Constant, empty and infinite slices give a picture, not an error."""
    assert opened(preview_png(slice_YX)).size == slice_YX.shape


def test_a_comparison_shows_its_panels_side_by_side() -> None:
    """Equal panels look equal, and labels and captions take their room."""
    slice_YX = np.random.default_rng(0).normal(size=(64, 64))
    panels = [("noisy", slice_YX), ("stage 1", slice_YX), ("stage 2", slice_YX), ("truth", slice_YX)]
    plain, captioned = opened(comparison_png(panels)), opened(comparison_png(panels, ["20 dB", "", "", ""]))
    assert plain.mode == "RGB"
    assert captioned.width == plain.width > 4 * 320
    assert captioned.height > plain.height > 320
    pixels = np.asarray(plain)[60:300]
    np.testing.assert_array_equal(pixels[:, 16:336], pixels[:, 16 + 336 : 336 + 336])


def test_a_comparison_needs_panels_and_their_captions() -> None:
    """No panels, or captions that don't match, are an error."""
    with pytest.raises(ValueError, match="no panel"):
        comparison_png([])
    with pytest.raises(ValueError, match="captions"):
        comparison_png([("a", np.eye(16))], ["one", "two"])
