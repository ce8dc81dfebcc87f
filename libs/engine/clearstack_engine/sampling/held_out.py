"""Keeps blocks of the stack back: no training loss is ever computed on them, only the validation loss.

A block is a whole validation patch, so that each pass through the network is asked at as many pixels as in training;
of a small stack that would be too much, there it is the middle of one.

Axes: Z slices, Y rows, X columns, B batch.
"""

from __future__ import annotations

import numpy as np
import torch

from clearstack_engine.sampling.patches import Positions

HELD_OUT_SHARE = 0.04
NUM_BLOCKS_RANGE = (4, 64)
CELL_PX = 8
SMALL_STACK_PATCHES = 100


class HeldOut:
    """Which pixels are held out, as a map of cells of 8 x 8 px (a map of pixels would be as large as the stack).

    Args:
        shape_ZYX: of the stack.
        patch_size_px: side of the validation patches; in small stacks their held-out blocks have half of it.
        generator: decides where the blocks are.
    """

    def __init__(
        self, shape_ZYX: tuple[int, ...], *, patch_size_px: int, generator: np.random.Generator
    ) -> None:
        self._patch_size_px = patch_size_px
        num_pixels = int(np.prod(shape_ZYX))
        is_small = num_pixels < SMALL_STACK_PATCHES * patch_size_px**2
        block_px = max(CELL_PX, patch_size_px // (2 if is_small else 1) // CELL_PX * CELL_PX)
        num_blocks = int(np.clip(HELD_OUT_SHARE * num_pixels / block_px**2, *NUM_BLOCKS_RANGE))
        # At most one pixel in ten, however small the stack.
        num_blocks = max(1, min(num_blocks, num_pixels // (10 * block_px**2)))
        self.positions = self._place(shape_ZYX, num_blocks, generator)
        self._cells_ZYX = np.zeros((shape_ZYX[0], *(-(-n // CELL_PX) for n in shape_ZYX[1:])), dtype=np.bool_)
        margin_px = (patch_size_px - block_px) // 2
        num_cells = block_px // CELL_PX
        for z, y, x in zip(self.positions.z_B, self.positions.y_B, self.positions.x_B, strict=True):
            row, column = (y + margin_px) // CELL_PX, (x + margin_px) // CELL_PX
            self._cells_ZYX[z, row : row + num_cells, column : column + num_cells] = True

    def of(self, positions: Positions) -> torch.Tensor:
        """Which pixels of these patches are held out: bool (B, Y, X)."""
        steps = np.arange(self._patch_size_px)
        rows_BY = (positions.y_B[:, None] + steps) // CELL_PX
        columns_BX = (positions.x_B[:, None] + steps) // CELL_PX
        z_B11 = positions.z_B[:, None, None]
        return torch.from_numpy(self._cells_ZYX[z_B11, rows_BY[:, :, None], columns_BX[:, None, :]])

    def _place(
        self, shape_ZYX: tuple[int, ...], num_blocks: int, generator: np.random.Generator
    ) -> Positions:
        num_slices, num_rows, num_columns = shape_ZYX
        # Slices are visited evenly, so that no part of a deep stack decides alone which epoch is the best.
        z_B = (np.arange(num_blocks) * num_slices // num_blocks + generator.integers(num_slices)) % num_slices
        y_B = generator.integers(0, num_rows - self._patch_size_px + 1, num_blocks)
        x_B = generator.integers(0, num_columns - self._patch_size_px + 1, num_blocks)
        return Positions(z_B, y_B, x_B)
