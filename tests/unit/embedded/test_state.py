from dataclasses import replace
from pathlib import Path

import pytest
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.lock import FolderLock
from clearstack_embedded.state import InstallationState, ProcessState, read_state, write_state
from clearstack_embedded.status import read_status, running_endpoint

_STATE = InstallationState(
    pid=1,
    endpoint="127.0.0.1:7443",
    nats_url="nats://127.0.0.1:4222",
    s3_url="http://127.0.0.1:9000",
    ready=True,
    processes=(
        ProcessState(
            name="broker", pid=None, started_at=None, probe="nats", address="127.0.0.1:4222", version="2"
        ),
    ),
)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A folder with a state file in it."""
    write_state(tmp_path / "installation.json", _STATE)
    return DataFolder(tmp_path)


def test_state_comes_back_as_it_was(folder: DataFolder) -> None:
    """Writing and reading are inverse."""
    assert read_state(folder.state) == _STATE


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"processes": [{}]}', '{"processes": 1}'])
def test_unreadable_state_is_none(tmp_path: Path, text: str) -> None:
    """A state of another version, or half of one, is no state."""
    (tmp_path / "installation.json").write_text(text)
    assert read_state(tmp_path / "installation.json") is None


def test_state_without_a_supervisor_is_stale(folder: DataFolder) -> None:
    """What a killed supervisor has left does not count as running."""
    assert running_endpoint(folder.root) is None
    assert read_status(folder.root) == []


def test_state_counts_while_the_lock_is_held(folder: DataFolder) -> None:
    """With its supervisor alive, the state is believed; a process without an id is down."""
    lock = FolderLock(folder.lock)
    lock.acquire()
    assert running_endpoint(folder.root) == "127.0.0.1:7443"
    (broker,) = read_status(folder.root)
    lock.release()
    assert (broker.name, broker.healthy, broker.detail) == ("broker", False, "is not running")


def test_starting_installation_has_no_endpoint_yet(folder: DataFolder) -> None:
    """A client is not sent to a gateway that is still coming up."""
    write_state(folder.state, replace(_STATE, ready=False))
    lock = FolderLock(folder.lock)
    lock.acquire()
    assert running_endpoint(folder.root) is None
    lock.release()


def test_missing_folder_has_no_status(tmp_path: Path) -> None:
    """Asking about a folder that is not there is no error."""
    assert read_status(tmp_path / "none") == []
    assert running_endpoint(tmp_path / "none") is None
