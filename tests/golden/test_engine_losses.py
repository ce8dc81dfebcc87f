"""The losses of the first twenty steps of each method: they change only when the numerics change.

The figures are from a CPU that multiplies in bfloat16. Another CPU rounds differently: the tolerances, 2 % for the
training loss and 5 % for the validation loss, let float32 pass, and still catch a mask, a schedule or a weight that is
drawn or applied in another way. A change that is meant to move them shows the new figures and the PSNR that they bought.
"""

from __future__ import annotations

import numpy as np
import pytest
from clearstack_engine.training import StageTrainer
from numpy.typing import NDArray
from scipy import ndimage
from unit.engine.engine_examples import noisy_stack, smooth_stack, tiny

ROW_ZYX = np.ones((1, 1, 9), dtype=np.bool_)
GOLDEN: dict[str, tuple[float, float]] = {
    "n2v": (0.4469, 0.282),
    "n2v 2.5d": (1.324, 2.08),
    "structn2v": (0.6212, 0.725),
    "n2v posterior": (0.2854, 0.1818),
    "structn2v posterior": (0.4643, 0.431),
}


def row_noise() -> NDArray[np.float32]:
    """Noise as the mask has it: of white noise under that mask, chance decides what is measured between rows."""
    generator = np.random.default_rng(0)
    noise_ZYX = ndimage.uniform_filter1d(generator.normal(0, 0.3, (4, 64, 64)), 5, axis=2, mode="wrap")
    return (smooth_stack(4, 64, 64) + noise_ZYX).astype(np.float32)


def losses(method: str) -> tuple[float, float]:
    """Training and validation loss of 20 steps; with a posterior these follow 20 that are blind."""
    has_posterior = method.endswith("posterior")
    config = tiny(
        num_epochs=2 if has_posterior else 1,
        posterior=has_posterior,
        patch_size_px=32,
        patches_per_slice=40,
        batch_size=8,
        num_input_slices=3 if method.endswith("2.5d") else 1,
    )
    mask_ZYX = ROW_ZYX if method.startswith("structn2v") else None
    stack_ZYX = row_noise() if method == "structn2v posterior" else noisy_stack(4, 64, 64)
    trainer = StageTrainer(stack_ZYX, config, mask_ZYX=mask_ZYX, device="cpu")
    *_, last = trainer.epochs()
    return last.train_loss, last.val_loss


@pytest.mark.parametrize("method", GOLDEN)
def test_first_twenty_steps(method: str) -> None:
    """Twenty steps give the recorded losses, within what another CPU's rounding can do."""
    train_loss, val_loss = losses(method)
    assert train_loss == pytest.approx(GOLDEN[method][0], rel=0.02)
    assert val_loss == pytest.approx(GOLDEN[method][1], rel=0.05)
