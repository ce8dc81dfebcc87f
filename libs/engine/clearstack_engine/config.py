"""What one stage of a training is told. Imports no torch, so that any process can build and check one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Upsampling = Literal["nearest", "bilinear", "bicubic"]
MaskingStrategy = Literal["auto", "local_mean", "zeros", "random", "neighbour", "median"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageConfig:
    """The parameters of one network's training; the defaults are the `balanced` preset of N2V.

    Attributes:
        patch_size_px: side of the square patches, a multiple of 2**num_layers.
        patches_per_slice: patches drawn anew from the stack in each epoch, per slice.
        batch_size: patches per optimiser step.
        mask_percentage: share of a patch's pixels that are replaced, 0.1-50.
        augmentation: turns and flips of the patches (only those that map the mask onto itself).
        num_features: feature maps at full resolution.
        num_layers: how often the network halves the resolution.
        learning_rate: peak of the schedule, reached after a short warm-up, then falling to zero as a cosine.
        num_epochs: epochs at most.
        early_stopping: end once the validation loss has not improved for `early_stopping_patience` epochs.
        early_stopping_patience: see above.
        resize_convolution: upsample by interpolation and convolution; off = transposed convolution.
        upsampling: how the resize convolution interpolates.
        masking_strategy: what a masked pixel is replaced with; `auto` takes what measured best for the mask.
        posterior: once the network has learnt to predict hidden pixels, measure the noise, and go on with noise like it
            added to patches that hide nothing: what each pixel itself tells is used too.
        test_time_augmentation: denoise in all turns and flips that keep the mask, and take the mean.
        seed: any 63-bit integer. The same seed on the same machine gives the same weights, bit for bit, on CPU.
        num_input_slices: 1 (every slice on its own) or 3 (its two neighbours are seen too).

    Raises:
        ValueError: a value that no training could work with.
    """

    patch_size_px: int = 64
    patches_per_slice: int = 100
    batch_size: int = 8
    mask_percentage: float = 15.0
    augmentation: bool = True
    num_features: int = 64
    num_layers: int = 4
    learning_rate: float = 1e-4
    num_epochs: int = 100
    early_stopping: bool = True
    early_stopping_patience: int = 10
    resize_convolution: bool = True
    upsampling: Upsampling = "bilinear"
    masking_strategy: MaskingStrategy = "auto"
    posterior: bool = False
    test_time_augmentation: bool = False
    seed: int
    num_input_slices: int = 1

    def __post_init__(self) -> None:
        """Refuse what would fail later in a place that is harder to understand."""
        if self.patch_size_px % 2**self.num_layers:
            raise ValueError(
                f"patch_size_px is {self.patch_size_px}, but must be a multiple of 2^num_layers = "
                f"{2**self.num_layers}"
            )
        if self.num_input_slices not in {1, 3}:
            raise ValueError(f"num_input_slices is {self.num_input_slices}, but must be 1 or 3")
        if self.upsampling not in get_args(Upsampling):
            raise ValueError(f"upsampling is {self.upsampling!r}, but must be one of {get_args(Upsampling)}")
        if self.masking_strategy not in get_args(MaskingStrategy):
            raise ValueError(
                f"masking_strategy is {self.masking_strategy!r}, but must be one of {get_args(MaskingStrategy)}"
            )
