"""Links of the real store under attack: for one key and one verb, for a while."""

import asyncio
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack_common.errors import ClearstackError
from clearstack_common.objects import FileCache, S3Store
from clearstack_common.settings import ServiceSettings

_LIFE_S = 60


@pytest.fixture
async def s3(server_settings: ServiceSettings) -> S3Store:
    """The real store."""
    return await S3Store.connect(server_settings)


def _status(url: str, verb: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> int:
    request = urllib.request.Request(url, data=data, method=verb, headers=headers or {})  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


async def _call(url: str, verb: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> int:
    return await asyncio.to_thread(_status, url, verb, data, headers)


@pytest.mark.parametrize("verb", ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"])
async def test_a_link_has_one_verb(s3: S3Store, prefix: str, verb: str) -> None:
    """An upload link neither reads nor deletes, a download link neither writes nor deletes."""
    key = f"{prefix}/a"
    await s3.put_bytes(key, b"mine")
    data = b"changed" if verb in {"PUT", "POST", "PATCH"} else None
    if verb != "GET":
        assert await _call(await s3.download_url(key, _LIFE_S), verb, data) in {400, 403, 405}
        assert await s3.get_bytes(key) == b"mine"
    if verb != "PUT":
        assert await _call(await s3.upload_url(key, _LIFE_S), verb, data) in {400, 403, 405}
        assert await s3.get_bytes(key) == b"mine"


def _bent(url: str, key: str) -> dict[str, str]:
    """The link, changed in all the ways that somebody might try."""
    path = f"{quote(key)}?"
    return {
        "another key": url.replace(path, f"{quote(key)}2?"),
        "another folder": url.replace(path, f"{quote(key)}/../../b?"),
        "encoded dots": url.replace(path, f"{quote(key)}/%2e%2e/b?"),
        "the folder": url.replace(path, f"{quote(key.rpartition('/')[0])}/?"),
        "the bucket": url.replace(f"/{path}", "?list-type=2&"),
        "a longer life": url.replace(f"X-Amz-Expires={_LIFE_S}", "X-Amz-Expires=604800"),
        "an upload in parts": f"{url}&uploads",
        "other rights": f"{url}&acl",
        "labels": f"{url}&tagging",
        "no signature": url.partition("?")[0],
        "half a signature": url[:-8],
    }


async def test_a_bent_link_is_refused(s3: S3Store, prefix: str) -> None:
    """Whatever is changed in a link, it does nothing any more."""
    key = f"{prefix}/mine/a"
    await s3.put_bytes(key, b"mine")
    await s3.put_bytes(f"{prefix}/b", b"theirs")
    before = [(found.key, found.size_bytes) for found in await s3.list(prefix)]
    for verb, url, data in (
        ("GET", await s3.download_url(key, _LIFE_S), None),
        ("PUT", await s3.upload_url(key, _LIFE_S), b"changed"),
    ):
        for how, bent in _bent(url, key).items():
            assert bent != url, how
            assert await _call(bent, verb, data) in {400, 403, 404, 405}, (verb, how)
    assert [(found.key, found.size_bytes) for found in await s3.list(prefix)] == before
    assert await s3.get_bytes(key) == b"mine"


@pytest.mark.parametrize("verb", ["GET", "PUT"])
async def test_a_link_ends(s3: S3Store, prefix: str, verb: str) -> None:
    """After its time a link does nothing; before, it does."""
    key = f"{prefix}/a"
    await s3.put_bytes(key, b"mine")
    url = await (s3.download_url(key, 2) if verb == "GET" else s3.upload_url(key, 2))
    data = b"mine" if verb == "PUT" else None
    assert await _call(url, verb, data) == 200
    async with asyncio.timeout(15):
        while await _call(url, verb, data) == 200:
            pass
    assert await _call(url, verb, b"late" if data else None) == 403
    assert await s3.get_bytes(key) == b"mine"


async def test_an_upload_link_does_not_copy(
    s3: S3Store, prefix: str, server_settings: ServiceSettings
) -> None:
    """With an upload link nobody gets at what others have, by having the store copy it."""
    await s3.put_bytes(f"{prefix}/theirs", b"secret")
    url = await s3.upload_url(f"{prefix}/mine", _LIFE_S)
    source = f"/{server_settings.s3_bucket}/{prefix}/theirs"
    await _call(url, "PUT", b"", {"x-amz-copy-source": quote(source)})
    for found in await s3.list(f"{prefix}/mine"):
        assert await s3.get_bytes(found.key) != b"secret"


async def test_what_was_validated_is_what_is_used(s3: S3Store, prefix: str, tmp_path: Path) -> None:
    """An object that is swapped after its record was made is refused, and what was fetched before stays what it was."""
    file = await s3.put_bytes(f"{prefix}/stack.tif", b"validated")
    first, second = FileCache(s3, tmp_path / "first"), FileCache(s3, tmp_path / "second")
    assert (await first.path(file)).read_bytes() == b"validated"
    for swapped in (b"swapped!!", b"shorter", b"longer than it was"):
        await s3.put_bytes(file.object_key, swapped)
        assert (await first.path(file)).read_bytes() == b"validated"
        with pytest.raises(ClearstackError) as caught:
            await second.path(file)
        assert caught.value.reason == error_reason_pb2.ERROR_REASON_CHECKSUM_MISMATCH
        assert list((tmp_path / "second").iterdir()) == []
