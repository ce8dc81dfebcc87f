"""Where the CPU time of a training step goes.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

import cProfile
import pstats
import time
from pathlib import Path

import numpy as np
from clearstack_engine.config import StageConfig
from numpy.typing import NDArray

from bench.steps import step_times

# Name of the part: file and function whose whole time it is.
PARTS = {
    "cutting patches": ("patches.py", "cut"),
    "held-out pixels": ("held_out.py", "of"),
    "turns and flips": ("batches.py", "augment"),
    "masks and replaced pixels": ("batches.py", "mask_batch"),
    "forward": ("unet.py", "forward"),
    "backward": ("_tensor.py", "backward"),
    "optimiser": ("adam.py", "step"),
    "averaged weights": ("average.py", "update"),
}
_FEWEST_STEPS = 4


def shares(stack_ZYX: NDArray[np.generic], config: StageConfig, seconds: float) -> dict[str, float]:
    """The share of each part in the time of the steps; `rest` is what belongs to none."""
    step_times(stack_ZYX, config, 0.0, fewest_steps=0)  # what is made once, such as kernels, is made
    profile = cProfile.Profile(timer=time.process_time)
    profile.enable()
    step_times(stack_ZYX, config, seconds, fewest_steps=_FEWEST_STEPS)
    profile.disable()
    return shares_of(_cumulative_s(profile))


def shares_of(cumulative_s: dict[tuple[str, str], float]) -> dict[str, float]:
    """Of the seconds by (file, function); the whole is what `_epoch` of the trainer took."""
    whole = cumulative_s["trainer.py", "_epoch"]
    parts = {name: cumulative_s.get(place, 0.0) / whole for name, place in PARTS.items()}
    return parts | {"rest": 1 - sum(parts.values())}


def _cumulative_s(profile: cProfile.Profile) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for (file, _, function), (*_, cumulative_s, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        place = Path(file).name, function
        found[place] = found.get(place, 0.0) + cumulative_s
    return found
