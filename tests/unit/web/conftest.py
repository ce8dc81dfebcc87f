"""The page's server on this machine, in front of a gateway and a store that the test holds in its hands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
import httpcore
import pytest
from clearstack_web.app import make_app
from clearstack_web.gateway import open_channel
from clearstack_web.pages import Pages
from clearstack_web.settings import WebSettings
from clearstack_web.store import Store
from unit.web.behind import Behind, running_gateway, running_store
from unit.web.listening import listening


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A running server and what is behind it."""

    address: str
    behind: Behind
    client: httpcore.AsyncConnectionPool = field(default_factory=httpcore.AsyncConnectionPool)

    async def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> httpcore.Response:
        """One request, read whole; `_` in a header's name stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(
            method, f"http://{self.address}{path}", headers=list(named.items()), content=body
        )


@asynccontextmanager
async def _web(folder: Path, behind: Behind, gateway: str, store: str) -> AsyncIterator[Web]:
    settings = WebSettings(endpoint=gateway, s3_endpoint=store, s3_secure=False, web_hosts="page.lab")
    channel: grpc.aio.Channel = open_channel(settings)
    files = Store(settings)
    try:
        async with listening(make_app(settings, channel, files, Pages(folder))) as address:
            web = Web(address=address, behind=behind)
            yield web
            await web.client.aclose()
    finally:
        await files.close()
        await channel.close()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A built page."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>the page")
    (tmp_path / "assets" / "a-1f2e.js").write_text("plain")
    (tmp_path / "assets" / "a-1f2e.js.br").write_text("packed")
    return tmp_path


@pytest.fixture
async def web(built: Path) -> AsyncIterator[Web]:
    """The server with everything behind it running."""
    behind = Behind()
    async with (
        running_gateway(behind) as gateway,
        running_store(behind) as store,
        _web(built, behind, gateway, store) as running,
    ):
        yield running


@pytest.fixture
async def alone(built: Path) -> AsyncIterator[Web]:
    """The server with nothing behind it: port 1 is nobody's."""
    async with _web(built, Behind(), "127.0.0.1:1", "127.0.0.1:1") as running:
        yield running
