"""What the noise analysis measured: the correlation of the noise at every pixel offset.

Axes: Z slice offset (1, or 3 for Z-1/Z/Z+1), Y row offset, X column offset; the middle element is offset zero.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

_ARRAYS = ("correlation_ZYX", "certainty_ZYX", "residual_correlation_ZYX", "flat_correlation_ZYX")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseCorrelation:
    """The noise's autocorrelation over pixel offsets, and how sure each value is.

    All arrays are float32 of one shape, (1 or 3, H, W) with odd H and W, and point-symmetric about their centre.

    Attributes:
        correlation_ZYX: Best estimate of the noise's correlation, -1 to 1; 1 at the centre. An offset on which
            the two sources contradict each other reads 0.
        certainty_ZYX: Significance of each value in standard errors, 0 or more; 0 at the centre, which is 1 by
            definition, and where the sources contradict each other.
        residual_correlation_ZYX: First source: autocorrelation of the residual (noisy - denoised).
        flat_correlation_ZYX: Second source: autocorrelation of the noisy image where it is flattest.
        num_pixels: Pixels that were measured, over all slices.
        noise_std: Standard deviation of the noise in the flat places, in the units of the input; 0 where the
            input has no noise.
    """

    correlation_ZYX: Float32Array
    certainty_ZYX: Float32Array
    residual_correlation_ZYX: Float32Array
    flat_correlation_ZYX: Float32Array
    num_pixels: int
    noise_std: float

    def __post_init__(self) -> None:
        shape = self.correlation_ZYX.shape
        if len(shape) != 3 or shape[0] not in (1, 3) or shape[1] % 2 == 0 or shape[2] % 2 == 0:  # noqa: PLR2004
            raise ValueError(f"a correlation has the shape (1 or 3, odd, odd), not {shape}")
        for name in _ARRAYS:
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name} has the shape {getattr(self, name).shape}, correlation_ZYX has {shape}"
                )

    def save(self, path: Path | str) -> None:
        """Write everything to a compressed .npz file at ``path``, replacing a file that is there."""
        contents = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        with Path(path).open("wb") as file:  # an open file: numpy would add a suffix to a name
            np.savez_compressed(file, allow_pickle=False, **contents)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote.

        Raises:
            ValueError: The file holds something else than a noise correlation.
        """
        with np.load(path, allow_pickle=False) as file:
            missing = [field.name for field in fields(cls) if field.name not in file]
            if missing:
                raise ValueError(f"not a noise correlation: {', '.join(missing)} missing")
            arrays = {name: file[name].astype(np.float32) for name in _ARRAYS}
            return cls(**arrays, num_pixels=int(file["num_pixels"]), noise_std=float(file["noise_std"]))
