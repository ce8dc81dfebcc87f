"""Runs what needs no training: `python -m bench.peers.classical_run METHOD INPUT OUTPUT`.

Methods: `noisy` (the input itself), `nlm` (non-local means of scikit-image), `bm3d-white` and `bm3d-spectrum`. All are
told the true standard deviation of each slice's noise, or its true spectrum, which nobody has in practice.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench import protocol

Image = NDArray[np.float64]


def unchanged(noisy_YX: Image, _sigma: float, _question: protocol.Question) -> Image:
    """What there is to gain is counted from here."""
    return noisy_YX


def non_local_means(noisy_YX: Image, sigma: float, _question: protocol.Question) -> Image:
    """As scikit-image's own example has it: patches of 5 px within 6 px, h = 0.8 sigma."""
    from skimage.restoration import denoise_nl_means  # noqa: PLC0415 - takes seconds

    denoised_YX: Image = denoise_nl_means(
        noisy_YX, h=0.8 * sigma, sigma=sigma, fast_mode=True, patch_size=5, patch_distance=6
    )
    return denoised_YX


def bm3d_white(noisy_YX: Image, sigma: float, _question: protocol.Question) -> Image:
    """BM3D told the level of the noise, and that it is white."""
    from bm3d import bm3d  # noqa: PLC0415 - is for non-commercial use: loaded where it is measured

    return np.asarray(bm3d(noisy_YX, sigma))


def bm3d_spectrum(noisy_YX: Image, _sigma: float, question: protocol.Question) -> Image:
    """BM3D told the spectrum of the noise."""
    from bm3d import bm3d  # noqa: PLC0415 - see above

    return np.asarray(bm3d(noisy_YX, question.told("spectrum")))


Method = Callable[[Image, float, protocol.Question], Image]
METHODS: dict[str, tuple[Method, tuple[str, ...]]] = {
    "noisy": (unchanged, ()),
    "nlm": (non_local_means, ("scikit-image",)),
    "bm3d-white": (bm3d_white, ("bm3d",)),
    "bm3d-spectrum": (bm3d_spectrum, ("bm3d",)),
}


def main() -> None:
    """Answers one question."""
    arguments = protocol.parser().parse_args()
    question = protocol.read(arguments)
    method, packages = METHODS[question.method]
    watch = protocol.Stopwatch()
    denoised = []
    with watch.running("denoise_cpu_s"):
        for noisy_YX, sigma in zip(question.noisy_ZYX, question.sigma_Z, strict=True):
            denoised.append(method(noisy_YX / question.peak, float(sigma), question) * question.peak)
    answer = protocol.Answer(
        np.stack(denoised).astype(np.float32),
        seconds={"train_cpu_s": 0.0, **watch.seconds},
        versions={name: importlib.metadata.version(name) for name in packages},
    )
    protocol.write(arguments.output, answer)


if __name__ == "__main__":
    main()
