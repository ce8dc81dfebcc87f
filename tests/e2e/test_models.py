"""Models that leave an installation and come back, by the command line and by gRPC."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from clearstack.v1.model_service_pb2 import (
    MODEL_EXPORT_FORMAT_BIOIMAGEIO,
    ExportModelRequest,
    ImportModelRequest,
)
from clearstack.v1.stack_service_pb2 import Stack
from e2e.support import configs, tiffs
from e2e.support.api import Api
from e2e.support.cli import clearstack
from e2e.support.installation import RunningInstallation
from e2e.support.refusals import refused
from unit.engine import reference_model

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def model(api: Api, white: Stack) -> str:
    """The id of a small trained model."""
    training = api.until_complete(api.train(white, configs.n2v(epochs=1)).name)
    return training.model.removeprefix("models/")


def _json(*arguments: object, installation: RunningInstallation) -> dict[str, Any]:
    done = clearstack(*arguments, "--json", installation=installation)
    assert done.code == 0, done.err
    loaded: dict[str, Any] = json.loads(done.out)
    return loaded


def test_round_trip_gives_the_same_pixels(
    installation: RunningInstallation, model: str, tmp_path: Path, tiff: Make
) -> None:
    """Exported and imported again, a model denoises bit for bit as before, and has its card."""  # spec: E1 E2 E5 E7
    archive, source = tmp_path / "model.zip", tiff()
    assert clearstack("models", "export", model, "-o", archive, installation=installation).code == 0
    with zipfile.ZipFile(archive) as packed:
        assert {"config.json", "stage1/weights.pth", "stage1/weights.safetensors"} <= set(packed.namelist())
        provenance = json.loads(packed.read("config.json"))["provenance"]
        torch.load(packed.open("stage1/weights.pth"), weights_only=True)
    assert len(provenance["stack_sha256"]) == 64
    assert provenance["seed"] == 7
    imported = _json("models", "import", archive, "--name", "back", installation=installation)
    before, after = tmp_path / "before.tif", tmp_path / "after.tif"
    for name, target in ((model, before), (imported["name"], after)):
        done = clearstack("denoise", source, "-o", target, "--model", name, installation=installation)
        assert done.code == 0, done.err
    assert before.read_bytes() == after.read_bytes()
    card = clearstack("models", "show", imported["name"], installation=installation).out
    for text in ("back", "N2V 2D", "imported", "white.tif", "1 epochs", "best validation loss"):
        assert text in card
    assert clearstack("models", "delete", imported["name"], installation=installation).code == 0


def test_model_of_the_reference(installation: RunningInstallation, tmp_path: Path) -> None:
    """Its configuration and its checkpoint are enough, and it denoises as it does there."""  # spec: E3
    weights = reference_model.draw_weights(num_features=4, num_layers=2, reflects=True, transposed=True)
    torch.save(
        {"model_state_dict": {f"unet.{name}": each for name, each in weights.items()}}, tmp_path / "m.pth"
    )
    config = {"stage1": {"features": 4, "num_layers": 2, "patch_size": 32}, "run_stage2": False}
    (tmp_path / "c.json").write_text(json.dumps(config))
    name = _json("models", "import", tmp_path / "c.json", tmp_path / "m.pth", installation=installation)[
        "name"
    ]
    source = tiffs.write_noise(tmp_path / "in.tif", num_slices=1, dtype="uint16")
    options = ("--model", name, "--dtype", "float32")
    done = clearstack("denoise", source, "-o", tmp_path / "out.tif", *options, installation=installation)
    assert done.code == 0, done.err
    image_YX = (np.squeeze(tiffs.read(source)) / 65535).astype(np.float32)
    there_YX = reference_model.denoised(weights, image_YX, patch_px=32, num_layers=2)
    found_YX = np.squeeze(tiffs.read(tmp_path / "out.tif")) / 65535
    np.testing.assert_allclose(found_YX[1:, 1:], there_YX[1:, 1:], atol=2e-5)


def test_unlike_stack_is_warned_of(
    installation: RunningInstallation, model: str, tmp_path: Path, tiff: Make
) -> None:
    """Another data type, and far stronger noise, are told with the results, which are made all the same."""  # spec: E6
    sources = [tiff("byte.tif", dtype="uint8"), tiffs.write(tmp_path / "loud.tif", tiffs.noise(level=1000))]
    out = tmp_path / "out"
    out.mkdir()
    done = clearstack("denoise", *sources, "-o", out, "--model", model, installation=installation)
    assert done.code == 0, done.err
    told = " ".join(done.err.split())
    assert "The stack is uint8, the model was trained on uint16" in told
    assert "than that of the stack the model was trained on" in told
    assert len(list(out.iterdir())) == len(sources)


def test_package_for_other_programs(api: Api, model: str, tmp_path: Path) -> None:
    """The bioimage.io validator accepts the package, runs it, and finds its output."""  # spec: E7
    core = pytest.importorskip("bioimageio.core")
    request = ExportModelRequest(name=f"models/{model}", format=MODEL_EXPORT_FORMAT_BIOIMAGEIO)
    path = tmp_path / "package.zip"
    path.write_bytes(b"".join(part.data for part in api.models.ExportModel(request)))
    assert core.test_model(path, determinism="seed_only").status == "passed"


def test_mismatch_by_grpc(api: Api) -> None:
    """Files that do not fit together are INVALID_ARGUMENT with a reason of their own."""  # spec: E2

    def messages() -> Iterator[ImportModelRequest]:
        yield ImportModelRequest(display_name="none", file_name="config.json", data=b"{}")
        yield ImportModelRequest(file_name="stage1/weights.pth", data=b"not weights")

    refusal = refused(lambda: api.models.ImportModel(messages()))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MODEL_UNREADABLE")
    assert "weights.pth" in refusal.text
