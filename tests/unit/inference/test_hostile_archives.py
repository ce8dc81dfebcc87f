"""Archives of strangers: whatever their entries are called, only a model's files come out, where they belong."""

import stat
import warnings
import zipfile
from pathlib import Path

import pytest
from clearstack_engine.errors import ModelFilesError
from clearstack_inference.unpack import unpack
from unit.gateway.hostile import hostile_names


def _pack(path: Path, names: list[str], *, link_to: str = "") -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as packed:
        warnings.simplefilter("ignore")  # the same name twice is a part of the test
        for name in names:
            entry = zipfile.ZipInfo(name)
            if link_to:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            packed.writestr(entry, link_to or "data")
    return path


def test_hostile_entries_stay_in_the_archive(tmp_path: Path) -> None:
    """Five hundred names beside a configuration: the configuration alone is written."""
    names = [name for name in hostile_names(500) if name]
    folder = tmp_path / "deep" / "er" / "out"
    unpack(_pack(tmp_path / "a.zip", ["config.json", *names]), folder)
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*")] == ["config.json"]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.zip", "config.json"]


@pytest.mark.parametrize("top", ["../", "/", "..\\", "a/../../", "./", ".ssh/"])
def test_a_hostile_folder_is_no_model(tmp_path: Path, top: str) -> None:
    """A model in a folder of its own may not choose a folder elsewhere."""
    with pytest.raises(ModelFilesError):
        unpack(
            _pack(tmp_path / "a.zip", [f"{top}config.json", f"{top}stage1/weights.pth"]),
            tmp_path / "x" / "out",
        )
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.zip"]


def test_a_link_is_unpacked_as_what_it_holds(tmp_path: Path) -> None:
    """No link comes out of an archive that could lead a later file elsewhere."""
    archive = _pack(tmp_path / "a.zip", ["config.json", "stage1/weights.pth"], link_to="/etc/passwd")
    unpack(archive, tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_symlink()
    assert (tmp_path / "out" / "config.json").read_text() == "/etc/passwd"
