"""Applies a stage of the reference implementation as it is applied there.

What it does, found by reading it:

* Integers are divided by the largest value of their data type, floats are taken to be between 0 and 1; newer versions
  take the z-score of that with the training slices' mean and standard deviation. The result goes the same way back.
* An image is cut into patches of the training's size with half a patch between them, and blended with weights that
  fall linearly from the patch's centre. A patch is smaller than what the network can see, so its edges shape every
  pixel: larger tiles would be faster, but give another result.
* Its weights are zero on a patch's first row and column, so that the first row and column of its images come out black.
  Here they are small instead: those pixels are the network's, all others are the same.
* In 2.5D it copies the first and last slice unchanged; here they are denoised with mirrored neighbours.
* Floats beyond 0 to 1 are clipped there; here they are kept.
* The first versions apply stage 2 to the result of stage 1, saved as 16 bits; later ones to the noisy image.

Axes: C input slices, Y rows, X columns, B patches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from clearstack_engine.denoising.denoiser import DenoisedTile
from clearstack_engine.device import Device
from clearstack_engine.errors import StackError
from clearstack_engine.reference.loading import load_stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from clearstack_engine.reference.card import ReferenceCard
    from clearstack_engine.reference.network import ReferenceUNet

_BATCH_PATCHES = 16
_SMALLEST_WEIGHT = 1e-6


class ReferenceDenoiser:
    """A network of the reference that is ready to denoise.

    Args:
        network: with its weights.
        card: what belongs to it.
        device: where it computes; always in float32, as there.
        first: the stage that comes before it, if it wants that one's result.
    """

    def __init__(
        self,
        network: ReferenceUNet,
        card: ReferenceCard,
        device: torch.device,
        first: ReferenceDenoiser | None = None,
    ) -> None:
        self._network = network.eval().to(device)
        self._card = card
        self._device = device
        self._first = first
        self._step_px = card.patch_size_px // 2

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> ReferenceDenoiser:
        """Read model.json and the weights, and those of the first stage where it is needed.

        Raises:
            ModelFilesError: the files are missing, broken or do not fit together.
        """
        stage, *before = load_stages(folder)
        on = Device.choose(device).device
        first = cls(before[0].network, before[0].card, on) if before else None
        return cls(stage.network, stage.card, on, first)

    @property
    def num_input_slices(self) -> int:
        """1, or 3 when the network wants the neighbouring slices too."""
        return self._card.architecture.num_input_slices

    @property
    def device_name(self) -> str:
        """Such as `cpu (float32)`."""
        return f"{self._device.type} (float32)"

    @torch.inference_mode()
    def denoise_slice(
        self, slices_CYX: NDArray[np.generic], on_tile: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """The clean middle slice: float32 (Y, X) in the units of the input.

        Args:
            slices_CYX: (num_input_slices, Y, X), any size; integers of any kind, or floats between 0 and 1.
            on_tile: called after each row of patches with (rows done, rows in all); may raise, which ends the work.

        Raises:
            StackError: another number of slices than the network wants, or nothing in them.
        """
        dimensions = 3
        if slices_CYX.ndim != dimensions or len(slices_CYX) != self.num_input_slices or not slices_CYX.size:
            raise StackError(
                f"The network wants {self.num_input_slices} slices (C, Y, X), not the shape {slices_CYX.shape}."
            )
        largest = np.float32(_largest_value(slices_CYX.dtype))
        scaled_CYX = slices_CYX.astype(np.float32) / largest
        if self._first is not None:
            scaled_CYX = self._first.denoise_slice(scaled_CYX).clip(0, 1)[None]
        clean_YX = self._blended(self._card.normalisation.apply(scaled_CYX), on_tile)
        return (self._card.normalisation.undo(clean_YX) * largest).astype(np.float32, copy=False)

    def denoise_tiles(
        self, slices_CYX: NDArray[np.generic], on_tile: Callable[[int, int], None] | None = None
    ) -> Iterator[DenoisedTile]:
        """The same as one piece: its patches are blended, none of them is ready before its neighbours are."""
        pixels_YX = self.denoise_slice(slices_CYX, on_tile)
        num_rows, num_columns = pixels_YX.shape
        yield DenoisedTile(slice(0, num_rows), slice(0, num_columns), pixels_YX)

    def _blended(
        self, slices_CYX: NDArray[np.float32], on_tile: Callable[[int, int], None] | None
    ) -> NDArray[np.float32]:
        num_rows, num_columns = slices_CYX.shape[1:]
        size_px, margin_px = self._card.patch_size_px, self._card.margin_px
        padded_CYX = self._padded(slices_CYX)
        shape_YX = (padded_CYX.shape[1] - 2 * margin_px, padded_CYX.shape[2] - 2 * margin_px)
        total_YX, sum_YX = np.zeros(shape_YX, np.float32), np.zeros(shape_YX, np.float32)
        weight_YX = _weights(size_px)
        row_starts = range(0, shape_YX[0] - size_px + 1, self._step_px)
        column_starts = range(0, shape_YX[1] - size_px + 1, self._step_px)
        for count, y in enumerate(row_starts, start=1):
            clean_BYX = self._compute_row(padded_CYX, y, column_starts)
            for x, clean_YX in zip(column_starts, clean_BYX, strict=True):
                place = (slice(y, y + size_px), slice(x, x + size_px))
                total_YX[place] += clean_YX * weight_YX
                sum_YX[place] += weight_YX
            if on_tile is not None:
                on_tile(count, len(row_starts))
        image_YX = (total_YX / sum_YX).astype(np.float32, copy=False)
        return image_YX[:num_rows, :num_columns]

    def _compute_row(
        self, padded_CYX: NDArray[np.float32], y: int, column_starts: range
    ) -> NDArray[np.float32]:
        margin_px = self._card.margin_px
        outer_px = self._card.patch_size_px + 2 * margin_px
        patches_BCYX = torch.from_numpy(
            np.stack([padded_CYX[:, y : y + outer_px, x : x + outer_px] for x in column_starts])
        )
        middle = self._card.architecture.num_output_slices // 2
        inner = slice(margin_px, margin_px + self._card.patch_size_px)
        rows = [
            self._network(batch_BCYX.to(self._device))[:, middle, inner, inner].cpu().numpy()
            for batch_BCYX in torch.split(patches_BCYX, _BATCH_PATCHES)
        ]
        return np.concatenate(rows)

    def _padded(self, slices_CYX: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mirrored below and to the right until patches fill it, then by the margin all around."""
        margin_px = self._card.margin_px
        widths = [(0, 0)]
        for length in slices_CYX.shape[1:]:
            missing = max(self._card.patch_size_px - length, -(length % self._step_px) % self._step_px)
            widths.append((margin_px, margin_px + missing))
        return np.pad(slices_CYX, widths, mode="reflect")


def _weights(size_px: int) -> NDArray[np.float32]:
    centre = size_px // 2
    line_X = (1 - np.abs(np.arange(size_px) - centre) / centre).clip(_SMALLEST_WEIGHT)
    return np.outer(line_X, line_X).astype(np.float32)


def _largest_value(dtype: np.dtype[Any]) -> int:
    return int(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1
