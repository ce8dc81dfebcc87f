"""Writes a stage as a bioimage.io model package (format 0.5), for other programs such as deepImageJ or napari.

The network goes as TorchScript, which needs none of our code; the normalisation goes as the package's own pre- and
postprocessing. What other programs do at tile borders is theirs: only here, or in an export that is imported again,
large images come out without seams.

Axes: B batch, C input slices, Y rows, X columns.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from clearstack_engine.denoising import load_card
from clearstack_engine.model.files import ModelCard, load_model_files
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.reference.card import UNCHANGED
from clearstack_engine.reference.loading import load_chain

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from clearstack_engine.model.archive import ModelDescription

_FORMAT_VERSION = "0.5.4"
_SMALLEST_TEST_PX = 64
_CITATIONS = (
    ("Krull et al., Noise2Void - Learning Denoising from Single Noisy Images, CVPR 2019", "10.1109/CVPR.2019.00223"),
    (
        "Broaddus et al., Removing Structured Noise with Self-Supervised Blind-Spot Networks, ISBI 2020",
        "10.1109/ISBI45749.2020.9098336",
    ),
)  # fmt: skip


def write_package(stage_folder: Path, target: Path, description: ModelDescription, code_version: str) -> None:
    """Write the package's files into a folder.

    Args:
        stage_folder: model.json and weights.
        target: an empty folder.
        description: of the whole model.
        code_version: of the program that writes it.

    Raises:
        ModelFilesError: the stage's files do not fit together.
    """
    network, normalisation, multiple_px, num_slices = _load(stage_folder)
    input_BCYX = _test_input(normalisation, num_slices, _round_up(_SMALLEST_TEST_PX, multiple_px))
    with torch.inference_mode():
        normalised_BCYX = torch.from_numpy(normalisation.apply(input_BCYX))
        script = _traced(network, normalised_BCYX)
        output_BCYX = normalisation.undo(network(normalised_BCYX).numpy())
    script.save(str(target / "weights.pt"))
    np.save(target / "test_input.npy", input_BCYX)
    np.save(target / "test_output.npy", output_BCYX)
    (target / "model.json").write_bytes((stage_folder / "model.json").read_bytes())
    (target / "README.md").write_text(_readme(description, code_version), encoding="utf-8")
    fields = _rdf(target, description, normalisation, multiple_px, num_slices)
    # Every JSON text is YAML too, and needs no library to write.
    (target / "bioimageio.yaml").write_text(
        json.dumps(fields, indent=2, ensure_ascii=False), encoding="utf-8"
    )


class _OneSlice(nn.Module):
    """One of our networks with the channel axis that the package wants in its output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, slices_BCYX: torch.Tensor) -> torch.Tensor:
        image_BYX: torch.Tensor = self.network(slices_BCYX)
        return image_BYX[:, None]


def _load(stage_folder: Path) -> tuple[nn.Module, Normalisation, int, int]:
    card = load_card(stage_folder)
    if isinstance(card, ModelCard):
        _, network = load_model_files(stage_folder)
        multiple_px = card.architecture.multiple_px
        return _OneSlice(network.fold()), card.normalisation, multiple_px, card.architecture.num_input_slices
    # Reflection at the lowest level needs more than one pixel.
    multiple_px = 2 ** (card.architecture.num_layers + 1)
    return (
        load_chain(stage_folder).eval(),
        card.normalisation,
        multiple_px,
        card.architecture.num_input_slices,
    )


def _traced(network: nn.Module, example_BCYX: torch.Tensor) -> torch.jit.ScriptModule:
    with warnings.catch_warnings():
        # The only form of network that bioimage.io's consumers can run without our code.
        warnings.simplefilter("ignore", DeprecationWarning)
        traced: torch.jit.ScriptModule = torch.jit.trace(network, example_BCYX)  # type: ignore[no-untyped-call]
    return traced


def _test_input(normalisation: Normalisation, num_slices: int, side_px: int) -> NDArray[np.float32]:
    """Noise as bright as the training stack."""
    noise_BCYX = np.random.default_rng(0).standard_normal((1, num_slices, side_px, side_px), dtype=np.float32)
    return normalisation.undo(noise_BCYX)


def _rdf(
    target: Path,
    description: ModelDescription,
    normalisation: Normalisation,
    multiple_px: int,
    num_slices: int,
) -> dict[str, Any]:
    smallest_px = _round_up(2 * multiple_px, multiple_px)
    size = {"min": smallest_px, "step": multiple_px}
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


def _round_up(length_px: int, multiple_px: int) -> int:
    return -(-length_px // multiple_px) * multiple_px


def _readme(description: ModelDescription, code_version: str) -> str:
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
