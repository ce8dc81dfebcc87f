"""The reference implementation's forward pass, written once more from its description, on nothing but a state dict.

Axes: B batch, C input slices, F feature maps, Y rows, X columns.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Weights = dict[str, torch.Tensor]


def draw_weights(
    *,
    num_features: int,
    num_layers: int,
    reflects: bool,
    transposed: bool,
    num_inputs: int = 1,
    seed: int = 0,
) -> Weights:
    """Random weights under the reference's names, without its prefix."""
    generator = torch.Generator().manual_seed(seed)
    weights: Weights = {}

    def tensor(name: str, *shape: int) -> None:
        fan = max(1, int(np.prod(shape[1:])))
        weights[name] = torch.randn(shape, generator=generator) / fan**0.5

    def block(prefix: str, num_in: int, num_out: int) -> None:
        first, second = (1, 5) if reflects else (0, 3)
        for place, num_before in ((first, num_in), (second, num_out)):
            tensor(f"{prefix}.{place}.weight", num_out, num_before, 3, 3)
            tensor(f"{prefix}.{place}.bias", num_out)
            tensor(f"{prefix}.{place + 1}.weight", num_out)
            tensor(f"{prefix}.{place + 1}.bias", num_out)
            tensor(f"{prefix}.{place + 1}.running_mean", num_out)
            weights[f"{prefix}.{place + 1}.running_var"] = 0.5 + torch.rand(num_out, generator=generator)
            weights[f"{prefix}.{place + 1}.num_batches_tracked"] = torch.tensor(7)

    num_in, width = num_inputs, num_features
    for level in range(num_layers):
        block(f"encoder_layers.{2 * level}", num_in, width)
        num_in, width = width, 2 * width
    block("bottleneck", num_in, width)
    for level in range(num_layers):
        if transposed:
            tensor(f"decoder_layers.{2 * level}.weight", width, width // 2, 2, 2)
            tensor(f"decoder_layers.{2 * level}.bias", width // 2)
        else:
            tensor(f"decoder_layers.{2 * level}.conv.weight", width // 2, width, 3, 3)
            tensor(f"decoder_layers.{2 * level}.conv.bias", width // 2)
        block(f"decoder_layers.{2 * level + 1}", width, width // 2)
        width //= 2
    tensor("final_conv.weight", 1, num_features, 1, 1)
    tensor("final_conv.bias", 1)
    return weights


def forward(weights: Weights, maps_BFYX: torch.Tensor, num_layers: int) -> torch.Tensor:
    """(B, C, Y, X) -> (B, 1, Y, X)."""
    skips = []
    for level in range(num_layers):
        maps_BFYX = _block(weights, f"encoder_layers.{2 * level}", maps_BFYX)
        skips.append(maps_BFYX)
        maps_BFYX = functional.max_pool2d(maps_BFYX, 2)
    maps_BFYX = _block(weights, "bottleneck", maps_BFYX)
    for level in range(num_layers):
        prefix = f"decoder_layers.{2 * level}"
        if f"{prefix}.conv.weight" in weights:
            large = functional.interpolate(maps_BFYX, scale_factor=2, mode="bilinear", align_corners=True)
            maps_BFYX = functional.conv2d(
                large, weights[f"{prefix}.conv.weight"], weights[f"{prefix}.conv.bias"], padding=1
            )
        else:
            maps_BFYX = functional.conv_transpose2d(
                maps_BFYX, weights[f"{prefix}.weight"], weights[f"{prefix}.bias"], stride=2
            )
        maps_BFYX = torch.cat([maps_BFYX, skips.pop()], dim=1)
        maps_BFYX = _block(weights, f"decoder_layers.{2 * level + 1}", maps_BFYX)
    return functional.conv2d(maps_BFYX, weights["final_conv.weight"], weights["final_conv.bias"])


def _block(weights: Weights, prefix: str, maps_BFYX: torch.Tensor) -> torch.Tensor:
    reflects = f"{prefix}.0.weight" not in weights
    for place in (1, 5) if reflects else (0, 3):
        mode = "reflect" if reflects else "constant"
        padded = functional.pad(maps_BFYX, (1, 1, 1, 1), mode=mode)
        maps_BFYX = functional.conv2d(
            padded, weights[f"{prefix}.{place}.weight"], weights[f"{prefix}.{place}.bias"]
        )
        norm = f"{prefix}.{place + 1}"
        maps_BFYX = functional.batch_norm(
            maps_BFYX,
            weights[f"{norm}.running_mean"],
            weights[f"{norm}.running_var"],
            weights[f"{norm}.weight"],
            weights[f"{norm}.bias"],
        )
        maps_BFYX = functional.elu(maps_BFYX) if reflects else functional.relu(maps_BFYX)
    return maps_BFYX


def denoised(
    weights: Weights, image_YX: NDArray[np.float32], *, patch_px: int, num_layers: int
) -> NDArray[np.float32]:
    """An image between 0 and 1, patch by patch with half a patch between them, blended by linear weights."""
    step = patch_px // 2
    height, width = image_YX.shape
    padded_YX = np.pad(image_YX, ((0, -height % step), (0, -width % step)), mode="reflect")
    total_YX, sum_YX = np.zeros(padded_YX.shape), np.zeros(padded_YX.shape)
    line_X = 1 - np.abs(np.arange(patch_px) - step) / step
    weight_YX = line_X[:, None] * line_X
    for y in range(0, padded_YX.shape[0] - patch_px + 1, step):
        for x in range(0, padded_YX.shape[1] - patch_px + 1, step):
            patch_BCYX = torch.from_numpy(padded_YX[None, None, y : y + patch_px, x : x + patch_px].copy())
            clean_YX = forward(weights, patch_BCYX, num_layers)[0, 0].numpy()
            total_YX[y : y + patch_px, x : x + patch_px] += clean_YX * weight_YX
            sum_YX[y : y + patch_px, x : x + patch_px] += weight_YX
    return (total_YX / np.maximum(sum_YX, 1e-8))[:height, :width].astype(np.float32)
