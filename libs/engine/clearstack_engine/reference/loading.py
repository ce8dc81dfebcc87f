"""Reads the files of a stage of the reference, and of the stage before it where it wants that one's result.

Axes: B batch, C slices, Y rows, X columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from clearstack_engine.errors import ModelFilesError
from clearstack_engine.model.files import load_weights
from clearstack_engine.model.state_dict import read_weights, require_fit
from clearstack_engine.reference.card import ReferenceCard
from clearstack_engine.reference.network import ReferenceUNet

if TYPE_CHECKING:
    from pathlib import Path

# A chained second stage has the first one's files beside its own.
FIRST_STAGE_CARD = "first-model.json"
FIRST_STAGE_WEIGHTS = "first-weights.safetensors"


@dataclass(frozen=True, slots=True)
class LoadedStage:
    """A network with its weights, and what belongs to it."""

    card: ReferenceCard
    network: ReferenceUNet


def load_stages(folder: Path) -> list[LoadedStage]:
    """The stage in a folder; after it, if it is chained, the one whose result it wants.

    Raises:
        ModelFilesError: the files are missing, broken or do not fit together.
    """
    stages = [_load(folder, "model.json", load_weights(folder))]
    if stages[0].card.is_chained:
        stages.append(_load(folder, FIRST_STAGE_CARD, read_weights(folder / FIRST_STAGE_WEIGHTS)))
    return stages


def load_chain(folder: Path) -> nn.Module:
    """The same as one network, from normalised slices (B, C, Y, X) to the middle one (B, 1, Y, X).

    Raises:
        ModelFilesError: the files are missing, broken or do not fit together.
    """
    stage, *before = [_MiddleSlice(loaded.network) for loaded in load_stages(folder)]
    return nn.Sequential(*before, nn.Hardtanh(0.0, 1.0), stage) if before else stage


class _MiddleSlice(nn.Module):
    def __init__(self, network: ReferenceUNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, slices_BCYX: torch.Tensor) -> torch.Tensor:
        clean_BCYX: torch.Tensor = self.network(slices_BCYX)
        middle = clean_BCYX.shape[1] // 2
        return clean_BCYX[:, middle : middle + 1]


def _load(folder: Path, card_name: str, weights: dict[str, torch.Tensor]) -> LoadedStage:
    try:
        card = ReferenceCard.from_json((folder / card_name).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFilesError(f"{card_name} cannot be read: {error.strerror}.") from error
    network = ReferenceUNet(card.architecture)
    require_fit(network.state_dict(), weights, what=card_name)
    network.load_state_dict(weights)
    return LoadedStage(card, network)
