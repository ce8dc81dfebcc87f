"""Pictures of slices and maps for the page, as PNG data URIs.

Axes: Y, X rows and columns; C red, green, blue.
"""

import base64
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Float32Array = NDArray[np.float32]

_WHOLE_PX = 400
_DETAIL_PX = 112
_BLACK_PERCENT, _WHITE_PERCENT = 0.5, 99.7
_NEGATIVE, _POSITIVE = (33, 88, 160), (178, 54, 38)  # of a correlation; white in between


def contrast(slice_YX: Float32Array) -> tuple[float, float]:
    """The values that are shown black and white."""
    black, white = np.percentile(slice_YX, (_BLACK_PERCENT, _WHITE_PERCENT))
    return float(black), float(white if white > black else black + 1)


def residual_contrast(residual_YX: Float32Array) -> tuple[float, float]:
    """Grey is nothing; black and white are three deviations."""
    reach = 3 * float(residual_YX.std()) or 1.0
    return -reach, reach


def whole(slice_YX: Float32Array, limits: tuple[float, float]) -> str:
    """A whole slice, averaged down where it is large."""
    image = Image.fromarray(_grey(slice_YX, limits))
    factor = _WHOLE_PX / max(image.size)
    if factor < 1:
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        image = image.resize(size, Image.Resampling.BOX)
    return _uri(image)


def detail(slice_YX: Float32Array, limits: tuple[float, float], corner: tuple[int, int]) -> str:
    """A part of a slice, pixel by pixel."""
    y, x = corner
    return _uri(Image.fromarray(_grey(slice_YX[y : y + _DETAIL_PX, x : x + _DETAIL_PX], limits)))


def busiest_corner(slice_YX: Float32Array) -> tuple[int, int]:
    """The upper left corner of the part with most to see."""
    height, width = slice_YX.shape
    corners = [
        (y, x)
        for y in range(0, max(1, height - _DETAIL_PX + 1), _DETAIL_PX // 2)
        for x in range(0, max(1, width - _DETAIL_PX + 1), _DETAIL_PX // 2)
    ]
    return max(
        corners, key=lambda at: float(slice_YX[at[0] : at[0] + _DETAIL_PX, at[1] : at[1] + _DETAIL_PX].std())
    )


def correlation_map(correlation_YX: Float32Array) -> str:
    """A map of correlations: red positive, blue negative, the centre left out (it is always 1)."""
    colours_YXC = np.full((*correlation_YX.shape, 3), 255.0)
    for sign, colour in ((1, _POSITIVE), (-1, _NEGATIVE)):
        # The square root shows weak ones too.
        strength_YX1 = np.sqrt(np.clip(sign * correlation_YX, 0, 1))[..., None]
        colours_YXC += strength_YX1 * (np.array(colour) - 255)
    height, width = correlation_YX.shape
    colours_YXC[height // 2, width // 2] = (60, 60, 60)
    return _uri(Image.fromarray(np.clip(colours_YXC, 0, 255).astype(np.uint8)))


def _grey(slice_YX: Float32Array, limits: tuple[float, float]) -> NDArray[np.uint8]:
    black, white = limits
    scaled_YX = np.clip((slice_YX - black) / (white - black), 0, 1) * 255
    return np.asarray(np.rint(scaled_YX), dtype=np.uint8)


def _uri(image: Image.Image) -> str:
    buffer = BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
