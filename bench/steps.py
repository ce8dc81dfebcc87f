"""Runs the full training loop for a while and notes when each step was done.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from clearstack_engine.config import StageConfig
from clearstack_engine.training import StageTrainer, StepProgress
from numpy.typing import NDArray

from bench.shapes import WARM_UP_STEPS

LONG_EPOCH = 10_000


class _EnoughError(Exception):
    """The time is over."""


def step_times(
    stack_ZYX: NDArray[np.generic],
    config: StageConfig,
    seconds: float,
    mask_ZYX: NDArray[np.bool_] | None = None,
    *,
    fewest_steps: int = 25,
) -> list[float]:
    """The process's CPU-time after each step; the network is thrown away.

    Args:
        stack_ZYX: to train on.
        config: of the stage; its epochs are made so long that no validation falls into the time.
        seconds: CPU-seconds after the warm-up.
        mask_ZYX: of the blind spot, bool (1 | 3, odd, odd).
        fewest_steps: as many are made after the warm-up however long they take.
    """
    times: list[float] = []

    def note(_: StepProgress) -> None:
        times.append(time.process_time())
        num_timed = len(times) - 1 - WARM_UP_STEPS
        if num_timed >= fewest_steps and times[-1] - times[WARM_UP_STEPS] >= seconds:
            raise _EnoughError

    long = replace(config, num_epochs=1, patches_per_slice=LONG_EPOCH)
    trainer = StageTrainer(stack_ZYX, long, mask_ZYX=mask_ZYX, device="cpu", on_step=note)
    try:
        for _ in trainer.epochs():
            pass
    except _EnoughError:
        pass
    return times
