from pathlib import Path

from clearstack_embedded.lock import FolderLock, is_held


def test_second_holder_is_refused(tmp_path: Path) -> None:
    """Only one of two gets the lock, and the other does after it was given back."""
    first, second = FolderLock(tmp_path / "lock"), FolderLock(tmp_path / "lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_holding_can_be_seen(tmp_path: Path) -> None:
    """Looking tells whether the lock is held, and does not take it."""
    path = tmp_path / "lock"
    assert not is_held(path)
    lock = FolderLock(path)
    lock.acquire()
    assert is_held(path)
    lock.release()
    assert not is_held(path)
    assert lock.acquire()
    lock.release()
