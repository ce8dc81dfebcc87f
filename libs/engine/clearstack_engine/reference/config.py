"""Reads the configurations of the reference implementation, whose keys have changed over its versions.

`stage1` and `stage2` (or the `recipes` `n2v` and `structn2v`) hold `features`, `num_layers`, `patch_size` and, later,
`use_resize_conv`, `upsampling_mode`, `remove_top_skip`, `use_blurpool`, `activation`, `norm_type`, `overlap_tile_pad`.
`mode` is `2d` or `2.5d`, `_norm_stats` are the z-score's mean and standard deviation. What a version does not write has
one meaning in it, which here is the default; the padding is read off the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from clearstack_engine.errors import ModelMismatchError
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.reference.card import UNCHANGED, ReferenceCard
from clearstack_engine.reference.network import ReferenceArchitecture

_PREFIX = "unet."
_LARGEST = {"features": 512, "num_layers": 6, "patch_size": 1024, "overlap_tile_pad": 512}
_UPSAMPLING = ("bilinear", "nearest", "bicubic")


def is_reference_config(config: Mapping[str, Any]) -> bool:
    """Whether a configuration has the keys of the reference."""
    stages = [config, config.get("stage1"), config.get("stage2"), config.get("recipes")]
    return any(
        isinstance(stage, Mapping) and ("features" in stage or "n2v" in stage or "structn2v" in stage)
        for stage in stages
    )


def stage_configs(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of a configuration that describe a network, in the order of the stages.

    Raises:
        ModelMismatchError: there is none.
    """
    if isinstance(config.get("recipes"), Mapping):
        # The newest versions train one network, by one of two recipes.
        branch = "n2v" if config.get("mask", {}).get("source") == "center" else "structn2v"
        stages = [config["recipes"].get(branch)]
    elif "features" in config:
        stages = [config]
    else:
        wanted = [name for name in ("stage1", "stage2") if config.get(f"run_{name}", True)]
        stages = [config[name] for name in wanted if name in config]
    if not stages or not all(isinstance(stage, Mapping) for stage in stages):
        raise ModelMismatchError(
            "The configuration describes no stage: stage1, stage2 or recipes are missing."
        )
    return stages


def is_chained(config: Mapping[str, Any]) -> bool:
    """Whether stage 2 was made for the results of stage 1, as in the versions that could not run a stage alone."""
    return "stage2" in config and "run_stage2" not in config


def without_prefix(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights under the U-Net's own names; the reference wraps it once more."""
    return {name.removeprefix(_PREFIX): tensor for name, tensor in weights.items()}


def card_of(
    config: Mapping[str, Any],
    stage: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    *,
    number: int,
    is_last: bool,
) -> ReferenceCard:
    """What belongs to a stage's weights.

    Args:
        config: the whole configuration.
        stage: the part for this stage.
        weights: without prefix.
        number: of the stage, from 1.
        is_last: in 2.5D, only the last stage gives one slice.

    Raises:
        ModelMismatchError: a value is missing, or none that the reference could have worked with.
    """
    if stage.get("norm_type", "batch") != "batch":
        raise ModelMismatchError(
            f"Stage {number} was trained with norm_type {stage['norm_type']!r}; only 'batch' can be imported."
        )
    reflects = _has_reflection(weights)
    num_slices = 3 if config.get("mode", "2d") == "2.5d" else 1
    architecture = ReferenceArchitecture(
        num_features=_number(stage, "features", 64, number, smallest=1),
        num_layers=_number(stage, "num_layers", 4, number, smallest=1),
        num_input_slices=num_slices,
        num_output_slices=1 if is_last else num_slices,
        reflection_padding=reflects,
        activation="relu" if not reflects or stage.get("activation") == "relu" else "elu",
        resize_convolution=bool(stage.get("use_resize_conv", "decoder_layers.0.conv.weight" in weights)),
        upsampling=_choice(stage, "upsampling_mode", _UPSAMPLING, number),  # type: ignore[arg-type]
        top_skip=not stage.get("remove_top_skip", False),
        blur_pool=bool(stage.get("use_blurpool", False)),
    )
    patch_size_px = _number(stage, "patch_size", 64, number, smallest=8)
    _require_poolable(patch_size_px, architecture, number)
    return ReferenceCard(
        architecture=architecture,
        patch_size_px=patch_size_px,
        margin_px=_number(stage, "overlap_tile_pad", 0, number, smallest=0),
        normalisation=_normalisation(config),
        stage="single" if number == 1 else "structured",
        is_chained=number > 1 and is_chained(config),
    )


def _has_reflection(weights: Mapping[str, torch.Tensor]) -> bool:
    # In a block that reflects, part 0 is the padding and has no weights.
    return "bottleneck.0.weight" not in weights


def _number(stage: Mapping[str, Any], key: str, default: int, number: int, *, smallest: int) -> int:
    value = stage.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= _LARGEST[key]:
        raise ModelMismatchError(
            f"{key} of stage {number} is {str(value)[:40]!r}; it must be a whole number from {smallest} to {_LARGEST[key]}."
        )
    return value


def _choice(stage: Mapping[str, Any], key: str, choices: tuple[str, ...], number: int) -> str:
    value = stage.get(key, choices[0])
    if value not in choices:
        raise ModelMismatchError(
            f"{key} of stage {number} is {str(value)[:40]!r}; it must be one of {', '.join(choices)}."
        )
    return str(value)


def _require_poolable(patch_size_px: int, architecture: ReferenceArchitecture, number: int) -> None:
    # Reflection needs a second pixel beside the one at the edge.
    smallest = 2 if architecture.reflection_padding else 1
    multiple = 2**architecture.num_layers
    if patch_size_px % multiple or patch_size_px // multiple < smallest:
        raise ModelMismatchError(
            f"patch_size of stage {number} is {patch_size_px}; with num_layers {architecture.num_layers} it must be a "
            f"multiple of {multiple}, at least {smallest * multiple}."
        )


def _normalisation(config: Mapping[str, Any]) -> Normalisation:
    stats = config.get("_norm_stats")
    if config.get("normalize_method") == "zscore" and not isinstance(stats, Mapping):
        raise ModelMismatchError(
            "The configuration says normalize_method 'zscore', but has no _norm_stats: add the training slices' mean, "
            "std and eps (of values between 0 and 1)."
        )
    if not isinstance(stats, Mapping):
        return UNCHANGED
    try:
        mean, std = float(stats["mean"]), float(stats["std"]) + float(stats.get("eps", 0.0))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelMismatchError("_norm_stats must have the numbers mean and std.") from error
    if not std > 0:
        raise ModelMismatchError(f"std in _norm_stats is {std}; it must be positive.")
    return Normalisation(mean=mean, std=std)
