"""The object store: bytes by key, checked when they come back, joined inside the store, handed out by links."""

import asyncio
import hashlib
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack_common.errors import ClearstackError, NotFoundError
from clearstack_common.objects import ObjectStore

_MIB = 1 << 20


def _noise(num_bytes: int, seed: int = 0) -> bytes:
    block = b"".join(hashlib.sha256(f"{seed} {n}".encode()).digest() for n in range(4096))
    return (block * (num_bytes // len(block) + 1))[:num_bytes]


async def test_bytes_come_back(store: ObjectStore, prefix: str) -> None:
    """What was put is what is got, and its key, size and checksum are told."""
    data = _noise(1000)
    stored = await store.put_bytes(f"{prefix}/a/weights.pth", data)
    assert stored == StoredFile(
        file_name="weights.pth",
        object_key=f"{prefix}/a/weights.pth",
        size_bytes=1000,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    assert await store.get_bytes(stored.object_key) == data


async def test_ranges(store: ObjectStore, prefix: str) -> None:
    """Some bytes from anywhere; fewer at the end, none where none are asked for."""
    data = _noise(1000)
    key = (await store.put_bytes(f"{prefix}/ranges", data)).object_key
    assert await store.read_range(key, 10, 20) == data[10:30]
    assert await store.read_range(key, 990, 20) == data[990:]
    assert await store.read_range(key, 0, 0) == b""
    with pytest.raises(NotFoundError):
        await store.read_range(f"{prefix}/none", 0, 1)


async def test_nothing_is_something_too(store: ObjectStore, prefix: str) -> None:
    """An empty object is an object."""
    stored = await store.put_bytes(f"{prefix}/empty", b"")
    assert stored.size_bytes == 0
    assert await store.get_bytes(f"{prefix}/empty") == b""


async def test_large_file_goes_there_and_back(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    """A file of several upload parts is fetched as it was put, into a folder that need not exist."""
    source = tmp_path / "in.tif"
    source.write_bytes(_noise(17 * _MIB + 3))
    stored = await store.put_file(f"{prefix}/big", source)
    assert stored.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    path = await store.fetch(stored, tmp_path / "new" / "out.tif")
    assert path.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("stands_there", [b"changed!", b"longer than it was"])
async def test_changed_object_is_not_accepted(
    store: ObjectStore, prefix: str, tmp_path: Path, stands_there: bytes
) -> None:
    """An object that is not what was recorded is refused, and no file is left that could be taken for it."""
    stored = await store.put_bytes(f"{prefix}/a", b"original")
    await store.put_bytes(f"{prefix}/a", stands_there)
    with pytest.raises(ClearstackError) as caught:
        await store.fetch(stored, tmp_path / "out")
    assert caught.value.reason == error_reason_pb2.ERROR_REASON_CHECKSUM_MISMATCH
    assert list(tmp_path.iterdir()) == []


async def test_unverified_fetch_tells_what_came(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    """Of an object of which nothing is known, size and checksum are measured."""
    put = await store.put_bytes(f"{prefix}/a", b"some bytes")
    assert await store.fetch_unverified(f"{prefix}/a", tmp_path / "out") == put
    assert (tmp_path / "out").read_bytes() == b"some bytes"


async def test_what_is_not_there_is_not_found(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    """Every way of reading says that a key does not exist."""
    key = f"{prefix}/nothing"
    with pytest.raises(NotFoundError):
        await store.get_bytes(key)
    with pytest.raises(NotFoundError):
        await store.fetch_unverified(key, tmp_path / "out")
    with pytest.raises(NotFoundError):
        await store.fetch(StoredFile(object_key=key, size_bytes=1, sha256="x"), tmp_path / "out")
    with pytest.raises(NotFoundError):
        _ = [chunk async for chunk in store.stream(key)]


@pytest.mark.parametrize("offset", [0, 1, 2_500_000 - 1])
async def test_stream_starts_at_offset(store: ObjectStore, prefix: str, offset: int) -> None:
    """A download that was cut off goes on from where it was, in chunks of at most the size asked for."""
    data = _noise(2_500_000)
    await store.put_bytes(f"{prefix}/a", data)
    chunks = [chunk async for chunk in store.stream(f"{prefix}/a", offset, 1_000_000)]
    assert b"".join(chunks) == data[offset:]
    assert max(len(chunk) for chunk in chunks) <= 1_000_000


async def test_list_is_sorted_and_below_the_prefix(store: ObjectStore, prefix: str) -> None:
    """A list has what is below a prefix at any depth, in the order of the keys, with sizes."""
    for name in ("p/10", "p/02/x", "p/1", "q/1"):
        await store.put_bytes(f"{prefix}/{name}", name.encode())
    found = await store.list(f"{prefix}/p/")
    assert [(each.key, each.size_bytes) for each in found] == [
        (f"{prefix}/p/02/x", 6),
        (f"{prefix}/p/1", 3),
        (f"{prefix}/p/10", 4),
    ]
    assert list(await store.list(f"{prefix}/nothing/")) == []


async def test_list_of_more_than_a_page_is_whole(store: ObjectStore, prefix: str) -> None:
    """A list does not end at what S3 gives at once (1,000)."""
    keys = [f"{prefix}/n/{number:04d}" for number in range(1005)]
    for start in range(0, len(keys), 32):
        await asyncio.gather(*(store.put_bytes(key, b"x") for key in keys[start : start + 32]))
    assert [each.key for each in await store.list(f"{prefix}/n/")] == keys
    await store.delete(keys)
    assert list(await store.list(f"{prefix}/n/")) == []


@pytest.mark.parametrize("sizes", [(5 * _MIB, 5 * _MIB + 7, 11), (11,), (6 * _MIB,), (5 * _MIB, 1)])
async def test_parts_are_joined_inside_the_store(
    store: ObjectStore, prefix: str, sizes: tuple[int, ...]
) -> None:
    """Parts of 5 MiB or more and a last one of any size become one object; a single part too."""
    for index, size in enumerate(sizes):
        await store.put_bytes(f"{prefix}/parts/{index}", _noise(size, index))
    await store.concatenate(f"{prefix}/whole", await store.list(f"{prefix}/parts/"))
    whole = b"".join(_noise(size, index) for index, size in enumerate(sizes))
    assert hashlib.sha256(await store.get_bytes(f"{prefix}/whole")).digest() == hashlib.sha256(whole).digest()
    assert len(await store.list(f"{prefix}/parts/")) == len(sizes)


async def test_small_parts_before_the_last_are_refused(store: ObjectStore, prefix: str) -> None:
    """A part below 5 MiB can only be the last: the store refuses, and nothing half-made appears."""
    for index, size in enumerate((100, 100)):
        await store.put_bytes(f"{prefix}/parts/{index}", _noise(size))
    parts = await store.list(f"{prefix}/parts/")
    with pytest.raises(ValueError, match=r"5 ?MiB|5242880"):
        await store.concatenate(f"{prefix}/whole", parts)
    assert list(await store.list(f"{prefix}/whole")) == []


async def test_deleted_is_gone_and_missing_does_not_matter(store: ObjectStore, prefix: str) -> None:
    """Deleting removes exactly the keys named; one that is not there is no error, nor is none at all."""
    await store.put_bytes(f"{prefix}/a", b"a")
    await store.put_bytes(f"{prefix}/b", b"b")
    await store.delete([f"{prefix}/a", f"{prefix}/nothing"])
    await store.delete([])
    assert [each.key for each in await store.list(f"{prefix}/")] == [f"{prefix}/b"]


def _call(url: str, data: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, data=data, method="GET" if data is None else "PUT")  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - the servers of this test
        body: bytes = response.read()
    return body


async def test_link_takes_one_upload(store: ObjectStore, prefix: str) -> None:
    """Whoever has the link can put the object, with nothing but HTTP."""
    url = await store.upload_url(f"{prefix}/a b+µ.tif", 60)
    await asyncio.to_thread(_call, url, b"from outside")
    assert await store.get_bytes(f"{prefix}/a b+µ.tif") == b"from outside"


async def test_link_gives_one_download(store: ObjectStore, prefix: str) -> None:
    """Whoever has the link can fetch the object, with nothing but HTTP."""
    await store.put_bytes(f"{prefix}/a", _noise(3 * _MIB))
    url = await store.download_url(f"{prefix}/a", 60)
    assert await asyncio.to_thread(_call, url) == _noise(3 * _MIB)


async def test_link_is_good_for_its_object_alone(store: ObjectStore, prefix: str) -> None:
    """A link cannot be bent to another object, nor a download link be used to put."""
    await store.put_bytes(f"{prefix}/a", b"mine")
    await store.put_bytes(f"{prefix}/b", b"theirs")
    url = await store.download_url(f"{prefix}/a", 60)
    for attempt in ((url.replace(f"{prefix}/a", f"{prefix}/b"), None), (url, b"overwritten")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            await asyncio.to_thread(_call, *attempt)
        assert caught.value.code == 403
    assert await store.get_bytes(f"{prefix}/a") == b"mine"


async def test_store_says_that_it_is_there(store: ObjectStore) -> None:
    """A store that answers is available."""
    assert await store.is_available()
