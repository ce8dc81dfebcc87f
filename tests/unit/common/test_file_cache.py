"""Local copies of stored files."""

import asyncio
import os
from pathlib import Path

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack_common.errors import ClearstackError, NotFoundError
from clearstack_common.objects import FileCache
from fakes import FakeStore


@pytest.fixture
def store() -> FakeStore:
    """An empty store."""
    return FakeStore()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the copies are; it need not exist."""
    return tmp_path / "cache" / "deep"


async def test_file_is_fetched_once(store: FakeStore, folder: Path) -> None:
    """A second request for the same bytes, also under another key, is served from the copy."""
    cache = FileCache(store, folder)
    first = await store.put_bytes("a/stack.tif", b"bytes")
    second = await store.put_bytes("b/stack.tif", b"bytes")
    path = await cache.path(first)
    assert await cache.path(second) == path
    assert (path.read_bytes(), path.suffix, store.num_fetches) == (b"bytes", ".tif", 1)


async def test_many_at_once_fetch_once(store: FakeStore, folder: Path) -> None:
    """The ranges of one stack that start together fetch it once."""
    cache = FileCache(store, folder)
    file = await store.put_bytes("stack.tif", b"bytes")
    paths = await asyncio.gather(*(cache.path(file) for _ in range(20)))
    assert (len(set(paths)), store.num_fetches) == (1, 1)


async def test_changed_object_is_refused_and_not_kept(store: FakeStore, folder: Path) -> None:
    """Bytes that are not those recorded never enter the cache; when they are mended the file is served."""
    cache = FileCache(store, folder)
    file = await store.put_bytes("stack.tif", b"bytes")
    store.objects["stack.tif"] = b"other"
    with pytest.raises(ClearstackError) as caught:
        await cache.path(file)
    assert caught.value.reason == error_reason_pb2.ERROR_REASON_CHECKSUM_MISMATCH
    store.objects["stack.tif"] = b"bytes"
    assert (await cache.path(file)).read_bytes() == b"bytes"


async def test_missing_object_is_not_found(store: FakeStore, folder: Path) -> None:
    """A file that is not in the store is not found."""
    file = await store.put_bytes("stack.tif", b"bytes")
    await store.delete(["stack.tif"])
    with pytest.raises(NotFoundError):
        await FileCache(store, folder).path(file)


async def test_longest_unused_makes_room(store: FakeStore, folder: Path) -> None:
    """When the limit is reached, what was used longest ago goes first; what was used lately stays."""
    cache = FileCache(store, folder, max_bytes=30)
    files = [await store.put_bytes(f"{name}.tif", name.encode() * 10) for name in "abcd"]
    paths = []
    for age, file in enumerate(files[:3]):
        paths.append(await cache.path(file))
        os.utime(paths[-1], (1000 + age, 1000 + age))
    await cache.path(files[0])  # the oldest is used again
    newest = await cache.path(files[3])
    assert [path.exists() for path in paths] == [True, False, True]
    assert newest.exists()


async def test_what_is_being_fetched_does_not_make_room(store: FakeStore, folder: Path) -> None:
    """The part of another download stays, however full it is; one that was given up long ago goes."""
    folder.mkdir(parents=True)
    under_way, given_up = folder / "aa.tif.part", folder / "bb.tif.part"
    for part in (under_way, given_up):
        part.write_bytes(b"x" * 20)
    os.utime(given_up, (1000, 1000))
    file = await store.put_bytes("stack.tif", b"x" * 20)
    await FileCache(store, folder, max_bytes=25).path(file)
    assert (under_way.exists(), given_up.exists()) == (True, False)


async def test_file_larger_than_the_limit_is_served(store: FakeStore, folder: Path) -> None:
    """The limit never keeps a file from being used."""
    file = await store.put_bytes("stack.tif", b"x" * 100)
    assert (await FileCache(store, folder, max_bytes=10).path(file)).stat().st_size == 100
