"""A model read from files, before it is put where models are kept.

Axes: Z slice offset, Y rows, X columns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import safetensors.torch

from clearstack_engine.model.files import save_model_files
from clearstack_engine.reference.loading import FIRST_STAGE_CARD, FIRST_STAGE_WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from clearstack_engine.model.archive import ModelDescription
    from clearstack_engine.model.files import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedStage:
    """A stage whose weights fit its card.

    Attributes:
        card: becomes model.json.
        weights: by the names that the card's network has.
        first: the stage before it, where it wants that one's result.
    """

    card: Card
    weights: dict[str, torch.Tensor]
    first: ImportedStage | None = None

    def save(self, folder: Path) -> None:
        """Write the files of a stage into a folder of its own."""
        save_model_files(folder, self.card, self.weights)
        if self.first is not None:
            (folder / FIRST_STAGE_CARD).write_text(self.first.card.to_json(), encoding="utf-8")
            safetensors.torch.save_file(contiguous(self.first.weights), folder / FIRST_STAGE_WEIGHTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedModel:
    """A model that can be used.

    Attributes:
        description: what the files say of it.
        stages: in order.
        mask_ZYX: of stage 2, bool (Z, Y, X), if it was given.
        notes: what a person should know.
    """

    description: ModelDescription
    stages: list[ImportedStage]
    mask_ZYX: NDArray[np.bool_] | None = None
    notes: list[str] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write `stage1/…`, `stage2/…` and `mask/mask.npy`."""
        for number, stage in enumerate(self.stages, start=1):
            stage.save(folder / f"stage{number}")
        for described in self.description.stages:
            history = json.dumps({"history": described.loss_history}, indent=1)
            (folder / f"stage{described.number}" / "config.json").write_text(history, encoding="utf-8")
        if self.mask_ZYX is not None:
            (folder / "mask").mkdir()
            np.save(folder / "mask" / "mask.npy", self.mask_ZYX, allow_pickle=False)


def contiguous(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every tensor with storage of its own, as safetensors wants it."""
    return {name: tensor.detach().clone().contiguous() for name, tensor in weights.items()}
