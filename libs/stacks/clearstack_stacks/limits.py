"""What is out of proportion: the sizes beyond which a file is refused before it is decoded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds (and one lower bound) of a stack that is taken.

    Attributes:
        max_file_bytes: the file as it lies on disk.
        max_slices: slices of the stack, pages of the file.
        max_pixels_per_slice: height times width; a few slices at a time are held in memory.
        max_decoded_bytes: the pixels of the whole stack, decompressed.
        max_compression_ratio: decoded bytes per byte of the file, where more than `ratio_floor_bytes` are decoded.
        ratio_floor_bytes: below it any ratio is harmless (an almost empty stack compresses very well).
        min_side_px: the smallest patch that can be trained on.
    """

    max_file_bytes: int = 200 * _GIB
    max_slices: int = 100_000
    max_pixels_per_slice: int = 2**28
    max_decoded_bytes: int = 200 * _GIB
    max_compression_ratio: float = 250.0
    ratio_floor_bytes: int = _GIB // 8
    min_side_px: int = 16

    def to_json(self) -> dict[str, Any]:
        """The limits as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Limits:
        """The limits of a JSON object; what is absent keeps its default.

        Raises:
            ValueError: there is a field that does not exist.
        """
        unknown = sorted(set(data) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"there are no such limits: {', '.join(unknown)}")
        return cls(**data)
