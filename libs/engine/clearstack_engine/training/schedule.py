"""The learning rate as a pure function of the step: nothing to store, nothing to get out of step on resuming."""

from __future__ import annotations

import math

WARM_UP_SHARE = 0.05
MAX_WARM_UP_STEPS = 500


def learning_rate(step: int, *, num_steps: int, peak: float) -> float:
    """A linear warm-up, then half a cosine down to zero.

    Args:
        step: of the whole stage, from 0.
        num_steps: of the whole stage.
        peak: the highest rate, reached after the warm-up.
    """
    warm_up = max(1, min(MAX_WARM_UP_STEPS, int(WARM_UP_SHARE * num_steps)))
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, num_steps - warm_up)))
