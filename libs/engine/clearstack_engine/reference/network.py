"""The U-Net of the autoStructN2V reference implementation, in all of its versions.

Its parts have the names under which the reference keeps their weights. Two versions can be told apart by the weights
alone: the first pads its convolutions with zeros (a block's convolutions are its parts 0 and 3), later ones reflect
(parts 1 and 5).

Axes: B batch, C input slices, F feature maps, Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from clearstack_engine.config import Upsampling

Activation = Literal["relu", "elu"]
_BINOMIAL = (1.0, 2.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceArchitecture:
    """All that shapes a network of the reference.

    Attributes:
        num_features: feature maps at full resolution.
        num_layers: how often the network halves the resolution.
        num_input_slices: 1, or 3 in 2.5D.
        num_output_slices: 1, or 3 for the first of two stages in 2.5D.
        reflection_padding: of the convolutions; off = zeros.
        activation: after each normalisation.
        resize_convolution: enlarge, then convolve; off = transposed convolution.
        upsampling: how the resize convolution interpolates.
        top_skip: the skip connection at full resolution.
        blur_pool: blur after the maximum; off = plain max pooling.
    """

    num_features: int
    num_layers: int
    num_input_slices: int = 1
    num_output_slices: int = 1
    reflection_padding: bool = True
    activation: Activation = "elu"
    resize_convolution: bool = True
    upsampling: Upsampling = "bilinear"
    top_skip: bool = True
    blur_pool: bool = False


class ReferenceUNet(nn.Module):
    """Slices between 0 and 1 (or their z-scores) in, clean slices out."""

    def __init__(self, architecture: ReferenceArchitecture) -> None:
        super().__init__()
        self._has_top_skip = architecture.top_skip
        widths = [architecture.num_features * 2**level for level in range(architecture.num_layers + 1)]
        self.encoder_layers = nn.ModuleList()
        num_in = architecture.num_input_slices
        for width in widths[:-1]:
            pool = BlurredMaxPool(width) if architecture.blur_pool else nn.MaxPool2d(2)
            self.encoder_layers.extend([_block(num_in, width, architecture), pool])
            num_in = width
        self.bottleneck = _block(num_in, widths[-1], architecture)
        self.decoder_layers = nn.ModuleList()
        for level, width in reversed(list(enumerate(widths[:-1]))):
            enlarge: nn.Module = (
                ResizeConvolution(2 * width, width, architecture.upsampling)
                if architecture.resize_convolution
                else nn.ConvTranspose2d(2 * width, width, 2, stride=2)
            )
            num_in = 2 * width if self._has_skip(level) else width
            self.decoder_layers.extend([enlarge, _block(num_in, width, architecture)])
        self.final_conv = nn.Conv2d(widths[0], architecture.num_output_slices, 1)

    def _has_skip(self, level: int) -> bool:
        return level > 0 or self._has_top_skip

    def forward(self, slices_BCYX: torch.Tensor) -> torch.Tensor:
        """float32 (B, num_input_slices, Y, X), sides multiples of 2**num_layers -> (B, num_output_slices, Y, X)."""
        maps_BFYX = slices_BCYX
        skips: list[torch.Tensor] = []
        encoders = list(self.encoder_layers)
        for block, pool in zip(encoders[::2], encoders[1::2], strict=True):
            maps_BFYX = block(maps_BFYX)
            skips.append(maps_BFYX)
            maps_BFYX = pool(maps_BFYX)
        maps_BFYX = self.bottleneck(maps_BFYX)
        decoders = list(self.decoder_layers)
        for enlarge, block in zip(decoders[::2], decoders[1::2], strict=True):
            maps_BFYX = enlarge(maps_BFYX)
            skip_BFYX = skips.pop()
            if self._has_skip(len(skips)):
                maps_BFYX = torch.cat([maps_BFYX, skip_BFYX], dim=1)
            maps_BFYX = block(maps_BFYX)
        image_BCYX: torch.Tensor = self.final_conv(maps_BFYX)
        return image_BCYX


class ResizeConvolution(nn.Module):
    """Interpolation to twice the size with aligned corners, then a convolution."""

    def __init__(self, num_in: int, num_out: int, upsampling: Upsampling) -> None:
        super().__init__()
        self._mode = upsampling
        self.conv = nn.Conv2d(num_in, num_out, 3, padding=1)

    def forward(self, maps_BFYX: torch.Tensor) -> torch.Tensor:
        """(B, num_in, Y, X) -> (B, num_out, 2 Y, 2 X)."""
        corners = None if self._mode == "nearest" else True
        large_BFYX = functional.interpolate(maps_BFYX, scale_factor=2, mode=self._mode, align_corners=corners)
        convolved_BFYX: torch.Tensor = self.conv(large_BFYX)
        return convolved_BFYX


class BlurredMaxPool(nn.Module):
    """The maximum of two by two pixels, blurred before every second pixel is dropped; the blur is kept as weights."""

    blur_kernel: torch.Tensor

    def __init__(self, num_maps: int) -> None:
        super().__init__()
        line_X = torch.tensor(_BINOMIAL)
        kernel_YX = torch.outer(line_X, line_X) / line_X.sum() ** 2
        self.register_buffer("blur_kernel", kernel_YX.repeat(num_maps, 1, 1, 1))

    def forward(self, maps_BFYX: torch.Tensor) -> torch.Tensor:
        """(B, F, Y, X) -> (B, F, Y / 2, X / 2)."""
        maxima_BFYX = functional.max_pool2d(maps_BFYX, 2, stride=1)
        padded_BFYX = functional.pad(maxima_BFYX, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded_BFYX, self.blur_kernel, stride=2, groups=len(self.blur_kernel))


def _block(num_in: int, num_out: int, architecture: ReferenceArchitecture) -> nn.Sequential:
    """Two convolutions, each with batch normalisation and activation, and a padding of its own where it reflects."""
    layers: list[nn.Module] = []
    for num_before in (num_in, num_out):
        if architecture.reflection_padding:
            layers.append(nn.ReflectionPad2d(1))
        layers += [
            nn.Conv2d(num_before, num_out, 3, padding=0 if architecture.reflection_padding else 1),
            nn.BatchNorm2d(num_out),
            nn.ELU() if architecture.activation == "elu" else nn.ReLU(),
        ]
    return nn.Sequential(*layers)
