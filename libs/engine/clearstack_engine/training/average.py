"""An exponential moving average of the weights: a better network than any single step's, for next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn

DECAY = 0.999


def decay(step: int) -> float:
    """How much of the average a step keeps; little at first, so that the start is forgotten."""
    return min(DECAY, (1 + step) / (10 + step))


class AveragedWeights:
    """Follows the parameters of a network.

    Args:
        network: its parameters at this moment are the start of the average.
    """

    def __init__(self, network: nn.Module) -> None:
        self._weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        # The counters of batch normalisation are whole numbers: they are carried along, not averaged.
        self._names = [name for name, tensor in self._weights.items() if tensor.is_floating_point()]

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after `step` (from 0)."""
        current = network.state_dict()
        averages = [self._weights[name] for name in self._names]
        torch._foreach_lerp_(averages, [current[name] for name in self._names], 1 - decay(step))

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The averaged weights themselves, not a copy."""
        return self._weights

    def load_state_dict(self, weights: dict[str, torch.Tensor]) -> None:
        """Take over stored weights."""
        for name, tensor in weights.items():
            self._weights[name].copy_(tensor)
