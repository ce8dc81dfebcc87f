"""Measures the noise of a stack with the help of the network that is being trained on it.

Axes: Z slices, C input slices, Y rows, X columns.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from clearstack_engine.analysis import NoiseModelMeter
from clearstack_engine.denoising.denoiser import Denoiser
from clearstack_engine.denoising.triplets import triplet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from clearstack_engine.analysis import NoiseModel
    from clearstack_engine.device import Device
    from clearstack_engine.model.files import ModelCard
    from clearstack_engine.network.unet import UNet

MAX_PIXELS = 8 << 20
MAX_SIDE_PX = 1024


def measure_noise(
    stack_ZYX: NDArray[np.generic],
    network: UNet,
    card: ModelCard,
    device: Device,
    *,
    num_offset_slices: int,
) -> NoiseModel:
    """The noise model of a part of the stack that is large enough.

    Args:
        stack_ZYX: any real dtype; may be memory-mapped.
        network: as it is now; left alone.
        card: what belongs to it.
        device: where it computes.
        num_offset_slices: 3 where the noise may be correlated from slice to slice, else 1.
    """
    denoiser = Denoiser(copy.deepcopy(network), card, device)
    # Of a single blind spot this is untrue where the noise is structured: what is measured then is not white either.
    meter = NoiseModelMeter(num_offset_slices=num_offset_slices, denoised_is_clean=True)
    window_ZYX = _middle(stack_ZYX)
    for z in _chosen(window_ZYX.shape, in_a_row=num_offset_slices > 1):
        slices_CYX = (
            triplet(window_ZYX, z) if denoiser.num_input_slices > 1 else np.asarray(window_ZYX[z])[None]
        )
        noisy_YX = np.asarray(window_ZYX[z], dtype=np.float32)
        meter.add(noisy_YX, denoiser.denoise_slice(slices_CYX))
    return meter.result()


def _middle(stack_ZYX: NDArray[np.generic]) -> NDArray[np.generic]:
    rows, columns = (
        slice((side - min(side, MAX_SIDE_PX)) // 2, (side + min(side, MAX_SIDE_PX)) // 2)
        for side in stack_ZYX.shape[1:]
    )
    return stack_ZYX[:, rows, columns]


def _chosen(shape_ZYX: tuple[int, ...], *, in_a_row: bool) -> list[int]:
    num_slices = shape_ZYX[0]
    count = max(1, min(num_slices, MAX_PIXELS // (shape_ZYX[1] * shape_ZYX[2])))
    if in_a_row:
        first = (num_slices - count) // 2
        return list(range(first, first + count))
    return [int(z) for z in np.linspace(0, num_slices - 1, count).round()]
