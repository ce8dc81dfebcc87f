"""Draws noise like that of a stack: Gaussian, correlated as measured, stronger where the image is brighter.

Axes: Z slice offset (1 or 3), Y row (offset), X column (offset); B batch, C input slices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from clearstack_engine.analysis import NoiseModel
    from clearstack_engine.normalisation import Normalisation

BRIGHTNESS_WINDOW_PX = 5


class NoiseSource:
    """The noise of a stack in the units of its normalisation.

    A field is white noise whose spectrum is multiplied by the square root of the measured one. The white floor of that
    spectrum is what grows with brightness: photons are counted pixel by pixel.

    Args:
        model: what was measured, in units of the stack.
        normalisation: of the stack.
        patch_size_px: side of the patches that noise is drawn for.
        num_input_slices: 1 or 3.
        device: where it is drawn.
    """

    def __init__(
        self,
        model: NoiseModel,
        normalisation: Normalisation,
        *,
        patch_size_px: int,
        num_input_slices: int,
        device: torch.device,
    ) -> None:
        covariance_ZYX = model.autocovariance_ZYX.astype(np.float64) / normalisation.std**2
        # Measured between slices or not: noise of one slice alone is drawn for the middle one.
        self._num_noisy_slices = min(len(covariance_ZYX), num_input_slices)
        self._num_input_slices = num_input_slices
        self._patch_size_px = patch_size_px
        self._mean = (model.mean_brightness - normalisation.mean) / normalisation.std
        self._gain = model.gain / normalisation.std
        spectrum_ZYX = _spectrum(covariance_ZYX, patch_size_px)
        self._floor = float(spectrum_ZYX.min()) if self._gain else 0.0
        filter_ZYX = np.sqrt(spectrum_ZYX - self._floor)
        is_flat = float(np.ptp(filter_ZYX)) <= 1e-3 * float(filter_ZYX.max())
        self._white_std = float(filter_ZYX.mean()) if is_flat else 0.0
        self._filter_ZYX = None if is_flat else torch.from_numpy(filter_ZYX.astype(np.float32)).to(device)

    def draw(self, patches_BCYX: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Fresh noise for these noisy patches: float32 (B, C, Y, X); zero in slices whose noise does not matter."""
        noise_BCYX = self._stationary(patches_BCYX, generator)
        if self._gain:
            variance_BCYX = self._floor + self._gain * (_brightness(patches_BCYX) - self._mean)
            noise_BCYX += variance_BCYX.clamp(min=0).sqrt() * _normal(patches_BCYX.shape, generator)
        if self._num_noisy_slices == 1 and self._num_input_slices > 1:
            middle = self._num_input_slices // 2
            noise_BCYX[:, :middle] = 0
            noise_BCYX[:, middle + 1 :] = 0
        return noise_BCYX

    def _stationary(self, patches_BCYX: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        if self._filter_ZYX is None:
            return self._white_std * _normal(patches_BCYX.shape, generator)
        white_BZYX = _normal((len(patches_BCYX), *self._filter_ZYX.shape), generator)
        field_BZYX = torch.fft.ifftn(
            torch.fft.fftn(white_BZYX, dim=(1, 2, 3)) * self._filter_ZYX, dim=(1, 2, 3)
        )
        size = self._patch_size_px
        noise_BZYX: torch.Tensor = field_BZYX.real[:, : self._num_noisy_slices, :size, :size]
        if self._num_noisy_slices == self._num_input_slices:
            return noise_BZYX.contiguous()
        return noise_BZYX.expand(-1, self._num_input_slices, -1, -1).clone()


def _spectrum(covariance_ZYX: NDArray[np.float64], patch_size_px: int) -> NDArray[np.float64]:
    """Of noise on a torus just large enough that a patch does not meet itself; its mean is the variance, none below 0."""
    cropped_ZYX = _cropped(covariance_ZYX)
    reach_ZYX = [side // 2 for side in cropped_ZYX.shape]
    sides = [
        reach_ZYX[0] * 4 or 1,
        *(_fast_length(patch_size_px + reach) if reach else patch_size_px for reach in reach_ZYX[1:]),
    ]
    torus_ZYX = np.zeros(sides)
    index = np.ix_(
        *(np.arange(-reach, reach + 1) % side for reach, side in zip(reach_ZYX, sides, strict=True))
    )
    torus_ZYX[index] = cropped_ZYX
    spectrum_ZYX = np.fft.fftn(torus_ZYX).real
    variance = float(spectrum_ZYX.mean())
    spectrum_ZYX = spectrum_ZYX.clip(0)
    return np.asarray(spectrum_ZYX * (variance / max(float(spectrum_ZYX.mean()), np.finfo(np.float64).tiny)))


def _cropped(covariance_ZYX: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the offsets beyond the last that is not zero; the slices stay."""
    middle = [side // 2 for side in covariance_ZYX.shape]
    reach = np.abs(np.argwhere(covariance_ZYX) - middle).max(axis=0, initial=0)
    inner = tuple(slice(middle[axis] - reach[axis], middle[axis] + reach[axis] + 1) for axis in (1, 2))
    return covariance_ZYX[:, *inner]


def _fast_length(length: int) -> int:
    """The next one that the Fourier transform is fast with: a multiple of 8."""
    return -(-length // 8) * 8


def _brightness(patches_BCYX: torch.Tensor) -> torch.Tensor:
    window = BRIGHTNESS_WINDOW_PX
    return functional.avg_pool2d(patches_BCYX, window, stride=1, padding=window // 2, count_include_pad=False)


def _normal(shape: tuple[int, ...] | torch.Size, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(tuple(shape), generator=generator, device=generator.device)
