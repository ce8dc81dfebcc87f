"""A U-Net without the skip connection at full resolution, with blur pooling.

N2V2: Höck, Buchholz, Brachmann, Jug, Freytag, "N2V2 - Fixing Noise2Void Checkerboard Artifacts with Modified Sampling
Strategies and a Tweaked Network Architecture", ECCV 2022 workshops, section 3.1. The missing skip matters twice here:
with structured noise it would let the correlated neighbours through unfiltered.

Axes: B batch, C input slices, F feature maps, Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from clearstack_engine.network.layers import (
    NEGATIVE_SLOPE,
    BlurPool,
    DoubleConvolution,
    Upsample,
)

if TYPE_CHECKING:
    from clearstack_engine.config import StageConfig, Upsampling


CONVOLUTIONS_RADIUS = 2  # of two 3x3 convolutions


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """All that is needed to build the network that a set of weights belongs to."""

    num_features: int
    num_layers: int
    num_input_slices: int
    resize_convolution: bool
    upsampling: Upsampling

    @classmethod
    def of(cls, config: StageConfig) -> Architecture:
        """The part of a stage's configuration that shapes the network."""
        return cls(
            num_features=config.num_features,
            num_layers=config.num_layers,
            num_input_slices=config.num_input_slices,
            resize_convolution=config.resize_convolution,
            upsampling=config.upsampling,
        )

    @property
    def multiple_px(self) -> int:
        """Image sides must be a multiple of this."""
        return 1 << self.num_layers

    @property
    def receptive_radius_px(self) -> int:
        """How far from a pixel another one can be and still change its output."""
        radius = CONVOLUTIONS_RADIUS  # of the last decoder; then down to the lowest level, and up again
        for _ in range(self.num_layers):
            radius = -(-radius // 2) + self._interpolation_radius + CONVOLUTIONS_RADIUS
        for _ in range(self.num_layers):
            radius = 2 * radius + 1 + CONVOLUTIONS_RADIUS
        return radius

    @property
    def _interpolation_radius(self) -> int:
        return 2 if self.upsampling == "bicubic" else 1


class UNet(nn.Module):
    """Normalised slices in, the normalised clean middle slice out."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        widths = [architecture.num_features * 2**level for level in range(architecture.num_layers + 1)]
        inputs = [architecture.num_input_slices, *widths]
        self.encoders = nn.ModuleList(DoubleConvolution(a, b) for a, b in pairwise(inputs))
        self.pool = BlurPool()
        self.upsamples = nn.ModuleList()
        self.decoders = nn.ModuleList()
        for level in reversed(range(architecture.num_layers)):
            self.upsamples.append(
                Upsample(
                    widths[level + 1],
                    widths[level],
                    resize_convolution=architecture.resize_convolution,
                    upsampling=architecture.upsampling,
                )
            )
            num_in = widths[level] * (2 if level else 1)
            self.decoders.append(DoubleConvolution(num_in, widths[level]))
        self.head = nn.Conv2d(widths[0], 1, 1)

    def draw_weights(self, generator: torch.Generator) -> None:
        """Random weights that keep the variance through the rectifiers, from this generator alone."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, a=NEGATIVE_SLOPE, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def set_norm_momentum(self, momentum: float) -> None:
        """How much of a batch's mean and variance goes into the running ones."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = momentum

    def fold(self) -> UNet:
        """For denoising only: batch normalisation becomes part of the convolutions. Changes the network itself."""
        self.eval()
        for module in self.modules():
            if isinstance(module, DoubleConvolution):
                module.fold()
        return self

    def forward(self, slices_BCYX: torch.Tensor) -> torch.Tensor:
        """float32 (B, C, Y, X), sides multiples of 2**num_layers -> float32 (B, Y, X)."""
        maps_BFYX = self.encoders[0](slices_BCYX)
        skips: list[torch.Tensor | None] = [None]
        for encoder in list(self.encoders)[1:]:
            maps_BFYX = encoder(self.pool(maps_BFYX))
            skips.append(maps_BFYX)
        skips.pop()
        for upsample, decoder in zip(self.upsamples, self.decoders, strict=True):
            maps_BFYX = upsample(maps_BFYX)
            skip_BFYX = skips.pop()
            maps_BFYX = decoder(maps_BFYX if skip_BFYX is None else torch.cat([skip_BFYX, maps_BFYX], dim=1))
        return self._to_image(maps_BFYX)

    def _to_image(self, maps_BFYX: torch.Tensor) -> torch.Tensor:
        # Eight bits of mantissa would show as steps in a 16-bit image: the last layer stays in float32.
        with torch.autocast(maps_BFYX.device.type, enabled=False):
            image_B1YX: torch.Tensor = self.head(maps_BFYX.float())
        return image_B1YX[:, 0]
