import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from clearstack.v1 import error_reason_pb2 as reasons
from clearstack_common.errors import ClearstackError
from clearstack_engine.errors import ModelFilesError
from clearstack_engine.model.files import save_model_files
from clearstack_engine.model.packing import pack
from clearstack_inference import unpack
from clearstack_inference.sandbox import Sandbox
from unit.engine.test_model_import import card, weights

SANDBOX = Sandbox(timeout_s=60, memory_bytes=2 << 30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the inference service has fetched: a model.json and one .pth."""
    save_model_files(tmp_path / "files" / "stage1", card(), weights(1))
    return tmp_path


async def refusal(sandbox: Sandbox, folder: Path) -> ClearstackError:
    """How the model in a folder is refused."""
    with pytest.raises(ClearstackError) as caught:
        await sandbox.check(folder)
    return caught.value


async def test_a_model_in_an_archive(folder: Path) -> None:
    """Also one whose files lie in a folder of their own, beside others that are left alone."""  # spec: E2
    (folder / "files" / "stage1" / "notes.txt").write_text("mine")
    (folder / "files" / "config.json").write_text((folder / "files" / "stage1" / "model.json").read_text())
    pack(folder / "files", folder / "packed.zip")
    with (
        zipfile.ZipFile(folder / "packed.zip") as flat,
        zipfile.ZipFile(folder / "nested.zip", "w") as nested,
    ):
        for name in flat.namelist():
            nested.writestr(f"my model/{name}", flat.read(name))
    other = folder / "other"
    (other / "files").mkdir(parents=True)
    (folder / "nested.zip").rename(other / "files" / "archive.zip")
    checked = await SANDBOX.check(other)
    assert checked.description.method == "n2v"
    assert sorted(path.name for path in (checked.folder / "stage1").iterdir()) == [
        "config.json",
        "model.json",
        "weights.pth",
        "weights.safetensors",
    ]


async def test_mismatch_and_damage_have_reasons(folder: Path) -> None:
    """What does not fit and what cannot be read are told apart."""  # spec: E2
    (folder / "files" / "stage1" / "weights.safetensors").unlink()
    torch.save({"surplus": torch.zeros(1)}, folder / "files" / "stage1" / "weights.pth")
    error = await refusal(SANDBOX, folder)
    assert error.reason == reasons.ERROR_REASON_MODEL_MISMATCH
    assert "is missing" in error.message
    (folder / "files" / "stage1" / "weights.pth").write_bytes(b"nothing of the kind")
    assert (await refusal(SANDBOX, folder)).reason == reasons.ERROR_REASON_MODEL_UNREADABLE


class _Exit:
    """Unpickled, it would end the process."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (exec, ("import os; os._exit(0)",))


async def test_pickle_bomb(folder: Path) -> None:
    """Code in a pickle is not run, not even in the child."""  # spec: E2
    (folder / "files" / "stage1" / "weights.safetensors").unlink()
    (folder / "files" / "stage1" / "weights.pth").write_bytes(pickle.dumps({"weight": _Exit()}))
    error = await refusal(SANDBOX, folder)
    assert "plain state dict" in error.message or "cannot be read" in error.message


async def test_memory_bomb(folder: Path) -> None:
    """A small file that unpacks to more than the child may have is refused, and the service lives."""  # spec: E2
    path = folder / "files" / "stage1" / "weights.pth"
    (folder / "files" / "stage1" / "weights.safetensors").unlink()
    torch.save({"head.weight": torch.zeros(1 << 26)}, path)
    with zipfile.ZipFile(path) as stored, zipfile.ZipFile(folder / "bomb", "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in stored.namelist():
            bomb.writestr(name, stored.read(name))
    (folder / "bomb").rename(path)
    assert path.stat().st_size < 1 << 20
    error = await refusal(Sandbox(timeout_s=60, memory_bytes=300 << 20), folder)
    assert error.reason == reasons.ERROR_REASON_MODEL_UNREADABLE


async def test_endless_check(folder: Path) -> None:
    """The wall clock ends a check that does not end by itself."""  # spec: E2
    error = await refusal(Sandbox(timeout_s=0.2, memory_bytes=2 << 30), folder)
    assert "more than 0.2 seconds" in error.message
    assert error.reason == reasons.ERROR_REASON_MODEL_UNREADABLE


def test_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are counted as they come out, whatever the archive says."""  # spec: E2
    monkeypatch.setattr(unpack, "_MAX_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("config.json", b" " * (8 << 20))
    with pytest.raises(ModelFilesError, match="more than"):
        unpack.unpack(tmp_path / "bomb.zip", tmp_path / "out")


@pytest.mark.parametrize(
    "name", ["../config.json", "/config.json", "stage1/../../config.json", "stage3/model.json"]
)
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    """Only the files of a model are taken, by their own names."""  # spec: E2
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as evil:
        evil.writestr(name, json.dumps({}))
    with pytest.raises(ModelFilesError, match="holds no model"):
        unpack.unpack(tmp_path / "evil.zip", tmp_path / "out")
    assert not (tmp_path / "config.json").exists()


def test_no_archive(tmp_path: Path) -> None:
    """A file that is no zip has a sentence, too."""
    (tmp_path / "archive.zip").write_bytes(b"PK but no more")
    with pytest.raises(ModelFilesError, match="cannot be unpacked"):
        unpack.unpack(tmp_path / "archive.zip", tmp_path / "out")
