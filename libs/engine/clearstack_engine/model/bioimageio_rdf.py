"""Describes a bioimage.io model package: its bioimageio.yaml and its README."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import torch

from clearstack_engine.reference.card import UNCHANGED

if TYPE_CHECKING:
    from pathlib import Path

    from clearstack_engine.model.archive import ModelDescription
    from clearstack_engine.normalisation import Normalisation

_FORMAT_VERSION = "0.5.4"
_CITATIONS = (
    ("Krull et al., Noise2Void - Learning Denoising from Single Noisy Images, CVPR 2019", "10.1109/CVPR.2019.00223"),
    (
        "Broaddus et al., Removing Structured Noise with Self-Supervised Blind-Spot Networks, ISBI 2020",
        "10.1109/ISBI45749.2020.9098336",
    ),
)  # fmt: skip


def rdf(
    target: Path,
    description: ModelDescription,
    normalisation: Normalisation,
    multiple_px: int,
    num_slices: int,
) -> dict[str, Any]:
    """The content of bioimageio.yaml.

    Args:
        target: the folder with the files that it names.
        description: of the whole model.
        normalisation: of the stage, for pre- and postprocessing.
        multiple_px: sides of images must be multiples of this.
        num_slices: input slices, 1 or 3.
    """
    size = {"min": 2 * multiple_px, "step": multiple_px}
    slices = ["slice"] if num_slices == 1 else ["slice_before", "slice", "slice_after"]
    return {
        "type": "model",
        "format_version": _FORMAT_VERSION,
        "name": _plain(description.name) or "Clearstack model",
        "description": f"Denoises microscopy stacks; {description.method}, {description.mode}, self-supervised.",
        "authors": [{"name": "Clearstack"}],
        "cite": [{"text": text, "doi": doi} for text, doi in _CITATIONS],
        "tags": ["denoising", "noise2void", "self-supervised", "unet", "pytorch"],
        "documentation": "README.md",
        "attachments": [_file(target, "model.json")],
        "inputs": [
            {
                "id": "noisy",
                "axes": [
                    {"type": "batch"},
                    {"type": "channel", "channel_names": slices},
                    {"type": "space", "id": "y", "size": size},
                    {"type": "space", "id": "x", "size": size},
                ],
                "data": {"type": "float32"},
                "test_tensor": _file(target, "test_input.npy"),
                "preprocessing": _preprocessing(normalisation),
            }
        ],
        "outputs": [
            {
                "id": "clean",
                "axes": [
                    {"type": "batch"},
                    {"type": "channel", "channel_names": ["clean"]},
                    *(
                        {"type": "space", "id": axis, "size": {"tensor_id": "noisy", "axis_id": axis}}
                        for axis in "yx"
                    ),
                ],
                "data": {"type": "float32"},
                "test_tensor": _file(target, "test_output.npy"),
                "postprocessing": _postprocessing(normalisation),
            }
        ],
        "weights": {
            "torchscript": {
                **_file(target, "weights.pt"),
                "pytorch_version": torch.__version__.partition("+")[0],
            }
        },
    }


def _preprocessing(normalisation: Normalisation) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [{"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}]
    if normalisation != UNCHANGED:  # the format forbids steps that do nothing
        kwargs = {"mean": normalisation.mean, "std": normalisation.std}
        steps.append({"id": "fixed_zero_mean_unit_variance", "kwargs": kwargs})
    return steps


def _postprocessing(normalisation: Normalisation) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    if normalisation != UNCHANGED:
        kwargs = {"gain": normalisation.std, "offset": normalisation.mean}
        steps.append({"id": "scale_linear", "kwargs": kwargs})
    return [*steps, {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}]


def _file(target: Path, name: str) -> dict[str, str]:
    return {"source": name, "sha256": hashlib.sha256((target / name).read_bytes()).hexdigest()}


def _plain(name: str) -> str:
    """ASCII letters, digits and a few signs: what the format allows in a name."""
    allowed = (sign if sign.isascii() and (sign.isalnum() or sign in "_-+()") else " " for sign in name)
    return " ".join("".join(allowed).split())[:100]


def readme(description: ModelDescription, code_version: str) -> str:
    """The content of README.md: what the format asks for, and where the model comes from."""
    known = {key: value for key, value in description.provenance.items() if value}
    facts = "\n".join(f"* {key.replace('_', ' ')}: {json.dumps(value)}" for key, value in known.items())
    return (
        f"# {description.name or 'Clearstack model'}\n\n"
        f"A denoising network ({description.method}, {description.mode}), trained without clean images on the very stack "
        "that it was meant for: use it on stacks from the same microscope with the same settings, and compare the "
        "difference between input and output with what you expect of noise.\n\n"
        "## Validation\n\nLook at that difference: it should show no structure of the specimen.\n\n"
        f"## Where it comes from\n\n{facts}\n* exported by Clearstack {code_version}\n"
    )
