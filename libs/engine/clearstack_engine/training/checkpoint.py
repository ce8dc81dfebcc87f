"""What a training needs to go on after a crash, in one file that only holds tensors and plain values."""

from __future__ import annotations

import os
import pickle
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import torch

from clearstack_engine.errors import ModelFilesError
from clearstack_engine.training.progress import EpochReport

if TYPE_CHECKING:
    from pathlib import Path

    from clearstack_engine.config import StageConfig

FORMAT_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state after a whole number of epochs.

    Attributes:
        config: the stage's configuration as a plain dict, to refuse another training's checkpoint.
        network: the weights.
        averaged: their moving average.
        best: the best averaged weights, or None where these are `averaged` (the usual case, half the size).
        optimizer: its state dict.
        history: one plain dict per epoch.
        micro_batch_size: how much of a batch fits into memory.
        noise: fields of the measured noise model as tensors and numbers; None as long as none was measured.
    """

    config: dict[str, Any]
    network: dict[str, torch.Tensor]
    averaged: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor] | None
    optimizer: dict[str, list[torch.Tensor]]
    history: list[dict[str, Any]]
    micro_batch_size: int
    noise: dict[str, Any] | None = None

    def save(self, path: Path) -> None:
        """Write atomically: a crash leaves the old file or the new one, never half of one."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".part")
        with unfinished.open("wb") as file:
            torch.save({"format_version": FORMAT_VERSION, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path, config: StageConfig) -> Checkpoint:
        """Read a checkpoint of this very training.

        Raises:
            ModelFilesError: the file is no checkpoint, or one of a training with another configuration.
        """
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise ModelFilesError(f"The checkpoint cannot be read: {error}.") from error
        if not isinstance(state, dict) or state.pop("format_version", None) != FORMAT_VERSION:
            raise ModelFilesError("The file is not a checkpoint that this program can read.")
        if state["config"] != asdict(config):
            raise ModelFilesError("The checkpoint belongs to a training with another configuration.")
        return cls(**state)

    def reports(self) -> list[EpochReport]:
        """The history as it was reported."""
        return [EpochReport(**{**report, "notes": tuple(report["notes"])}) for report in self.history]
