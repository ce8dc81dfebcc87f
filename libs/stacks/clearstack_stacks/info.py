"""What validation found out about a stack, as it is stored with it and shown to people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Final

MIN_SLICES_2_5D: Final = 20


def two_and_half_d_refusal(num_slices: int) -> str:
    """Why a stack of `num_slices` can't be used in 2.5D; empty when it can."""
    if num_slices >= MIN_SLICES_2_5D:
        return ""
    slices = "1 slice" if num_slices == 1 else f"{num_slices} slices"
    return (
        f"Insufficient Stack Depth for 2.5D: the stack has {slices}, {MIN_SLICES_2_5D} are needed: "
        "switch to 2D or use a larger stack."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StackInfo:
    """A valid stack in numbers.

    Attributes:
        num_slices: slices along z, 1 or more.
        height: px along y.
        width: px along x.
        dtype: numpy name of the file's dtype, in native byte order.
        axes: axes as found in the file, without those of length one, e.g. "ZYX", "YX", "QYX".
        pixel_size_um: size of a pixel along x, where the file says.
        pixel_size_y_um: the same along y.
        z_step_um: distance of two slices, where the file says.
        min: smallest pixel value.
        max: largest pixel value.
        mean: mean of all pixel values.
        std: standard deviation of all pixel values.
        warnings: sentences about what is accepted, but may spoil the result.
        two_and_half_d_possible: whether the stack has enough slices for 2.5D.
        two_and_half_d_reason: why not, else empty.
    """

    num_slices: int
    height: int
    width: int
    dtype: str
    axes: str
    pixel_size_um: float | None
    pixel_size_y_um: float | None
    z_step_um: float | None
    min: float
    max: float
    mean: float
    std: float
    warnings: tuple[str, ...]
    two_and_half_d_possible: bool
    two_and_half_d_reason: str

    def to_json(self) -> dict[str, Any]:
        """The info as a JSON object."""
        return {**asdict(self), "warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> StackInfo:
        """The info of a JSON object; fields of later versions are ignored."""
        known = {field.name: data[field.name] for field in fields(cls)}
        return cls(**{**known, "warnings": tuple(known["warnings"])})
