from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from clearstack_engine.denoising import Denoiser
from clearstack_engine.errors import ModelFilesError
from clearstack_engine.training import StageTrainer
from unit.engine.engine_examples import noisy_stack, tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a trained stage."""
    trainer = StageTrainer(noisy_stack(1, 24, 24), tiny(num_epochs=1), device="cpu")
    list(trainer.epochs())
    trainer.save_model(tmp_path)
    return tmp_path


def test_both_weight_files_hold_the_same(folder: Path) -> None:
    """The plain state dict is enough; safetensors is taken where it is there."""  # spec: E1
    slices_CYX = noisy_stack(1, 24, 24)
    expected_YX = Denoiser.load(folder, "cpu").denoise_slice(slices_CYX)
    (folder / "weights.safetensors").unlink()
    assert (Denoiser.load(folder, "cpu").denoise_slice(slices_CYX) == expected_YX).all()


def test_description_says_what_was_trained(folder: Path) -> None:
    """model.json holds the architecture, the normalisation and the symmetries of the noise."""
    fields = json.loads((folder / "model.json").read_text())
    assert fields["architecture"]["num_features"] == 8
    assert fields["normalisation"]["std"] > 0
    assert fields["stage"] == "single"
    assert len(fields["symmetries"]) == 8


def test_differences_are_named(folder: Path) -> None:
    """Weights of another network are refused with the names of what differs."""  # spec: E2
    (folder / "weights.safetensors").unlink()
    weights = torch.load(folder / "weights.pth", weights_only=True)
    weights["surplus"] = weights.pop("head.weight")
    torch.save(weights, folder / "weights.pth")
    with pytest.raises(
        ModelFilesError, match=r"2 differences.*head\.weight is missing; surplus is not expected"
    ):
        Denoiser.load(folder, "cpu")


@pytest.mark.parametrize("text", ["", "[]", '{"format_version": 99}', '{"format_version": 1}'])
def test_broken_description_is_refused(folder: Path, text: str) -> None:
    """A model.json that is none, or of another version, is an error of its own kind."""
    (folder / "model.json").write_text(text)
    with pytest.raises(ModelFilesError, match=r"model\.json"):
        Denoiser.load(folder, "cpu")


def test_arbitrary_pickles_are_refused(folder: Path) -> None:
    """A .pth that holds anything but tensors is never run."""
    (folder / "weights.safetensors").unlink()
    torch.save({"weights": Path("x")}, folder / "weights.pth")
    with pytest.raises(ModelFilesError, match=r"cannot be read|plain state dict"):
        Denoiser.load(folder, "cpu")


def test_missing_files_are_refused(tmp_path: Path) -> None:
    """An empty folder is no model."""
    with pytest.raises(ModelFilesError, match=r"model\.json cannot be read"):
        Denoiser.load(tmp_path, "cpu")
