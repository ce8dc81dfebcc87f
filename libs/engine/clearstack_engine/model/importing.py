"""Reads a model from files of a stranger: our own formats, and those of the reference implementation.

To be called in a process with limits: the files may be made to harm.

Axes: Z slice offset, C input slices, Y rows, X columns.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from clearstack_engine.denoising import load_denoiser
from clearstack_engine.errors import ModelFilesError, ModelMismatchError
from clearstack_engine.model import own_format
from clearstack_engine.model.archive import is_description
from clearstack_engine.model.mask_files import read_mask
from clearstack_engine.model.state_dict import read_weights
from clearstack_engine.reference import importing as reference
from clearstack_engine.reference.config import is_reference_config

if TYPE_CHECKING:
    from pathlib import Path

    from clearstack_engine.model.imported import ImportedModel

_LARGEST_JSON_BYTES = 16 << 20
_PROBE_PX = 96


def import_files(folder: Path, target: Path) -> ImportedModel:
    """Read and check a model, and write what can be used of it.

    Args:
        folder: with config.json, or a model.json for each stage; `stage1/weights.pth` or `.safetensors`, the same for
            stage 2 if there is one; `mask/mask.npy` or `mask/mask.json` if there is one.
        target: an empty folder.

    Raises:
        ModelFilesError: a file cannot be read.
        ModelMismatchError: they do not fit together; the text names the first few differences.
    """
    model = _read(folder)
    model.save(target)
    for number in range(1, len(model.stages) + 1):
        _probe(target / f"stage{number}", number)
    return model


def _read(folder: Path) -> ImportedModel:
    weights = _read_stages(folder)
    config = _read_config(folder)
    if is_description(config):
        model = own_format.from_description(config, weights)
    elif own_format.is_card(config):
        model = own_format.from_cards(_cards(folder, config), weights)
    elif is_reference_config(config):
        model = reference.from_config(config, weights)
    else:
        raise ModelMismatchError(
            "The configuration is none that can be imported: it must be the config.json of an export, a model.json, or "
            "the config.json of the autoStructN2V program (with features and num_layers)."
        )
    num_input_slices = 3 if model.description.mode == "2.5d" else 1
    return replace(model, mask_ZYX=read_mask(folder / "mask", num_input_slices))


def _read_stages(folder: Path) -> list[dict[str, torch.Tensor]]:
    found = [_read_stage(folder / f"stage{number}") for number in (1, 2)]
    if found[0] is None:
        raise ModelFilesError("The weights of stage 1 are missing: a .pth or .safetensors file.")
    return [weights for weights in found if weights is not None]


def _read_stage(folder: Path) -> dict[str, torch.Tensor] | None:
    files = [folder / name for name in ("weights.safetensors", "weights.pth") if (folder / name).exists()]
    if not files:
        return None
    first, *others = [read_weights(path) for path in files]
    for other in others:
        differing = sorted(set(first) ^ set(other)) or [
            name for name, tensor in first.items() if not torch.equal(tensor, other[name])
        ]
        if differing:
            raise ModelMismatchError(
                f"weights.pth and weights.safetensors of {folder.name} are not the same; they differ in "
                f"{', '.join(name[:100] for name in differing[:3])}."
            )
    return first


def _read_config(folder: Path) -> dict[str, Any]:
    for path in (folder / "config.json", folder / "stage1" / "model.json"):
        if path.exists():
            return _read_json(path)
    raise ModelFilesError("The configuration is missing: a .json file.")


def _cards(folder: Path, config: dict[str, Any]) -> list[str]:
    """The model.json of each stage, or the one that was given as the configuration."""
    paths = [folder / f"stage{number}" / "model.json" for number in (1, 2)]
    return [json.dumps(_read_json(path)) for path in paths if path.exists()] or [json.dumps(config)]


def _read_json(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _LARGEST_JSON_BYTES:
        raise ModelFilesError(f"{path.name} is too large for a configuration.")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFilesError(f"{path.name} is no JSON file: {error}.") from error
    if not isinstance(fields, dict):
        raise ModelFilesError(f"{path.name} is not the configuration of a model.")
    if "stage" in fields and "history" in fields:
        raise ModelMismatchError(
            "This config.json tells how a stage was trained, not what its network is: give the model.json that lies "
            "beside it."
        )
    return fields


def _probe(folder: Path, number: int) -> None:
    """Denoise a little noise with what was written: whoever uses the model later shall not be the first.

    Raises:
        ModelMismatchError: the network gives no numbers.
    """
    denoiser = load_denoiser(folder, "cpu")
    shape_CYX = (denoiser.num_input_slices, _PROBE_PX, _PROBE_PX)
    slices_CYX = np.random.default_rng(0).random(shape_CYX, dtype=np.float32)
    if not np.isfinite(denoiser.denoise_slice(slices_CYX)).all():
        raise ModelMismatchError(f"The network of stage {number} gives NaN or infinite values.")
