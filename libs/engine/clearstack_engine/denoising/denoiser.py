"""Applies a trained stage to slices of any size.

Axes: C input slices, Y rows, X columns, B batch.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from clearstack_engine.denoising.tiling import Span, Tile, tiles
from clearstack_engine.device import Device
from clearstack_engine.errors import OutOfMemoryError, StackError
from clearstack_engine.model.files import ModelCard, load_model_files
from clearstack_engine.out_of_memory import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from clearstack_engine.network.unet import UNet
    from clearstack_engine.symmetry import Symmetry

# Feature maps of a tile at full resolution, all together; the peak is about four and a half of them in bfloat16. The
# same everywhere, whatever memory there is: how a slice is cut shows in the last bit of its pixels.
TILE_VALUES = 64 * 1024 * 1024
# Small networks see so little around a pixel that larger tiles gain nothing.
TILE_PIXELS = 1024 * 1024
SMALLEST_CORE_PX = 64


@dataclass(frozen=True, slots=True)
class DenoisedTile:
    """A piece of a clean slice: float32 (Y, X) in the units of the input, and the rows and columns that it covers."""

    rows: slice
    columns: slice
    pixels_YX: NDArray[np.float32]


class Denoiser:
    """A network that is ready to denoise.

    Args:
        network: with its weights.
        card: what belongs to it.
        device: where it computes.
        tile_px: the side of the largest square that is computed in one piece; None: by the memory that the network
            needs.
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
        max_pixels = (
            tile_px**2 if tile_px else min(TILE_PIXELS, TILE_VALUES // card.architecture.num_features)
        )
        smallest_px = self._round_up(2 * self._round_up(self._overlap_px) + SMALLEST_CORE_PX)
        self._max_pixels = max(max_pixels, smallest_px**2)

    @classmethod
    def load(cls, folder: Path, device: str = "auto", *, augmentation: bool | None = None) -> Denoiser:
        """Read what `StageTrainer.save_model` wrote; see the class for `augmentation`, None: as the model says.

        Raises:
            ModelFilesError: the files are missing, broken or do not fit together.
        """
        card, network = load_model_files(folder)
        if augmentation is None:
            augmentation = card.test_time_augmentation
        return cls(network, card, Device.choose(device), augmentation=augmentation)

    @property
    def num_input_slices(self) -> int:
        """1, or 3 when the network wants the neighbouring slices too (see `triplet`)."""
        return self._card.architecture.num_input_slices

    @property
    def device_name(self) -> str:
        """Such as `cpu (bfloat16)`."""
        return self._device.name

    def denoise_slice(
        self, slices_CYX: NDArray[np.generic], on_tile: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """The clean middle slice in one piece: float32 (Y, X); see `denoise_tiles`."""
        output_YX = np.empty(slices_CYX.shape[1:], dtype=np.float32)
        for tile in self.denoise_tiles(slices_CYX, on_tile):
            output_YX[tile.rows, tile.columns] = tile.pixels_YX
        return output_YX

    def denoise_tiles(
        self, slices_CYX: NDArray[np.generic], on_tile: Callable[[int, int], None] | None = None
    ) -> Iterator[DenoisedTile]:
        """The clean middle slice in pieces that cover it, so that a very large one is never held as float32.

        Args:
            slices_CYX: any real dtype, (num_input_slices, Y, X), any size, in the units of the training stack.
            on_tile: called after each tile with (tiles done, tiles in all); may raise, which ends the work.

        Raises:
            StackError: another number of slices than the network wants, or nothing in them.
            OutOfMemoryError: not even the smallest tile fits into memory.
        """
        self._check(slices_CYX)
        plan = self._plan(*slices_CYX.shape[1:])
        for count, tile in enumerate(self._computed(slices_CYX, plan), start=1):
            yield tile
            if on_tile is not None:
                on_tile(count, len(plan))

    def _computed(self, slices_CYX: NDArray[np.generic], plan: list[Tile]) -> Iterator[DenoisedTile]:
        # A GPU computes the next tile while this one is fetched and dealt with.
        num_ahead = 1 if self._device.is_asynchronous else 0
        started: deque[tuple[Tile, Callable[[], NDArray[np.float32]]]] = deque()
        for tile in plan:
            started.append((tile, self._start(slices_CYX, tile)))
            if len(started) > num_ahead:
                first, fetch = started.popleft()
                yield self._finish(fetch(), first, slices_CYX.shape)
        for left, fetch in started:
            yield self._finish(fetch(), left, slices_CYX.shape)

    def _plan(self, num_rows: int, num_columns: int) -> list[Tile]:
        return list(
            tiles(
                self._round_up(num_rows),
                self._round_up(num_columns),
                max_pixels=self._max_pixels,
                overlap_px=self._overlap_px,
                multiple_px=self._multiple_px,
            )
        )

    @torch.inference_mode()
    def _start(self, slices_CYX: NDArray[np.generic], tile: Tile) -> Callable[[], NDArray[np.float32]]:
        """Begin to compute a tile; the function waits for its normalised result (Y, X)."""
        normalised_CYX = self._card.normalisation.apply(slices_CYX[:, tile.rows.outer, tile.columns.outer])
        tile_CYX = _mirrored(normalised_CYX, tile)
        try:
            inputs_BCYX = self._device.upload(tile_CYX)[None].to(memory_format=torch.channels_last)
            total_BYX = self._turned(inputs_BCYX, self._symmetries[0])
            for symmetry in self._symmetries[1:]:
                total_BYX += self._turned(inputs_BCYX, symmetry)
            return self._device.download(total_BYX[0] / len(self._symmetries))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemoryError(
                "A tile does not fit into memory: use a model with fewer features, or a device with more memory."
            ) from error

    def _finish(self, tile_YX: NDArray[np.float32], tile: Tile, shape_CYX: tuple[int, ...]) -> DenoisedTile:
        """Cut off what was mirrored and what overlaps, and go back to the input's units."""
        rows, columns = _within(tile.rows, shape_CYX[1]), _within(tile.columns, shape_CYX[2])
        kept_YX = tile_YX[tile.rows.inner, tile.columns.inner]
        pixels_YX = self._card.normalisation.undo(
            kept_YX[: rows.stop - rows.start, : columns.stop - columns.start]
        )
        return DenoisedTile(rows, columns, pixels_YX)

    def _turned(self, inputs_BCYX: torch.Tensor, symmetry: Symmetry) -> torch.Tensor:
        with self._device.autocast():
            return symmetry.undo(self._network(symmetry.apply(inputs_BCYX)))

    def _round_up(self, length: int) -> int:
        return -(-length // self._multiple_px) * self._multiple_px

    def _check(self, slices_CYX: NDArray[np.generic]) -> None:
        dimensions = 3
        if slices_CYX.ndim != dimensions or len(slices_CYX) != self.num_input_slices or not slices_CYX.size:
            raise StackError(
                f"The network wants {self.num_input_slices} slices (C, Y, X), not the shape {slices_CYX.shape}."
            )


def _mirrored(slices_CYX: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
    """Mirror the lower and right edges of the image, as often as it takes, up to the size of the tile.

    Only a tile that reaches beyond the image comes with less; the image must have sides that can be pooled.
    """
    missing = (
        tile.rows.stop - tile.rows.start - slices_CYX.shape[1],
        tile.columns.stop - tile.columns.start - slices_CYX.shape[2],
    )
    if not any(missing):
        return slices_CYX
    return np.pad(slices_CYX, ((0, 0), (0, missing[0]), (0, missing[1])), mode="reflect")


def _within(span: Span, length: int) -> slice:
    return slice(span.keep_start, min(span.keep_stop, length))
