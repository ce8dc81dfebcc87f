"""The trainings whose speed is compared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of batches and of the network."""

    patch_size_px: int
    batch_size: int
    num_features: int
    num_layers: int

    @property
    def features_of_careamics(self) -> int:
        """With an eighth more features its network has as many parameters as ours, within 4 %."""
        return self.num_features * 9 // 8

    def __str__(self) -> str:
        return f"{self.patch_size_px}², batch {self.batch_size}, {self.num_features} features, {self.num_layers} layers"


SHAPES = (
    Shape(patch_size_px=64, batch_size=8, num_features=64, num_layers=4),
    Shape(patch_size_px=64, batch_size=16, num_features=32, num_layers=2),
    Shape(patch_size_px=32, batch_size=4, num_features=64, num_layers=2),
)
DENOISED = (0, 1)
"""The numbers of those whose denoising is measured too."""
WARM_UP_STEPS = 5
SLICE_PX = 1024
WARM_UP_PX = 256
