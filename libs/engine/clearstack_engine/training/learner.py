"""The network with its optimiser: takes a batch, makes one step.

Axes: B batch, C input slices, Y rows, X columns.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from clearstack_engine.network.unet import Architecture, UNet
from clearstack_engine.sampling.seeds import Purpose, torch_generator
from clearstack_engine.training.adam import Adam
from clearstack_engine.training.average import AveragedWeights, decay
from clearstack_engine.training.batches import MaskedBatch, squared_error
from clearstack_engine.training.micro_batches import MicroBatches
from clearstack_engine.training.schedule import learning_rate

if TYPE_CHECKING:
    from clearstack_engine.config import StageConfig
    from clearstack_engine.device import Device

MIN_NORM_MOMENTUM = 0.05


class Learner:
    """Everything that changes with a step.

    Args:
        config: of the stage.
        device: where and how it computes.
        num_steps: of the whole stage, for the learning rate's schedule.
    """

    def __init__(self, config: StageConfig, device: Device, *, num_steps: int) -> None:
        self._config = config
        self._device = device
        self._num_steps = num_steps
        network = UNet(Architecture.of(config))
        generator = torch_generator(config.seed, Purpose.WEIGHTS, 0, torch.device("cpu"))
        network.draw_weights(generator)
        self.network: UNet = network.to(device.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = AveragedWeights(self.network)
        self._averaged_network: UNet = copy.deepcopy(self.network)
        self.optimizer = Adam(self.network.parameters())
        self.micro_batches = MicroBatches(config.batch_size)

    def learn(self, batch: MaskedBatch, step: int) -> torch.Tensor:
        """One optimiser step (`step` counts the stage's, from 0); the batch's mean squared error, on the device."""
        # Statistics that lag behind the averaged weights would make another network of them.
        self.network.set_norm_momentum(max(MIN_NORM_MOMENTUM, 1 - decay(step)))
        num_centres = batch.centres_BYX.sum().clamp(min=1)
        total = torch.zeros((), device=self._device.device)

        def restart() -> None:
            self.optimizer.forget_gradients()
            total.zero_()

        def work(part: slice) -> None:
            members = batch[part]
            with self._device.autocast():
                outputs_BYX = self.network(members.inputs_BCYX)
            loss = squared_error(outputs_BYX, members) / num_centres
            loss.backward()  # type: ignore[no-untyped-call]
            total.add_(loss.detach())

        self.micro_batches.run(len(batch.inputs_BCYX), restart, work)
        self.optimizer.step(self.learning_rate(step))
        self.averaged.update(self.network, step)
        return total

    def learning_rate(self, step: int) -> float:
        """Of a step of the stage, from 0."""
        return learning_rate(step, num_steps=self._num_steps, peak=self._config.learning_rate)

    def averaged_network(self) -> UNet:
        """A network with the averaged weights of this moment."""
        self._averaged_network.load_state_dict(self.averaged.state_dict())
        return self._averaged_network.eval()

    def load(
        self,
        network: dict[str, torch.Tensor],
        averaged: dict[str, torch.Tensor],
        optimizer: dict[str, list[torch.Tensor]],
    ) -> None:
        """Take over the state of a checkpoint."""
        self.network.load_state_dict(network)
        self.averaged.load_state_dict(averaged)
        self.optimizer.load_state_dict(optimizer)
