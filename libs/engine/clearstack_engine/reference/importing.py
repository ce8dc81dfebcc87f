"""Imports models that the reference implementation has trained."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from clearstack_engine.errors import ModelMismatchError
from clearstack_engine.model.archive import ModelDescription, StageDescription
from clearstack_engine.model.imported import ImportedModel, ImportedStage
from clearstack_engine.model.state_dict import require_fit
from clearstack_engine.reference.card import ReferenceCard
from clearstack_engine.reference.config import card_of, stage_configs, without_prefix
from clearstack_engine.reference.network import ReferenceUNet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOTE = (
    "A model of the autoStructN2V program: it is applied as it is there, in overlapping patches of {size} px. Floats are "
    "taken to be between 0 and 1."
)
_CHAIN_NOTE = "As in the version that trained it, stage 2 is applied to the result of stage 1."


def from_config(config: Mapping[str, Any], weights: Sequence[dict[str, torch.Tensor]]) -> ImportedModel:
    """A model with the reference's config.json.

    Raises:
        ModelMismatchError: the configuration describes other weights, or another number of stages.
    """
    configs = stage_configs(config)
    if len(configs) == 1 and "features" in config:
        configs *= len(weights)  # one flat configuration stands for both stages
    if len(configs) != len(weights):
        raise ModelMismatchError(
            f"The configuration describes {len(configs)} stage(s), but weights for {len(weights)} were given. To import "
            "one stage of two, set run_stage1 or run_stage2 in it to false."
        )
    stages: list[ImportedStage] = []
    for number, (stage_config, raw) in enumerate(zip(configs, weights, strict=True), start=1):
        own = without_prefix(raw)
        card = card_of(config, stage_config, own, number=number, is_last=number == len(configs))
        stages.append(stage_of(card, own, number, stages))
    description = ModelDescription(
        name=str(config.get("experiment_name", ""))[:200],
        method="n2v" if len(stages) == 1 else "autostructn2v",
        mode="2.5d" if config.get("mode", "2d") == "2.5d" else "2d",
        stages=[
            StageDescription(number=number, model=json.loads(stage.card.to_json()))
            for number, stage in enumerate(stages, start=1)
        ],
        provenance={"code_version": "autoStructN2V", "seed": config.get("random_seed", 0)},
    )
    return ImportedModel(description=description, stages=stages, notes=notes_on(stages))


def stage_of(
    card: ReferenceCard, weights: dict[str, torch.Tensor], number: int, before: Sequence[ImportedStage]
) -> ImportedStage:
    """A stage whose weights fit its card.

    Raises:
        ModelMismatchError: they do not, or the stage before it is missing.
    """
    with torch.device("meta"):
        expected = ReferenceUNet(card.architecture).state_dict()
    require_fit(expected, weights, what=f"the architecture of stage {number}")
    if not card.is_chained:
        return ImportedStage(card=card, weights=weights)
    if not before or not isinstance(before[-1].card, ReferenceCard):
        raise ModelMismatchError(
            f"Stage {number} is applied to the result of a stage before it, which is missing."
        )
    return ImportedStage(card=card, weights=weights, first=replace(before[-1], first=None))


def notes_on(stages: Sequence[ImportedStage]) -> list[str]:
    """What a person should know of such stages; nothing for others."""
    cards = [stage.card for stage in stages if isinstance(stage.card, ReferenceCard)]
    if not cards:
        return []
    notes = [_NOTE.format(size=cards[-1].patch_size_px)]
    return [*notes, _CHAIN_NOTE] if cards[-1].is_chained else notes
