"""The clean images of the yardstick, cut from the pictures in scikit-image's wheel (in the environment of the peers).

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage
from numpy.typing import NDArray
from scipy.ndimage import shift
from skimage import color, io

Images = NDArray[np.float64]

NAMES = (
    "cell.png",
    "coins.png",
    "camera.png",
    "moon.png",
    "retina.jpg",
    "ihc.png",
    "hubble_deep_field.jpg",
    "brick.png",
    "gravel.png",
    "grass.png",
    "chelsea.png",
    "astronaut.png",
)
SIDE_PX = 256
DRIFT_PX = 3.7
DRIFTING = "retina.jpg"
LOW, SPAN = 0.2, 0.6


def picture(name: str) -> NDArray[np.float32]:
    """Grey, 0-1."""
    image = io.imread(Path(skimage.__file__).parent / "data" / name).astype(np.float32)
    if image.ndim == len("YXC"):
        image = color.rgb2gray(image[..., :3] / 255.0).astype(np.float32)
    image = image - image.min()
    grey: NDArray[np.float32] = image / image.max()
    return grey


def clean_stack() -> NDArray[np.float32]:
    """24 slices of 256 x 256 px, two random crops of each picture, 0.2-0.8."""
    rng = np.random.default_rng(0)
    crops = []
    for _ in range(2):
        for name in NAMES:
            image = picture(name)
            y = rng.integers(0, image.shape[0] - SIDE_PX + 1)
            x = rng.integers(0, image.shape[1] - SIDE_PX + 1)
            crops.append(image[y : y + SIDE_PX, x : x + SIDE_PX])
    return LOW + SPAN * np.stack(crops)


def drifting_stack(num_slices: int = 24) -> Images:
    """One scene, in each slice 3.7 px further to the left: neighbouring slices know of each other."""
    image = picture(DRIFTING).astype(np.float64)
    top, left = (image.shape[0] - SIDE_PX) // 2, image.shape[1] // 4
    scene = image[top : top + SIDE_PX, left : left + SIDE_PX + int(DRIFT_PX * num_slices) + 2]
    slices = [
        shift(scene, (0, -DRIFT_PX * k), order=3, mode="nearest")[:, :SIDE_PX] for k in range(num_slices)
    ]
    return LOW + SPAN * np.stack(slices).clip(0, 1)
