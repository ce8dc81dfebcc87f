import stat
from pathlib import Path

import pytest
from clearstack_embedded.errors import InstallationError
from clearstack_embedded.folder import DataFolder, data_folder, write_private


@pytest.mark.parametrize(
    ("explicit", "environment", "expected"),
    [
        (Path("/a"), {"CLEARSTACK_DATA": "/b", "XDG_DATA_HOME": "/c"}, Path("/a")),
        (None, {"CLEARSTACK_DATA": "/b", "XDG_DATA_HOME": "/c"}, Path("/b")),
        (None, {"XDG_DATA_HOME": "/c"}, Path("/c/clearstack")),
        (None, {"XDG_DATA_HOME": "relative"}, Path.home() / ".local/share/clearstack"),
        (None, {}, Path.home() / ".local/share/clearstack"),
    ],
)
def test_data_folder_takes_the_most_explicit_choice(
    explicit: Path | None, environment: dict[str, str], expected: Path
) -> None:
    """The argument goes before our variable, that before the desktop's, and that before the default."""
    assert data_folder(explicit, environment) == expected


def test_relative_choice_is_taken_from_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Children start in other folders, so a relative path must not reach them."""
    monkeypatch.chdir(tmp_path)
    assert data_folder(Path("here"), {}) == tmp_path / "here"


def test_folders_are_private(tmp_path: Path) -> None:
    """Images, logs and streams are for their owner only."""
    folder = DataFolder(tmp_path / "deep" / "data")
    folder.create()
    for path in (folder.root, folder.broker, folder.store, folder.logs):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_unusable_place_is_refused_with_advice(tmp_path: Path) -> None:
    """A file where the folder should be gives a sentence, not a traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(InstallationError, match="Choose another one with --data"):
        DataFolder(tmp_path / "file" / "data").create()


def test_write_private_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    """The file has the new text and mode 0600, and no temporary file stays."""
    path = tmp_path / "secrets.json"
    path.write_text("old")
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
