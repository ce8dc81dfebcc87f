"""Cuts batches of patches out of a stack, wherever the stack lives.

Axes: Z slices, Y rows, X columns, B batch, C input slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from clearstack_engine.errors import StackError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from clearstack_engine.normalisation import Normalisation

RESIDENT_BYTES_CPU = 1 << 30
RESIDENT_SHARE_CUDA = 0.3
MIRRORED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Positions:
    """The corners of patches: slice, first row and first column; int64 each.

    `mirror_B` is -1 or 1 where a patch sees the slice before or after it twice, as the stack's ends do, 0 elsewhere;
    None: nowhere.
    """

    z_B: NDArray[np.int64]
    y_B: NDArray[np.int64]
    x_B: NDArray[np.int64]
    mirror_B: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.z_B)

    def part(self, start: int, stop: int) -> Positions:
        """Those from `start` to before `stop`."""
        part = slice(start, stop)
        mirror_B = None if self.mirror_B is None else self.mirror_B[part]
        return Positions(self.z_B[part], self.y_B[part], self.x_B[part], mirror_B)


def neighbours_of(z: NDArray[np.int64], num_slices: int, num_input_slices: int) -> NDArray[np.int64]:
    """The slices that the network sees for each slice, mirrored at the ends (slice 0 sees 1, 0, 1): (..., C)."""
    if num_input_slices == 1:
        return z[..., None]
    around = z[..., None] + np.array([-1, 0, 1])
    last = num_slices - 1
    mirrored: NDArray[np.int64] = last - np.abs(last - np.abs(around))
    return mirrored.clip(0, last)  # a stack of one slice is its own neighbour


def check_stack(shape_ZYX: tuple[int, ...], patch_size_px: int) -> None:
    """Refuse a stack that no patch can be cut from.

    Raises:
        StackError: it has other axes than ZYX, no slices, or slices smaller than a patch.
    """
    if len(shape_ZYX) != len("ZYX") or not shape_ZYX[0]:
        raise StackError(f"A stack has the axes ZYX, not the shape {shape_ZYX}.")
    if min(shape_ZYX[1:]) < patch_size_px:
        raise StackError(
            f"The slices have {shape_ZYX[1]} x {shape_ZYX[2]} px, less than the patch size of "
            f"{patch_size_px} px: choose smaller patches."
        )


class PatchSource:
    """A normalised view of a stack: held as float32 on the device where it fits, else read patch by patch.

    Args:
        stack_ZYX: any real dtype; may be memory-mapped.
        normalisation: applied to everything that is cut.
        patch_size_px: side of the patches.
        num_input_slices: 1 or 3.
        device: where the patches are wanted.
    """

    def __init__(
        self,
        stack_ZYX: NDArray[np.generic],
        normalisation: Normalisation,
        *,
        patch_size_px: int,
        num_input_slices: int,
        device: torch.device,
    ) -> None:
        self.shape_ZYX = stack_ZYX.shape
        self._patch_size_px = patch_size_px
        self._num_input_slices = num_input_slices
        self._normalisation = normalisation
        self.device = device
        self._stack_ZYX = stack_ZYX
        self._resident_ZYX: torch.Tensor | None = None
        if 4 * stack_ZYX.size <= _room_bytes(device):
            self._resident_ZYX = torch.from_numpy(normalisation.apply(stack_ZYX)).to(device)

    def draw(self, num_patches: int, generator: np.random.Generator) -> Positions:
        """Random corners, every place in the stack equally likely."""
        num_slices, num_rows, num_columns = self.shape_ZYX
        size = self._patch_size_px
        return Positions(
            generator.integers(0, num_slices, num_patches),
            generator.integers(0, num_rows - size + 1, num_patches),
            generator.integers(0, num_columns - size + 1, num_patches),
            self._draw_mirrors(num_patches, generator),
        )

    def _draw_mirrors(self, num_patches: int, generator: np.random.Generator) -> NDArray[np.int64] | None:
        """The ends of a stack see one neighbour twice: with two slices of a whole stack that would hardly be learnt."""
        if self._num_input_slices == 1:
            return None
        is_mirrored_B = generator.random(num_patches) < MIRRORED_SHARE
        return np.where(is_mirrored_B, generator.choice(np.array([-1, 1]), num_patches), 0)

    def cut(self, positions: Positions) -> torch.Tensor:
        """Normalised patches on the device: float32 (B, C, Y, X)."""
        z_BC11, y_B1Y1, x_B11X = self._indices(positions)
        if self._resident_ZYX is None:
            patches_BCYX = self._normalisation.apply(self._stack_ZYX[z_BC11, y_B1Y1, x_B11X])
            return torch.from_numpy(patches_BCYX).to(self.device)
        index = [torch.from_numpy(i).to(self.device) for i in (z_BC11, y_B1Y1, x_B11X)]
        return self._resident_ZYX[index[0], index[1], index[2]]

    def _slices(self, positions: Positions) -> NDArray[np.int64]:
        z_BC = neighbours_of(positions.z_B, self.shape_ZYX[0], self._num_input_slices)
        if positions.mirror_B is not None:
            z_BC[:, 0] = np.where(positions.mirror_B == 1, z_BC[:, 2], z_BC[:, 0])
            z_BC[:, 2] = np.where(positions.mirror_B == -1, z_BC[:, 0], z_BC[:, 2])
        return z_BC

    def _indices(
        self, positions: Positions
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        z_BC = self._slices(positions)
        steps = np.arange(self._patch_size_px)
        y_BY = positions.y_B[:, None] + steps
        x_BX = positions.x_B[:, None] + steps
        return z_BC[:, :, None, None], y_BY[:, None, :, None], x_BX[:, None, None, :]


def _room_bytes(device: torch.device) -> float:
    if device.type != "cuda":
        return RESIDENT_BYTES_CPU
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return RESIDENT_SHARE_CUDA * free_bytes
