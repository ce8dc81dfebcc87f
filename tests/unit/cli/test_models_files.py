import json
from collections.abc import Callable
from pathlib import Path

import pytest
from clearstack.v1 import config_pb2
from clearstack.v1 import model_service_pb2 as pb
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Files that say what they are."""
    names = ["config.json", "one.pth", "two.pt", "two.safetensors", "mask.npy", "model.zip", "stack.tif"]
    for name in names:
        (tmp_path / name).write_text(name)
    return {name: tmp_path / name for name in names}


def test_configuration_and_weights_are_sent(run: Run, gateway: FakeGateway, files: dict[str, Path]) -> None:
    """Each file as what it is, the stages in their order, whatever the files are called."""  # spec: E2
    result = run(
        "models", "import", files["config.json"], files["one.pth"], files["two.safetensors"],
        *("--mask", files["mask.npy"], "--name", "mine"),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert gateway.imported == {
        "config.json": b"config.json",
        "stage1/weights.pth": b"one.pth",
        "stage2/weights.safetensors": b"two.safetensors",
        "mask/mask.npy": b"mask.npy",
    }
    assert "Imported: b001 (N2V 2D, 1 stage)" in result.stdout
    assert "denoise IN.tif --model b001" in result.stdout
    assert "applied in patches" in result.stderr


def test_large_files_come_in_chunks(run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
    """A message of gRPC takes 4 MiB at most."""  # spec: E2
    (tmp_path / "model.zip").write_bytes(bytes(5 << 20))
    model = json.loads(run("models", "import", tmp_path / "model.zip", "--json").stdout)
    assert model["origin"] == "MODEL_ORIGIN_IMPORTED"
    assert gateway.imported == {"archive.zip": bytes(5 << 20)}


def test_a_downloaded_folder_is_taken_back(run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
    """With what belongs to a model; other files are left where they are."""  # spec: E2
    for name in ("stage1/model.json", "stage1/weights.pth", "mask/mask.json", "stage1/notes.txt"):
        (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / name).write_text(name)
    assert run("models", "import", tmp_path / "model").exit_code == 0
    assert sorted(gateway.imported) == ["mask/mask.json", "stage1/model.json", "stage1/weights.pth"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["config.json"], "1 .json and 0 weights files were given"),
        (["one.pth"], "0 .json and 1 weights files were given"),
        (["config.json", "one.pth", "two.pt", "two.safetensors"], "3 weights files"),
        (["config.json", "stack.tif"], "stack.tif is neither configuration nor weights"),
        (["model.zip", "one.pth"], "model.zip is neither configuration nor weights"),
    ],
)
def test_what_makes_no_model(run: Run, files: dict[str, Path], names: list[str], text: str) -> None:
    """Wrong usage is told before anything is sent, with what would be right."""  # spec: E2
    result = run("models", "import", *(files[name] for name in names))
    assert result.exit_code == 2
    assert text in result.stderr
    assert "Give either one archive" in result.stderr


def test_a_refusal_is_shown(run: Run, gateway: FakeGateway, files: dict[str, Path]) -> None:
    """With the installation's sentence, and nothing else."""  # spec: E2
    gateway.refuse_import = "The weights do not fit (1 difference): head.weight is missing."
    result = run("models", "import", files["config.json"], files["one.pth"])
    assert result.exit_code == 1
    assert result.stderr == f"error: {gateway.refuse_import}\n"


def test_export_is_written_whole(run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
    """In the format that was asked for; damaged on its way, it is not written."""  # spec: E7
    gateway.models["models/m"] = pb.Model(name="models/m")
    for words, expected in (([], "CLEARSTACK"), (["--format", "bioimageio"], "BIOIMAGEIO")):
        result = run("models", "export", "m", "-o", tmp_path / "m.zip", *words)
        assert result.exit_code == 0, result.output
        assert (tmp_path / "m.zip").read_text().endswith(expected)
    gateway.export_sha256 = "0" * 64
    result = run("models", "export", "m", "-o", tmp_path / "damaged.zip")
    assert result.exit_code == 1
    assert "did not arrive whole" in result.stderr
    assert [path.name for path in tmp_path.glob("*.zip")] == ["m.zip"]


def test_delete(run: Run, gateway: FakeGateway) -> None:
    """By the beginning of the id."""  # spec: E5
    gateway.models["models/abc"] = pb.Model(name="models/abc")
    assert run("models", "delete", "ab").stdout == "Deleted: abc\n"
    assert not gateway.models


def test_card(run: Run, gateway: FakeGateway) -> None:
    """It says what a person wants to know before trusting a model, and leaves out what is not known."""  # spec: E5
    model = pb.Model(
        name="models/abc",
        display_name="embryo",
        method=config_pb2.METHOD_N2V,
        mode=config_pb2.MODE_2D,
        origin=pb.MODEL_ORIGIN_IMPORTED,
        stack_display_name="embryo.tif",
        stack_dtype="uint16",
        noise_standard_deviation=12.5,
        stages=[pb.ModelStage(number=1, epoch_count=3, best_validation_loss=0.25, training_loss=0.5)],
    )
    model.train_time.FromJsonString("2026-05-04T10:00:00Z")
    gateway.models[model.name] = model
    shown = run("models", "show", "abc").stdout
    for text in (
        "N2V 2D",
        "imported",
        "embryo.tif",
        "uint16",
        "12.5",
        "3 epochs",
        "0.2500",
        "0.5000",
        "2026-05-04",
    ):
        assert text in shown
    assert "device" not in shown
    assert "imported" in run("models", "list").stdout
