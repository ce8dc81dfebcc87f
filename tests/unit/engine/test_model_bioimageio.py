from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from clearstack_engine.denoising import Denoiser
from clearstack_engine.device import Device
from clearstack_engine.model.archive import ModelDescription
from clearstack_engine.model.bioimageio import write_package
from clearstack_engine.model.files import load_model_files, save_model_files
from clearstack_engine.model.importing import import_files
from clearstack_engine.model.packing import pack
from unit.engine.test_model_import import card, weights
from unit.engine.test_model_reference import STAGE, save, weights_of

DESCRIPTION = ModelDescription(
    name="mouse brain, 2026.tif", method="n2v", mode="2d", stages=[], provenance={"seed": 7}
)


def package(stage: Path, tmp_path: Path) -> Path:
    """The package of a stage, as an archive."""
    (tmp_path / "package").mkdir()
    write_package(stage, tmp_path / "package", DESCRIPTION, "0.1.0")
    pack(tmp_path / "package", tmp_path / "package.zip")
    return tmp_path / "package.zip"


def require_valid(archive: Path) -> None:
    """Asks the validator of bioimage.io, which also runs the model."""
    core = pytest.importorskip("bioimageio.core")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        summary = core.test_model(archive, determinism="seed_only")
    assert summary.status == "passed", summary.format()


def test_package_of_ours(tmp_path: Path) -> None:
    """The validator accepts it, and its output is what we denoise."""  # spec: E7
    save_model_files(tmp_path / "stage1", card(), weights(1))
    require_valid(package(tmp_path / "stage1", tmp_path))
    input_BCYX = np.load(tmp_path / "package" / "test_input.npy")
    output_BCYX = np.load(tmp_path / "package" / "test_output.npy")
    found_card, network = load_model_files(tmp_path / "stage1")
    in_float32 = Device(device=torch.device("cpu"), precision=torch.float32)
    ours_YX = Denoiser(network, found_card, in_float32).denoise_slice(input_BCYX[0])
    np.testing.assert_allclose(output_BCYX[0, 0], ours_YX, rtol=1e-4)


def test_package_of_the_reference(tmp_path: Path) -> None:
    """Two chained stages become one network."""  # spec: E7
    files = save(tmp_path / "in", {"stage1": STAGE, "stage2": STAGE}, weights_of(seed=1), weights_of(seed=2))
    import_files(files, tmp_path / "out")
    require_valid(package(tmp_path / "out" / "stage2", tmp_path))


def test_archives_are_reproducible(tmp_path: Path) -> None:
    """The same content gives the same bytes."""  # spec: E7
    folder = tmp_path / "folder"
    (folder / "stage1").mkdir(parents=True)
    (folder / "stage1" / "model.json").write_text(json.dumps({"a": 1}))
    pack(folder, tmp_path / "one.zip")
    (folder / "stage1" / "model.json").touch()
    pack(folder, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
