"""The built page."""

from pathlib import Path

from clearstack_web.pages import Pages
from starlette.requests import Request
from unit.web.conftest import Web


async def test_every_address_of_the_page_shows_it(web: Web) -> None:
    """Its addresses are its own; it is asked for again each time."""
    for path in ("/", "/index.html", "/trainings/abc", "/a/b?c=d"):
        response = await web.ask("GET", path)
        assert (response.status, response.content) == (200, b"<!doctype html>the page"), path
        assert dict(response.headers)[b"cache-control"] == b"no-cache"


async def test_files_with_a_hash_last(web: Web) -> None:
    """And are sent packed to whoever takes them so."""
    plain = await web.ask("GET", "/assets/a-1f2e.js")
    packed = await web.ask("GET", "/assets/a-1f2e.js", accept_encoding="gzip, br;q=0.9")
    assert (plain.content, packed.content) == (b"plain", b"packed")
    assert dict(packed.headers)[b"content-encoding"] == b"br"
    for response in (plain, packed):
        headers = dict(response.headers)
        assert headers[b"cache-control"] == b"public, max-age=31536000, immutable"
        assert headers[b"content-type"].startswith(b"text/javascript")
        assert headers[b"vary"] == b"accept-encoding"


async def test_nothing_but_the_page(web: Web) -> None:
    """Missing files are missing; no address leads out of the folder."""
    for path in ("/assets/none.js", "/../conftest.py", "/assets/..%2f..%2f/etc/passwd.txt"):
        assert (await web.ask("GET", path)).status == 404


async def test_what_the_page_has_to_know(web: Web) -> None:
    """The version, and whether it has to ask for a token."""
    response = await web.ask("GET", "/config.json")
    assert b'"auth":"none"' in response.content
    assert (await web.ask("GET", "/healthz")).content == b"ok\n"


async def test_a_page_that_was_not_built(tmp_path: Path) -> None:
    """Says what to do."""
    request = Request({"type": "http", "path": "/", "headers": [], "method": "GET"})
    response = await Pages(tmp_path).page(request)
    assert (response.status_code, b"make web" in bytes(response.body)) == (503, True)
