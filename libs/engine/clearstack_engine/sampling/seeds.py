"""Random numbers that depend on the seed, the purpose and the epoch, and on nothing that happened before.

A resumed training needs no stored random state: it asks for the same epoch and gets the same numbers.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import device as torch_device


class Purpose(IntEnum):
    """What random numbers are for; the values are part of what makes a training reproducible."""

    WEIGHTS = 0
    POSITIONS = 1
    MASKS = 2
    HELD_OUT = 3
    VALIDATION_MASKS = 4
    AUGMENTATION = 5


def torch_generator(seed: int, purpose: Purpose, epoch: int, device: torch_device) -> torch.Generator:
    """A torch generator on `device`."""
    state = np.random.SeedSequence([seed, purpose, epoch]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state[0] >> np.uint64(1)))


def numpy_generator(seed: int, purpose: Purpose, epoch: int) -> np.random.Generator:
    """A numpy generator."""
    return np.random.default_rng(np.random.SeedSequence([seed, purpose, epoch]))
