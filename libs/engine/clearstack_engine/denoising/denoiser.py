"""Applies a trained stage to slices of any size.

Axes: C input slices, Y rows, X columns, B batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from clearstack_engine.denoising.tiling import tiles
from clearstack_engine.device import Device
from clearstack_engine.errors import OutOfMemoryError, StackError
from clearstack_engine.model.files import ModelCard, load_model_files
from clearstack_engine.out_of_memory import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from clearstack_engine.network.unet import UNet
    from clearstack_engine.symmetry import Symmetry

# Feature maps of a tile at full resolution, all together; the peak is about six of them in bfloat16.
TILE_VALUES = 48 * 1024 * 1024
SMALLEST_CORE_PX = 64


class Denoiser:
    """A network that is ready to denoise.

    Args:
        network: with its weights.
        card: what belongs to it.
        device: where it computes.
        tile_px: the largest side that is computed in one piece; None: by the memory that the network needs.
        augmentation: average over all turns and flips under which the noise stays the same: 4 to 8 times the work
            for about 0.1 dB.
    """

    def __init__(
        self,
        network: UNet,
        card: ModelCard,
        device: Device,
        *,
        tile_px: int | None = None,
        augmentation: bool = False,
    ) -> None:
        self._card = card
        self._symmetries = card.symmetries if augmentation else card.symmetries[:1]
        self._device = device
        self._network = network.fold().to(device.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._multiple_px = card.architecture.multiple_px
        self._overlap_px = card.architecture.receptive_radius_px
        self._tile_px = self._round_up(tile_px or int((TILE_VALUES / card.architecture.num_features) ** 0.5))
        smallest_px = self._round_up(2 * self._round_up(self._overlap_px) + SMALLEST_CORE_PX)
        self._tile_px = max(self._tile_px, smallest_px)

    @classmethod
    def load(cls, folder: Path, device: str = "auto", *, augmentation: bool = False) -> Denoiser:
        """Read what `StageTrainer.save_model` wrote; see the class for `augmentation`.

        Raises:
            ModelFilesError: the files are missing, broken or do not fit together.
        """
        card, network = load_model_files(folder)
        return cls(network, card, Device.choose(device), augmentation=augmentation)

    @property
    def num_input_slices(self) -> int:
        """1, or 3 when the network wants the neighbouring slices too (see `triplet`)."""
        return self._card.architecture.num_input_slices

    @property
    def device_name(self) -> str:
        """Such as `cpu (bfloat16)`."""
        return self._device.name

    @torch.inference_mode()
    def denoise_slice(
        self, slices_CYX: NDArray[np.generic], on_tile: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """The clean middle slice: float32 (Y, X) in the units of the input.

        Args:
            slices_CYX: any real dtype, (num_input_slices, Y, X), any size, in the units of the training stack.
            on_tile: called after each tile with (tiles done, tiles in all); may raise, which ends the work.

        Raises:
            StackError: another number of slices than the network wants, or nothing in them.
            OutOfMemoryError: not even the smallest tile fits into memory.
        """
        self._check(slices_CYX)
        num_rows, num_columns = slices_CYX.shape[1:]
        padded_CYX = self._pad(torch.from_numpy(self._card.normalisation.apply(slices_CYX)))
        output_YX = np.empty(padded_CYX.shape[1:], dtype=np.float32)
        plan = list(
            tiles(
                *output_YX.shape,
                tile_px=self._tile_px,
                overlap_px=self._overlap_px,
                multiple_px=self._multiple_px,
            )
        )
        for number, tile in enumerate(plan, start=1):
            tile_YX = self._compute(padded_CYX[:, tile.rows.outer, tile.columns.outer])
            kept_YX = tile_YX[tile.rows.inner, tile.columns.inner]
            output_YX[tile.rows.kept, tile.columns.kept] = self._card.normalisation.undo(kept_YX)
            if on_tile is not None:
                on_tile(number, len(plan))
        return output_YX[:num_rows, :num_columns]

    def _compute(self, tile_CYX: torch.Tensor) -> NDArray[np.float32]:
        inputs_BCYX = tile_CYX[None].to(self._device.device, memory_format=torch.channels_last)
        try:
            total_BYX = self._turned(inputs_BCYX, self._symmetries[0])
            for symmetry in self._symmetries[1:]:
                total_BYX += self._turned(inputs_BCYX, symmetry)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                "A tile does not fit into memory: use a model with fewer features, or a device with more memory."
            ) from error
        result_YX: NDArray[np.float32] = (total_BYX[0] / len(self._symmetries)).cpu().numpy()
        return result_YX

    def _turned(self, inputs_BCYX: torch.Tensor, symmetry: Symmetry) -> torch.Tensor:
        with self._device.autocast():
            return symmetry.undo(self._network(symmetry.apply(inputs_BCYX)))

    def _pad(self, slices_CYX: torch.Tensor) -> torch.Tensor:
        """Mirror the lower and right edges, as often as it takes, up to the next size that can be pooled."""
        while True:
            missing = [self._round_up(n) - n for n in slices_CYX.shape[1:]]
            if not any(missing):
                return slices_CYX
            # Reflection adds less than the image has; an image of a single row or column can only be repeated.
            rows, columns = (
                min(m, max(1, n - 1)) for m, n in zip(missing, slices_CYX.shape[1:], strict=True)
            )
            rows, columns = (min(rows, missing[0]), min(columns, missing[1]))
            mode = "replicate" if 1 in slices_CYX.shape[1:] else "reflect"
            slices_CYX = functional.pad(slices_CYX[None], (0, columns, 0, rows), mode=mode)[0]

    def _round_up(self, length: int) -> int:
        return -(-length // self._multiple_px) * self._multiple_px

    def _check(self, slices_CYX: NDArray[np.generic]) -> None:
        dimensions = 3
        if slices_CYX.ndim != dimensions or len(slices_CYX) != self.num_input_slices or not slices_CYX.size:
            raise StackError(
                f"The network wants {self.num_input_slices} slices (C, Y, X), not the shape {slices_CYX.shape}."
            )
