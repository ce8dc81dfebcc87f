"""What a stage learns, epoch by epoch: first blind; then, where that is asked for, with the measured noise added.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from clearstack_engine.analysis import NoiseModel
from clearstack_engine.recorruption import NoiseSource, measure_noise
from clearstack_engine.sampling.held_out import HeldOut
from clearstack_engine.sampling.patches import PatchSource
from clearstack_engine.sampling.seeds import Purpose, numpy_generator
from clearstack_engine.training.batch_stream import BatchStream
from clearstack_engine.training.tasks import PredictBlind, RemoveKnownNoise
from clearstack_engine.training.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from clearstack_engine.config import StageConfig
    from clearstack_engine.device import Device
    from clearstack_engine.masking.blind_spot import BlindSpot
    from clearstack_engine.model.files import ModelCard
    from clearstack_engine.network.unet import UNet
    from clearstack_engine.training.batches import MaskedBatch
    from clearstack_engine.training.tasks import Task

# A few dozen steps blind are enough to measure the noise by; the rest is better spent on seeing the pixel.
BLIND_SHARE = 0.1
ROUGH_SHARE = 1 / 3  # of the epochs; then the noise is measured once more, with the better network
STRUCTURED = " It is structured: this stage goes on blind; autoStructN2V removes it in a second one."
NO_NOISE = " There is none to remove."


class Curriculum:
    """The batches of each epoch and the validation that belongs to them.

    Args:
        stack_ZYX: any real dtype; may be memory-mapped.
        config: of the stage.
        blind_spot: what is hidden together.
        card: of the model that comes of it.
        device: where it computes.
    """

    def __init__(
        self,
        stack_ZYX: NDArray[np.generic],
        config: StageConfig,
        blind_spot: BlindSpot,
        card: ModelCard,
        device: Device,
    ) -> None:
        self._stack_ZYX = stack_ZYX
        self._config = config
        self._blind_spot = blind_spot
        self._card = card
        self._device = device
        self._source = PatchSource(
            stack_ZYX,
            card.normalisation,
            patch_size_px=config.patch_size_px,
            num_input_slices=config.num_input_slices,
            device=device.device,
        )
        self._held_out = HeldOut(
            stack_ZYX.shape,
            patch_size_px=config.patch_size_px,
            generator=numpy_generator(config.seed, Purpose.HELD_OUT, 0),
        )
        symmetries = card.symmetries if config.augmentation else card.symmetries[:1]
        self._stream = BatchStream(self._source, self._held_out, symmetries, config)
        self._num_patches = config.patches_per_slice * len(stack_ZYX)
        self._noise: NoiseModel | None = None
        self._set_task(PredictBlind(blind_spot, config.masking_strategy))

    @property
    def measured_after(self) -> tuple[int, ...]:
        """After how many epochs the noise is measured; never without a posterior, or where there is one epoch only."""
        num_epochs = self._config.num_epochs
        if not self._config.posterior:
            return ()
        first = max(1, round(BLIND_SHARE * num_epochs))
        again = max(first + 1, round(ROUGH_SHARE * num_epochs))
        return tuple(after for after in (first, again) if after < num_epochs)

    def epochs_before(self, epoch: int) -> int:
        """How many epochs had another task, or other noise, than this one: their losses cannot be compared."""
        return max((after for after in self.measured_after if after < epoch), default=0)

    def is_last_task(self, epoch: int) -> bool:
        """Whether no other task follows that of this epoch."""
        return self.epochs_before(epoch) == max(self.measured_after, default=0)

    def begin(self, epoch: int, network: UNet) -> tuple[str, ...]:
        """Turn to the task of an epoch; `network` is the one learnt so far. Returns what a person should know."""
        if epoch - 1 not in self.measured_after:
            return ()
        noise = measure_noise(
            self._stack_ZYX,
            network,
            self._card,
            self._device,
            num_offset_slices=3 if self._blind_spot.reaches_other_slices else 1,
        )
        said = f"Noise measured: standard deviation {noise.noise_std:.4g}."
        if not noise.variance or not (noise.is_white or self._blind_spot.is_structured):
            return (said + (STRUCTURED if noise.variance else NO_NOISE),)
        self._take(noise)
        return (said,)

    def batches(self, epoch: int) -> Iterator[MaskedBatch]:
        """Of an epoch whose task `begin` has turned to."""
        return self._stream.epoch(epoch, self._num_patches, self._task)

    def validation_loss(self, network: nn.Module) -> float:
        """On held-out pixels, with the task of training."""
        return self._validation.loss(network)

    def state(self) -> dict[str, Any] | None:
        """What `restore` needs, as tensors and plain values."""
        if self._noise is None:
            return None
        return {**asdict(self._noise), "autocovariance_ZYX": torch.from_numpy(self._noise.autocovariance_ZYX)}

    def restore(self, state: dict[str, Any] | None) -> None:
        """Go on where `state` was taken."""
        if state is not None:
            self._take(NoiseModel(**{**state, "autocovariance_ZYX": state["autocovariance_ZYX"].numpy()}))

    def _take(self, noise: NoiseModel) -> None:
        self._noise = noise
        source = NoiseSource(
            noise,
            self._card.normalisation,
            patch_size_px=self._config.patch_size_px,
            num_input_slices=self._config.num_input_slices,
            device=self._device.device,
        )
        self._set_task(RemoveKnownNoise(source))

    def _set_task(self, task: Task) -> None:
        self._task = task
        self._validation = Validation(self._source, self._held_out, task, self._config, self._device)
