"""What noise is like, for comparing stacks: whether a model that learnt from one will do for another.

Axes: Y rows, X columns.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from clearstack.v1.config_pb2 import Method
from clearstack.v1.inspection_pb2 import Inspection
from clearstack.v1.stack_service_pb2 import Stack
from numpy.typing import NDArray

# A network that learnt from noise one and a half times as strong blurs; the report warns from twice.
_LARGEST_RATIO = 1.5
# Between repetitions on one stack the measured correlation differs by less than a third of that.
_LARGEST_DIFFERENCE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The noise of one stack.

    Attributes:
        dtype: Of the stack, such as `uint16`.
        noise_std: Standard deviation of the noise, in the stack's units; 0 = none was found.
        method: Which method suits it.
        correlation_YX: Of the noise with that at each offset, -1 to 1; odd sides, the centre is offset 0.
    """

    dtype: str
    noise_std: float
    method: "Method.ValueType"
    correlation_YX: NDArray[np.float64]

    @classmethod
    def of(cls, stack: Stack, inspection: Inspection) -> Self:
        """The fingerprint of a stack that was looked at."""
        found = inspection.correlation
        return cls(
            dtype=stack.info.dtype,
            noise_std=inspection.noise.standard_deviation,
            method=inspection.recommendation.method,
            correlation_YX=np.array(found.correlation, dtype=np.float64).reshape(found.height, found.width),
        )

    def difference(self, other: Self) -> str:
        """In what the two differ too much for one model, in words; empty = they match."""
        if self.dtype != other.dtype:
            return f"data types differ ({self.dtype}, {other.dtype})"
        weak, strong = sorted((self.noise_std, other.noise_std))
        if strong > _LARGEST_RATIO * weak:
            return f"noise levels differ ({self.noise_std:.3g}, {other.noise_std:.3g})"
        if self.method != other.method:
            return "one has structured noise, the other has not"
        if _largest_difference(self.correlation_YX, other.correlation_YX) > _LARGEST_DIFFERENCE:
            return "the patterns of the noise differ"
        return ""


def _largest_difference(one_YX: NDArray[np.float64], other_YX: NDArray[np.float64]) -> float:
    """Over the offsets that both have."""
    rows, columns = (min(sides) for sides in zip(one_YX.shape, other_YX.shape, strict=True))
    if not rows or not columns:
        return 0.0
    return float(np.abs(_middle(one_YX, rows, columns) - _middle(other_YX, rows, columns)).max())


def _middle(map_YX: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    top, left = (map_YX.shape[0] - rows) // 2, (map_YX.shape[1] - columns) // 2
    return map_YX[top : top + rows, left : left + columns]
