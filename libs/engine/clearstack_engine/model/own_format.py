"""Models in our own formats: an export's config.json, or the model.json of each stage."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from clearstack_engine.errors import ModelFilesError, ModelMismatchError
from clearstack_engine.model.archive import ModelDescription, StageDescription
from clearstack_engine.model.files import ModelCard
from clearstack_engine.model.imported import ImportedModel, ImportedStage
from clearstack_engine.model.state_dict import require_fit
from clearstack_engine.network.unet import UNet
from clearstack_engine.reference import importing as reference
from clearstack_engine.reference.card import ReferenceCard, is_reference_card
from clearstack_engine.symmetry import ALL_SYMMETRIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Weights = dict[str, torch.Tensor]

_LARGEST_FEATURES = 512
_LARGEST_LAYERS = 6
_METHODS = {1: "n2v", 2: "autostructn2v"}


def is_card(fields: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a model.json."""
    return "architecture" in fields and "normalisation" in fields


def from_description(fields: dict[str, Any], weights: Sequence[Weights]) -> ImportedModel:
    """A model with the config.json of an export.

    Raises:
        ModelFilesError: config.json is broken.
        ModelMismatchError: it describes other weights.
    """
    described = ModelDescription.from_fields(fields)
    if len(described.stages) != len(weights):
        raise ModelMismatchError(
            f"config.json describes {len(described.stages)} stage(s), but weights for {len(weights)} were given."
        )
    model = from_cards([json.dumps(stage.model) for stage in described.stages], weights)
    known = model.description
    if (described.method, described.mode) != (known.method, known.mode):
        raise ModelMismatchError(
            f"config.json says {described.method} {described.mode}, but the networks are of {known.method} {known.mode}."
        )
    return replace(model, description=described)


def from_cards(cards: Sequence[str], weights: Sequence[Weights]) -> ImportedModel:
    """A model with a model.json for each stage.

    Args:
        cards: texts; the last one also stands for stages that have none.
        weights: of each stage.

    Raises:
        ModelFilesError: a model.json is broken.
        ModelMismatchError: it describes other weights.
    """
    stages: list[ImportedStage] = []
    for number, stage_weights in enumerate(weights, start=1):
        stages.append(_stage(cards[min(number, len(cards)) - 1], stage_weights, number, stages))
    num_slices = {_num_input_slices(stage) for stage in stages}
    if len(num_slices) > 1:
        raise ModelMismatchError("One stage is for 2D, the other for 2.5D.")
    mode = "2d" if num_slices == {1} else "2.5d"
    description = ModelDescription(
        name="",
        method=_METHODS[len(stages)],
        mode=mode,
        stages=[
            StageDescription(number=number, model=json.loads(stage.card.to_json()))
            for number, stage in enumerate(stages, start=1)
        ],
    )
    return ImportedModel(description=description, stages=stages, notes=reference.notes_on(stages))


def _stage(card_text: str, weights: Weights, number: int, before: Sequence[ImportedStage]) -> ImportedStage:
    if is_reference_card(card_text):
        return reference.stage_of(ReferenceCard.from_json(card_text), weights, number, before)
    card = ModelCard.from_json(card_text)
    _require_sensible(card)
    if number > 1 and card.stage == "single":
        # Stage 1's card stands for both: the noise of stage 2 need not look the same when turned.
        card = replace(card, stage="structured", symmetries=ALL_SYMMETRIES[:1])
    with torch.device("meta"):
        expected = UNet(card.architecture).state_dict()
    require_fit(expected, weights, what=f"the architecture of stage {number}")
    return ImportedStage(card=card, weights=weights)


def _num_input_slices(stage: ImportedStage) -> int:
    card = stage.card
    if isinstance(card, ModelCard | ReferenceCard):
        return card.architecture.num_input_slices
    raise TypeError(card)


def _require_sensible(card: ModelCard) -> None:
    """Refuse what would take all memory, or make no network, before one is built."""
    architecture = card.architecture
    limits = {
        "num_features": (architecture.num_features, range(1, _LARGEST_FEATURES + 1)),
        "num_layers": (architecture.num_layers, range(1, _LARGEST_LAYERS + 1)),
        "num_input_slices": (architecture.num_input_slices, (1, 3)),
    }
    for name, (value, allowed) in limits.items():
        if type(value) is not int or value not in allowed:
            raise ModelMismatchError(f"{name} in model.json is {str(value)[:40]!r}, which is out of range.")
    if architecture.upsampling not in {"nearest", "bilinear", "bicubic"} or card.stage not in {
        "single",
        "structured",
    }:
        raise ModelMismatchError("upsampling or stage in model.json is unknown.")
    numbers = (card.normalisation.mean, card.normalisation.std)
    if not all(isinstance(value, int | float) for value in numbers) or not card.normalisation.std > 0:
        raise ModelMismatchError("normalisation in model.json must have a mean and a positive std.")
    if not card.symmetries:
        raise ModelFilesError("model.json names no symmetries; the identity is always one.")
