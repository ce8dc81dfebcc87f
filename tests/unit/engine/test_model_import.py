from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from clearstack_engine.denoising import load_denoiser
from clearstack_engine.errors import ModelFilesError, ModelMismatchError
from clearstack_engine.model.archive import ModelDescription, StageDescription
from clearstack_engine.model.files import ModelCard, save_model_files
from clearstack_engine.model.importing import import_files
from clearstack_engine.network.unet import Architecture, UNet
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.symmetry import ALL_SYMMETRIES
from numpy.typing import NDArray
from unit.engine.engine_examples import noisy_stack

ARCHITECTURE = Architecture(
    num_features=8, num_layers=2, num_input_slices=1, resize_convolution=True, upsampling="bilinear"
)
SLICES_CYX = noisy_stack(1, 40, 29)


def card(stage: str = "single", architecture: Architecture = ARCHITECTURE) -> ModelCard:
    """What belongs to a network of that architecture."""
    return ModelCard(
        architecture=architecture,
        normalisation=Normalisation(mean=30000.0, std=9000.0),
        stage=stage,
        symmetries=ALL_SYMMETRIES if stage == "single" else ALL_SYMMETRIES[:1],
    )


def weights(seed: int, architecture: Architecture = ARCHITECTURE) -> dict[str, torch.Tensor]:
    """Random weights."""
    network = UNet(architecture)
    network.draw_weights(torch.Generator().manual_seed(seed))
    return dict(network.state_dict())


@pytest.fixture
def downloaded(tmp_path: Path) -> Path:
    """A model of two stages as `models download` gives it."""
    folder = tmp_path / "downloaded"
    save_model_files(folder / "stage1", card(), weights(1))
    save_model_files(folder / "stage2", card("structured"), weights(2))
    (folder / "mask").mkdir()
    np.save(folder / "mask" / "mask.npy", np.ones((1, 1, 5), np.bool_))
    return folder


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    """One stage: a model.json as the configuration, and its .pth."""
    save_model_files(tmp_path / "made", card(), weights(1))
    (tmp_path / "loose" / "stage1").mkdir(parents=True)
    shutil.copy(tmp_path / "made" / "weights.pth", tmp_path / "loose" / "stage1")
    shutil.copy(tmp_path / "made" / "model.json", tmp_path / "loose" / "config.json")
    return tmp_path / "loose"


def test_downloaded_files_come_back_the_same(downloaded: Path, tmp_path: Path) -> None:
    """Each stage with its own description, the mask, and the very same numbers."""  # spec: E2
    model = import_files(downloaded, tmp_path / "out")
    assert (model.description.method, model.description.mode) == ("autostructn2v", "2d")
    assert model.mask_ZYX is not None
    assert model.mask_ZYX.shape == (1, 1, 5)
    for stage in ("stage1", "stage2"):
        before_YX = load_denoiser(downloaded / stage, "cpu").denoise_slice(SLICES_CYX)
        after_YX = load_denoiser(tmp_path / "out" / stage, "cpu").denoise_slice(SLICES_CYX)
        np.testing.assert_array_equal(before_YX, after_YX)


def test_configuration_and_weights(loose: Path, tmp_path: Path) -> None:
    """A model.json and one .pth are an N2V model."""  # spec: E2
    model = import_files(loose, tmp_path / "out")
    assert model.description.method == "n2v"
    assert (tmp_path / "out" / "stage1" / "weights.safetensors").exists()


def test_one_description_for_two_stages(loose: Path, tmp_path: Path) -> None:
    """Stage 2 then has the same network, but not the symmetries of single-pixel noise."""  # spec: E2
    (loose / "stage2").mkdir()
    torch.save(weights(2), loose / "stage2" / "weights.pth")
    import_files(loose, tmp_path / "out")
    fields = json.loads((tmp_path / "out" / "stage2" / "model.json").read_text())
    assert fields["stage"] == "structured"
    assert len(fields["symmetries"]) == 1


def test_configuration_of_an_export(loose: Path, tmp_path: Path) -> None:
    """It brings the history of the losses and the provenance along."""  # spec: E1
    described = ModelDescription(
        name="embryo",
        method="n2v",
        mode="2d",
        stages=[
            StageDescription(
                number=1,
                model=json.loads(card().to_json()),
                num_epochs=2,
                best_validation_loss=0.5,
                loss_history=[{"epoch": 1, "val_loss": 0.7}, {"epoch": 2, "val_loss": 0.5}],
            )
        ],
        provenance={"stack_sha256": "ab" * 32, "seed": 7},
    )
    (loose / "config.json").write_text(described.to_json())
    assert import_files(loose, tmp_path / "out").description == described
    history = json.loads((tmp_path / "out" / "stage1" / "config.json").read_text())["history"]
    assert [entry["val_loss"] for entry in history] == [0.7, 0.5]


class _Harm:
    """Unpickled, it would make a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (self._path,))


def test_pickles_are_not_run(loose: Path, tmp_path: Path) -> None:
    """Whatever is in a .pth: nothing of it is called."""  # spec: E2
    harm = tmp_path / "harm"
    for content in (_Harm(harm), {"weights": _Harm(harm)}, {"model_state_dict": {"x": _Harm(harm)}}):
        torch.save(content, loose / "stage1" / "weights.pth")
        with pytest.raises(ModelFilesError, match="not a plain state dict"):
            import_files(loose, tmp_path / "out")
    (loose / "stage1" / "weights.pth").write_bytes(pickle.dumps(_Harm(harm)))
    with pytest.raises(ModelFilesError):
        import_files(loose, tmp_path / "out")
    assert not harm.exists()


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (
            torch.zeros(1).expand(10**6, 10**6),
            r"head\.weight has the shape \(1000000, 1000000\), not \(1, 8, 1, 1\)",
        ),
        (torch.zeros(1, 8, 1, 1, dtype=torch.int64), r"head\.weight holds int64 numbers"),
        (torch.full((1, 8, 1, 1), float("nan")), r"head\.weight holds NaN"),
        (
            torch.zeros(1, 8, 1, 1).to_sparse(),
            r"head\.weight holds float32 numbers|not a plain state dict|cannot be read",
        ),
    ],
)
def test_tensors_that_lie(loose: Path, tmp_path: Path, tensor: torch.Tensor, text: str) -> None:
    """A shape far beyond its storage, other numbers, NaN: refused, by name, and without walking through them."""  # spec: E2
    torch.save({**weights(1), "head.weight": tensor}, loose / "stage1" / "weights.pth")
    with pytest.raises(ModelFilesError, match=text):
        import_files(loose, tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"num_features": 16}, r"architecture of stage 1 \(\d+ differences\).*encoders\.0"),
        ({"num_features": 10**6}, "num_features in model.json is '1000000'"),
        ({"num_layers": 40}, "num_layers in model.json is '40'"),
        ({"num_input_slices": 2}, "num_input_slices in model.json is '2'"),
        ({"upsampling": "magic"}, "upsampling or stage"),
        ({"surprise": 1}, "not the description of a model"),
    ],
)
def test_descriptions_of_other_networks(
    loose: Path, tmp_path: Path, change: dict[str, object], text: str
) -> None:
    """Of another network, of one that nobody can build, or of none."""  # spec: E2
    fields = json.loads((loose / "config.json").read_text())
    fields["architecture"] |= change
    (loose / "config.json").write_text(json.dumps(fields))
    with pytest.raises(ModelFilesError, match=text):
        import_files(loose, tmp_path / "out")


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("no json", "is no JSON file"),
        ("[1]", "not the configuration of a model"),
        ("{}", "none that can be imported"),
        ('{"stage": {"num_features": 8}, "history": []}', "give the model.json that lies beside it"),
        ('{"format": "clearstack-model", "format_version": 9}', "format version 9"),
        ('{"format": "clearstack-model", "format_version": 1}', "not the description"),
        ('{"format": "clearstack-model", "format_version": 1, "name": "", "method": "n2v", "mode": "2d", "stages": []}',
         "stages must be 1"),
    ],
)  # fmt: skip
def test_other_configurations(loose: Path, tmp_path: Path, config: str, text: str) -> None:
    """Every kind of wrong file has a sentence of its own."""  # spec: E2
    (loose / "config.json").write_text(config)
    with pytest.raises(ModelFilesError, match=text):
        import_files(loose, tmp_path / "out")


def test_missing_parts(loose: Path, tmp_path: Path) -> None:
    """No weights, or no configuration."""  # spec: E2
    (loose / "stage1" / "weights.pth").rename(tmp_path / "weights.pth")
    with pytest.raises(ModelFilesError, match="weights of stage 1 are missing"):
        import_files(loose, tmp_path / "out")
    (tmp_path / "weights.pth").rename(loose / "stage1" / "weights.pth")
    (loose / "config.json").unlink()
    with pytest.raises(ModelFilesError, match="configuration is missing"):
        import_files(loose, tmp_path / "out")


def test_weights_that_contradict_each_other(downloaded: Path, tmp_path: Path) -> None:
    """A .pth and a safetensors of one stage must hold the same."""  # spec: E1
    torch.save(weights(9), downloaded / "stage1" / "weights.pth")
    with pytest.raises(ModelMismatchError, match=r"of stage1 are not the same; they differ in decoders"):
        import_files(downloaded, tmp_path / "out")


def test_stages_of_different_modes(downloaded: Path, tmp_path: Path) -> None:
    """A 2D stage and a 2.5D stage are no model."""  # spec: E2
    three = Architecture(
        num_features=8, num_layers=2, num_input_slices=3, resize_convolution=True, upsampling="bilinear"
    )
    save_model_files(downloaded / "stage2", card("structured", three), weights(2, three))
    with pytest.raises(ModelMismatchError, match=r"for 2D, the other for 2\.5D"):
        import_files(downloaded, tmp_path / "out")


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        (np.ones((3, 3, 5)), "needs 1 plane"),
        (np.ones((1, 4)), "must be odd"),
        (np.full((1, 3), 2), "values other than 0 and 1"),
        (np.array(["x"]), "does not hold an array of numbers"),
    ],
)
def test_masks_that_are_none(downloaded: Path, tmp_path: Path, mask: NDArray[np.generic], text: str) -> None:
    """The wrong number of planes, even sides, or no mask at all."""  # spec: E2
    np.save(downloaded / "mask" / "mask.npy", mask)
    with pytest.raises(ModelFilesError, match=text):
        import_files(downloaded, tmp_path / "out")


def test_mask_with_a_lying_header(downloaded: Path, tmp_path: Path) -> None:
    """A header that promises terabytes costs nothing."""  # spec: E2
    header = {"descr": "|b1", "fortran_order": False, "shape": (1, 10**6 + 1, 10**6 + 1)}
    with (downloaded / "mask" / "mask.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"\x01" * 5)
    with pytest.raises(ModelFilesError, match=r"mask\.npy cannot be read"):
        import_files(downloaded, tmp_path / "out")


def test_mask_from_json(downloaded: Path, tmp_path: Path) -> None:
    """The description that a training leaves is enough."""  # spec: E2
    (downloaded / "mask" / "mask.npy").unlink()
    fields = {"summary": {"kernel_height": 1, "kernel_width": 3}, "planes": [{"active": [True, False, True]}]}
    (downloaded / "mask" / "mask.json").write_text(json.dumps(fields))
    found = import_files(downloaded, tmp_path / "out").mask_ZYX
    assert found is not None
    assert found.tolist() == [[[True, False, True]]]
