"""Writes and reads the files of a trained stage: weights.pth, weights.safetensors, model.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import safetensors.torch
import torch

from clearstack_engine.errors import ModelFilesError
from clearstack_engine.model.state_dict import read_weights, require_fit
from clearstack_engine.model.trained_on import NOTHING_KNOWN, TrainedOn
from clearstack_engine.network.unet import Architecture, UNet
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.symmetry import Symmetry

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is needed, beside the weights, to denoise with a stage.

    Attributes:
        architecture: of the network.
        normalisation: mean and standard deviation of the training stack.
        stage: `single` (N2V or stage 1, one hidden pixel) or `structured` (stage 2).
        symmetries: turns and flips under which the noise stays the same.
        test_time_augmentation: whether a slice is denoised under all of them.
        trained_on: what is known of the training stack.
    """

    architecture: Architecture
    normalisation: Normalisation
    stage: str
    symmetries: tuple[Symmetry, ...]
    test_time_augmentation: bool = False
    trained_on: TrainedOn = NOTHING_KNOWN

    def to_json(self) -> str:
        """The text of model.json."""
        return json.dumps({"format_version": FORMAT_VERSION, **asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """The inverse of `to_json`.

        Raises:
            ModelFilesError: the text is not that of a model.json of this version.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            if fields["format_version"] != FORMAT_VERSION:
                raise ModelFilesError(
                    f"model.json has format version {fields['format_version']}, this program reads {FORMAT_VERSION}."
                )
            return cls(
                architecture=Architecture(**fields["architecture"]),
                normalisation=Normalisation(**fields["normalisation"]),
                stage=str(fields["stage"]),
                symmetries=tuple(Symmetry(**symmetry) for symmetry in fields["symmetries"]),
                test_time_augmentation=bool(fields.get("test_time_augmentation", False)),
                trained_on=TrainedOn(**fields.get("trained_on", {})),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFilesError(f"model.json is not the description of a model: {error!r}.") from error


class Card(Protocol):
    """What becomes model.json."""

    def to_json(self) -> str:
        """The text of model.json."""
        ...


def save_model_files(folder: Path, card: Card, weights: dict[str, torch.Tensor]) -> None:
    """Write the three files; the folder is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    torch.save(on_cpu, folder / "weights.pth")
    safetensors.torch.save_file(on_cpu, folder / "weights.safetensors")
    (folder / "model.json").write_text(card.to_json(), encoding="utf-8")


def add_trained_on(folder: Path, trained_on: TrainedOn) -> None:
    """Write into an existing model.json what its stack was like."""
    path = folder / "model.json"
    card = ModelCard.from_json(path.read_text(encoding="utf-8"))
    path.write_text(replace(card, trained_on=trained_on).to_json(), encoding="utf-8")


def load_model_files(folder: Path) -> tuple[ModelCard, UNet]:
    """Read model.json and the weights: safetensors where they are there, else the .pth.

    Raises:
        ModelFilesError: a file is missing or broken, or the weights do not fit the architecture.
    """
    try:
        card = ModelCard.from_json((folder / "model.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFilesError(f"model.json cannot be read: {error.strerror}.") from error
    weights = load_weights(folder)
    network = UNet(card.architecture)
    require_fit(network.state_dict(), weights, what="model.json")
    network.load_state_dict(weights)
    return card, network


def load_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a stage: safetensors where they are there, else the .pth.

    Raises:
        ModelFilesError: there are none, or they cannot be read.
    """
    name = "weights.safetensors" if (folder / "weights.safetensors").exists() else "weights.pth"
    return read_weights(folder / name)
