"""Makes pictures of slices for people: 8-bit PNG with a contrast that shows the image.

Axes of arrays: Y row, X column.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_BLACK_PERCENT, _WHITE_PERCENT = 0.5, 99.7
_FINEST: Final = 4
_PANEL_PX: Final = 320
_MARGIN_PX: Final = 16
_LABEL_PX, _CAPTION_PX = 18, 14
_BACKGROUND, _LABEL_COLOUR, _CAPTION_COLOUR = "#14171c", "#eceff4", "#9aa5b4"


def preview_png(slice_YX: NDArray[Any], max_side_px: int = 512) -> bytes:
    """A grey PNG of a slice, stretched to its own contrast, at most `max_side_px` wide and high.

    Args:
        slice_YX: any numbers; NaN and infinities are shown black.
        max_side_px: larger slices are averaged down, smaller ones stay as they are.
    """
    step = max(
        1, max(slice_YX.shape) // (_FINEST * max_side_px)
    )  # a whole slide need not be averaged from every pixel
    slice_YX = slice_YX[::step, ::step]
    image = _grey(slice_YX, _contrast(slice_YX))
    longest = max(image.size)
    if longest > max_side_px:
        image = _resized(image, max_side_px / longest)
    return _png(image)


def comparison_png(
    panels: Sequence[tuple[str, NDArray[Any]]],
    captions: Sequence[str] | None = None,
    *,
    panel_px: int = _PANEL_PX,
) -> bytes:
    """Labelled slices side by side in one contrast, as a PNG.

    Args:
        panels: label and YX array of each; of one shape. The contrast is the last one's, so put the cleanest there.
        captions: a line below each panel, e.g. its PSNR; None for none.
        panel_px: longer side of a panel.

    Raises:
        ValueError: there is no panel, or another number of captions than of panels.
    """
    if not panels:
        raise ValueError("there is no panel to show")
    if captions is not None and len(captions) != len(panels):
        raise ValueError(f"there are {len(captions)} captions for {len(panels)} panels")
    contrast = _contrast(panels[-1][1])
    images = [_panel(slice_YX, contrast, panel_px) for _, slice_YX in panels]
    width, height = max(image.width for image in images), max(image.height for image in images)
    top = _MARGIN_PX + _LABEL_PX + _MARGIN_PX // 2
    bottom = _MARGIN_PX + (_CAPTION_PX + _MARGIN_PX // 2 if captions else 0)
    step = width + _MARGIN_PX
    sheet = Image.new("RGB", (len(images) * step + _MARGIN_PX, top + height + bottom), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, image in enumerate(images):
        left = _MARGIN_PX + number * step
        sheet.paste(image, (left, top))
        _write(draw, panels[number][0], (left, top - 6), _LABEL_PX, _LABEL_COLOUR, anchor="ls")
        if captions:
            _write(
                draw, captions[number], (left, top + height + 6), _CAPTION_PX, _CAPTION_COLOUR, anchor="la"
            )
    return _png(sheet)


def _contrast(slice_YX: NDArray[Any]) -> tuple[float, float]:
    """The values that become black and white: all but the most extreme pixels lie between."""
    values = slice_YX[np.isfinite(slice_YX)].astype(np.float64)
    if values.size == 0:
        return 0.0, 1.0
    black, white = np.percentile(values, [_BLACK_PERCENT, _WHITE_PERCENT])
    if black == white:  # a few bright points on an even ground
        black, white = values.min(), values.max()
    return float(black), float(white)


def _grey(slice_YX: NDArray[Any], contrast: tuple[float, float]) -> Image.Image:
    """The slice between black and white; middle grey where they are one."""
    black, white = contrast
    values = np.nan_to_num(slice_YX.astype(np.float32), nan=black, posinf=black, neginf=black)
    if white > black:
        scaled = np.clip((values - black) / (white - black), 0, 1) * 255
    else:
        scaled = np.full(values.shape, 127.0)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _panel(slice_YX: NDArray[Any], contrast: tuple[float, float], panel_px: int) -> Image.Image:
    """A slice at the size of a panel; small ones are enlarged by whole numbers, so that pixels stay pixels."""
    image = _grey(slice_YX, contrast)
    factor = panel_px / max(image.size)
    if factor >= 1:
        whole = max(1, round(factor))
        return image.resize((image.width * whole, image.height * whole), Image.Resampling.NEAREST)
    return _resized(image, factor)


def _resized(image: Image.Image, factor: float) -> Image.Image:
    """A smaller picture, each pixel the mean of those it stands for."""
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BOX)


def _write(
    draw: ImageDraw.ImageDraw, text: str, at: tuple[int, int], size_px: int, colour: str, *, anchor: str
) -> None:
    """A line of text."""
    draw.text(at, text, fill=colour, font=ImageFont.load_default(size_px), anchor=anchor)


def _png(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    buffer = BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
