"""Files go between the browser and the store by links that were signed, and not otherwise."""

import pytest
from unit.web.conftest import Web

_KEY = "/clearstack/stacks/a%2Bb/original.tif?X-Amz-Date=1&X-Amz-Signature=f%2F0"


async def test_there_and_back(web: Web) -> None:
    """Path and query arrive as they were signed; the answer is a file, whatever the store calls it."""
    data = bytes(range(256)) * 4096
    put = await web.ask("PUT", f"/store{_KEY}", data, authorization="Bearer t", cookie="a=b")
    assert put.status == 200
    assert not {"authorization", "cookie"} & set(web.behind.asked)
    assert web.behind.objects == {_KEY: data}
    got = await web.ask("GET", f"/store{_KEY}", range="bytes=0-9")
    headers = dict(got.headers)
    assert got.content == data
    assert web.behind.asked["range"] == "bytes=0-9"
    assert (headers[b"content-type"], headers[b"etag"]) == (b"application/octet-stream", b'"e"')
    assert headers[b"content-disposition"] == b"attachment"
    assert not {b"set-cookie", b"location"} & set(headers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/clearstack/stacks/a", 403),
        ("GET", "/clearstack/stacks/a?X-Amz-Signature=", 403),
        ("GET", "/clearstack/stacks/a?X-Amz-Signature=1&X-Amz-Signature=2", 403),
        ("GET", "/other/stacks/a?X-Amz-Signature=1", 404),
        ("GET", "/healthz?X-Amz-Signature=1", 404),
        ("DELETE", "/clearstack/stacks/a?X-Amz-Signature=1", 405),
        ("POST", "/clearstack/stacks/a?X-Amz-Signature=1", 405),
    ],
)
async def test_what_does_not_get_through(web: Web, method: str, path: str, status: int) -> None:
    """No signature, two of them, another bucket, the store's own pages, other verbs."""
    assert (await web.ask(method, f"/store{path}")).status == status
    assert not web.behind.asked


async def test_no_redirect_is_followed(web: Web) -> None:
    """Nor handed on: the browser stays here."""
    path = f"{_KEY}&moved"
    web.behind.objects[path] = b""
    response = await web.ask("GET", f"/store{path}")
    assert response.status == 307
    assert b"location" not in dict(response.headers)


async def test_no_store(alone: Web) -> None:
    """A sentence, not a broken connection."""
    response = await alone.ask("GET", f"/store{_KEY}")
    assert (response.status, b"does not answer" in response.content) == (502, True)


async def test_a_report_is_shown_in_a_sandbox(web: Web) -> None:
    """It may have its own colours and pictures, and can run nothing; a page that calls itself one no more."""
    path = "/clearstack/results/a/report.html?X-Amz-Signature=1"
    web.behind.objects[path] = b"<!doctype html>"
    headers = (await web.ask("GET", f"/store{path}")).headers
    policies = [value for name, value in headers if name == b"content-security-policy"]
    assert len(policies) == 1
    assert policies[0].startswith(b"sandbox; default-src 'none'; ")
    assert b"allow-scripts" not in policies[0]
    assert dict(headers)[b"content-type"] == b"text/html; charset=utf-8"
    missing = dict((await web.ask("GET", "/store/clearstack/report.html?X-Amz-Signature=1")).headers)
    assert missing[b"content-type"] == b"application/octet-stream"
