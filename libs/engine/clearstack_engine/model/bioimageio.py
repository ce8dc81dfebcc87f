"""Writes a stage as a bioimage.io model package (format 0.5), for other programs such as deepImageJ or napari.

The network goes as TorchScript, which needs none of our code; the normalisation goes as the package's own pre- and
postprocessing. What other programs do at tile borders is theirs: only here, or in an export that is imported again,
large images come out without seams.

Axes: B batch, C input slices, Y rows, X columns.
"""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from clearstack_engine.denoising import load_card
from clearstack_engine.model.bioimageio_rdf import rdf, readme
from clearstack_engine.model.files import ModelCard, load_model_files
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.reference.loading import load_chain

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from clearstack_engine.model.archive import ModelDescription

_SMALLEST_TEST_PX = 64


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
    (target / "README.md").write_text(readme(description, code_version), encoding="utf-8")
    fields = rdf(target, description, normalisation, multiple_px, num_slices)
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


def _round_up(length_px: int, multiple_px: int) -> int:
    return -(-length_px // multiple_px) * multiple_px
