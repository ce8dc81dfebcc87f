"""Trains one stage, epoch by epoch.

Axes: Z slices, Y rows, X columns, B batch, C input slices.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import torch

from clearstack_engine.device import Device
from clearstack_engine.masking.blind_spot import SINGLE_PIXEL_ZYX, BlindSpot
from clearstack_engine.model.files import ModelCard, save_model_files
from clearstack_engine.network.unet import Architecture
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.sampling.patches import check_stack
from clearstack_engine.symmetry import symmetries_of
from clearstack_engine.training.checkpoint import Checkpoint
from clearstack_engine.training.curriculum import Curriculum
from clearstack_engine.training.early_stopping import judge
from clearstack_engine.training.learner import Learner
from clearstack_engine.training.progress import EpochReport, StepProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from clearstack_engine.config import StageConfig


class StageTrainer:
    """One network's training on one stack.

    Args:
        stack_ZYX: the noisy stack in its own units, any real dtype; may be memory-mapped.
        config: the stage's parameters.
        mask_ZYX: bool (1 | 3, odd, odd), centre True: where the noise is correlated with the centre's.
            None: it is correlated with nothing, the blind spot is a single pixel.
        device: `auto`, `cpu` or `cuda`.
        resume_from: a checkpoint of this same training.
        on_step: called after every optimiser step; may raise, which ends the training.
        clock: seconds, for the figures of speed.

    Raises:
        StackError: the stack cannot be trained on with this configuration.
        ModelFilesError: the checkpoint is not one of this training.
    """

    def __init__(
        self,
        stack_ZYX: NDArray[np.generic],
        config: StageConfig,
        *,
        mask_ZYX: NDArray[np.bool_] | None = None,
        device: str = "auto",
        resume_from: Path | None = None,
        on_step: Callable[[StepProgress], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        check_stack(stack_ZYX.shape, config.patch_size_px)
        self.history: list[EpochReport] = []
        self._config = config
        self._on_step = on_step or (lambda _: None)
        self._clock = clock
        self._device = Device.choose(device)
        mask_ZYX = SINGLE_PIXEL_ZYX if mask_ZYX is None else mask_ZYX
        blind_spot = BlindSpot(
            mask_ZYX, num_input_slices=config.num_input_slices, mask_percentage=config.mask_percentage
        )
        self._card = ModelCard(
            architecture=Architecture.of(config),
            normalisation=Normalisation.of(stack_ZYX),
            stage="structured" if blind_spot.is_structured else "single",
            symmetries=symmetries_of(mask_ZYX),
            test_time_augmentation=config.test_time_augmentation,
        )
        self._curriculum = Curriculum(stack_ZYX, config, blind_spot, self._card, self._device)
        self._num_patches = config.patches_per_slice * len(stack_ZYX)
        self._num_steps = -(-self._num_patches // config.batch_size)
        self._learner = Learner(config, self._device, num_steps=self._num_steps * config.num_epochs)
        self._best: dict[str, torch.Tensor] | None = None
        if resume_from is not None:
            self._resume(Checkpoint.load(resume_from, config))

    @property
    def device_name(self) -> str:
        """Such as `cpu (bfloat16)`."""
        return self._device.name

    @property
    def start_epoch(self) -> int:
        """The epoch that `epochs` yields first, from 1."""
        return len(self.history) + 1

    def epochs(self) -> Iterator[EpochReport]:
        """Train; yields after every epoch, until all are done or early stopping ends the stage."""
        while not (self.history and self.history[-1].is_last):
            report = self._epoch(self.start_epoch)
            self.history.append(report)
            yield report

    def save_checkpoint(self, path: Path) -> None:
        """Write all that is needed to go on as if nothing had happened, atomically."""
        best_is_current = bool(self.history) and self.history[-1].is_best
        Checkpoint(
            config=asdict(self._config),
            network=self._learner.network.state_dict(),
            averaged=self._learner.averaged.state_dict(),
            best=None if best_is_current else self._best,
            optimizer=self._learner.optimizer.state_dict(),
            history=[{**asdict(report), "notes": list(report.notes)} for report in self.history],
            micro_batch_size=self._learner.micro_batches.size,
            noise=self._curriculum.state(),
        ).save(path)

    def save_model(self, folder: Path) -> None:
        """Write the best weights by validation loss: weights.pth, weights.safetensors and model.json."""
        save_model_files(folder, self._card, self._best or self._learner.averaged.state_dict())

    def _epoch(self, epoch: int) -> EpochReport:
        started = self._clock()
        notes = self._curriculum.begin(epoch, self._learner.averaged_network())
        losses: list[torch.Tensor] = []
        first_step = (epoch - 1) * self._num_steps
        for step, batch in enumerate(self._curriculum.batches(epoch)):
            losses.append(self._learner.learn(batch, first_step + step))
            self._on_step(
                StepProgress(
                    epoch=epoch,
                    num_epochs=self._config.num_epochs,
                    step=step + 1,
                    num_steps=self._num_steps,
                )
            )
        train_loss = float(torch.stack(losses).mean())
        trained = self._clock()
        val_loss = self._curriculum.validation_loss(self._learner.averaged_network())
        return self._report(
            epoch,
            train_loss,
            val_loss,
            patches_per_s=self._num_patches / max(trained - started, 1e-9),
            seconds=self._clock() - started,
            notes=notes,
        )

    def _report(
        self,
        epoch: int,
        train_loss: float,
        val_loss: float,
        *,
        patches_per_s: float,
        seconds: float,
        notes: tuple[str, ...],
    ) -> EpochReport:
        comparable = self.history[self._curriculum.epochs_before(epoch) :]
        judgement = judge(
            comparable,
            val_loss,
            self._config,
            epoch=epoch,
            may_stop=self._curriculum.is_last_task(epoch),
        )
        if judgement.is_best:
            self._best = {name: t.clone() for name, t in self._learner.averaged.state_dict().items()}
        num_left = 0 if judgement.stopped_early else self._config.num_epochs - epoch
        return EpochReport(
            epoch=epoch,
            num_epochs=self._config.num_epochs,
            train_loss=train_loss,
            val_loss=val_loss,
            best_val_loss=judgement.best_val_loss,
            is_best=judgement.is_best,
            learning_rate=self._learner.learning_rate(epoch * self._num_steps - 1),
            patches_per_s=patches_per_s,
            seconds_left=seconds * num_left,
            stopped_early=judgement.stopped_early,
            notes=(*notes, *self._learner.micro_batches.take_notes()),
        )

    def _resume(self, checkpoint: Checkpoint) -> None:
        self.history = checkpoint.reports()
        self._learner.load(checkpoint.network, checkpoint.averaged, checkpoint.optimizer)
        self._learner.micro_batches.size = checkpoint.micro_batch_size
        self._curriculum.restore(checkpoint.noise)
        best = checkpoint.best or checkpoint.averaged
        self._best = {name: tensor.to(self._device.device, copy=True) for name, tensor in best.items()}
