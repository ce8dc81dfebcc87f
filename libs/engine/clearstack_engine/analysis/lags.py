"""Sums of products of two images over all pixel offsets, by FFT.

Axes: Y, X image rows and columns; results have one element per offset, offset zero in the middle.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Spectrum = NDArray[np.complex64]


def spectrum(image_YX: Float32Array, half: tuple[int, int]) -> Spectrum:
    """Half-plane spectrum of an image, zero-padded so that offsets up to ``half`` (rows, columns) don't wrap."""
    shape = [
        fft.next_fast_len(side + offset, real=True) for side, offset in zip(image_YX.shape, half, strict=True)
    ]
    return np.asarray(fft.rfft2(image_YX, s=shape), dtype=np.complex64)


def lag_sums(
    first: Spectrum, second: Spectrum, shape: tuple[int, ...], half: tuple[int, int]
) -> Float64Array:
    """Sum over p of first(p) * second(p + k) for every offset k within ``half``.

    Args:
        first: Spectrum of the first image, by `spectrum` with the same ``half``.
        second: Spectrum of the second image.
        shape: Shape (Y, X) of the images.
        half: Largest offset in rows and columns.

    Returns:
        float64 (2 * half[0] + 1, 2 * half[1] + 1), offset zero in the middle.
    """
    padded = [fft.next_fast_len(side + offset, real=True) for side, offset in zip(shape, half, strict=True)]
    sums = fft.irfft2(np.conj(first) * second, s=padded)
    rows = np.arange(-half[0], half[0] + 1)
    columns = np.arange(-half[1], half[1] + 1)
    return np.asarray(sums[np.ix_(rows, columns)], dtype=np.float64)
