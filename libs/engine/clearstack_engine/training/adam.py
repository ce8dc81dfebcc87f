"""Adam (Kingma and Ba, ICLR 2015), by the functional form of PyTorch's own.

`torch.optim.Adam` does the same sums, but its first call brings in PyTorch's compiler, only to tell it to keep out: two
seconds of processor time and 100 MB, at the beginning of each training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.optim.adam import adam

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BETA1, BETA2 = 0.9, 0.999
EPSILON = 1e-8


class Adam:
    """Moves parameters against their gradients, all at once.

    Args:
        parameters: floating point, on one device.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self._state = {
            "means": [torch.zeros_like(parameter) for parameter in self._parameters],
            "squares": [torch.zeros_like(parameter) for parameter in self._parameters],
            "steps": [torch.zeros((), device=parameter.device) for parameter in self._parameters],
        }

    def forget_gradients(self) -> None:
        """The next backward pass starts from nothing."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One step; every parameter has a gradient."""
        adam(
            list(self._parameters),
            [parameter.grad for parameter in self._parameters if parameter.grad is not None],
            self._state["means"],
            self._state["squares"],
            [],
            self._state["steps"],
            fused=True,
            amsgrad=False,
            beta1=BETA1,
            beta2=BETA2,
            lr=learning_rate,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )

    def state_dict(self) -> dict[str, list[torch.Tensor]]:
        """The moving moments of the gradients and the number of steps, a tensor for each parameter; not copies."""
        return self._state

    def load_state_dict(self, state: Mapping[str, list[torch.Tensor]]) -> None:
        """Take over a stored state of the same network."""
        for name, tensors in self._state.items():
            for tensor, stored in zip(tensors, state[name], strict=True):
                tensor.copy_(stored)
