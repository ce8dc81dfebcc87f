"""What a model remembers of the stack it was trained on, and how another stack differs from it.

Axes: Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

# The second difference along both axes: smooth signal vanishes, white noise keeps its variance.
_SECOND_DIFFERENCE = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0]) / 6.0
_MEDIAN_TO_STD = 1.4826
_FAR = 2.0
_MAX_SLICES = 9
_MAX_SIDE_PX = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """What is known of the training stack.

    Attributes:
        dtype: its data type, such as `uint16`; empty = not known.
        noise_std: standard deviation of its noise, in its units; 0 = not known.
    """

    dtype: str = ""
    noise_std: float = 0.0

    @classmethod
    def of(cls, stack_ZYX: NDArray[np.generic]) -> TrainedOn:
        """Measure a stack on a few of its slices."""
        step = -(-len(stack_ZYX) // _MAX_SLICES)
        return cls(dtype=stack_ZYX.dtype.name, noise_std=noise_std(stack_ZYX[::step]))

    def warnings(self, dtype: str, measured_std: float) -> list[str]:
        """What a person should know before trusting the model on a stack of this data type and noise."""
        warnings = []
        if self.dtype and dtype != self.dtype:
            warnings.append(
                f"The stack is {dtype}, the model was trained on {self.dtype}: if the brightness differs too, train a "
                "model on this stack."
            )
        if self.noise_std > 0 and measured_std > 0:
            ratio = measured_std / self.noise_std
            if not 1 / _FAR <= ratio <= _FAR:
                warnings.append(
                    f"The stack's noise (standard deviation {measured_std:.3g}) is {_times(ratio)} than that of the "
                    f"stack the model was trained on ({self.noise_std:.3g}): train a model on this stack if the "
                    "result looks blurred or still noisy."
                )
        return warnings


NOTHING_KNOWN = TrainedOn()


def noise_std(slices_ZYX: Iterable[NDArray[np.generic]]) -> float:
    """Standard deviation of the noise in the units of the slices, robust against edges; 0.0 = none found.

    Immerkaer, "Fast noise variance estimation", CVIU 1996, with a median in place of the mean. Meant for comparing
    stacks: noise that is correlated between neighbours comes out too small, in every stack of its kind alike.
    """
    stds = [_of_slice(np.asarray(_middle(slice_YX), dtype=np.float64)) for slice_YX in slices_ZYX]
    return float(np.median(stds)) if stds else 0.0


def _middle(slice_YX: NDArray[np.generic]) -> NDArray[np.generic]:
    """As much of a slice as the noise can be measured on with no end of memory."""
    rows, columns = (slice(max(0, (n - _MAX_SIDE_PX) // 2), None) for n in slice_YX.shape)
    return slice_YX[rows, columns][:_MAX_SIDE_PX, :_MAX_SIDE_PX]


def _of_slice(slice_YX: NDArray[np.float64]) -> float:
    if min(slice_YX.shape) < len(_SECOND_DIFFERENCE):
        return 0.0
    differences_YX = ndimage.convolve(slice_YX, _SECOND_DIFFERENCE, mode="mirror")
    return float(_MEDIAN_TO_STD * np.median(np.abs(differences_YX)))


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times larger" if ratio > 1 else f"{1 / ratio:.1f} times smaller"
