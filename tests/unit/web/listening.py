"""An ASGI application on a free port of this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clearstack_web.serving import Server
from starlette.types import ASGIApp


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Serves it for the block; yields its host:port."""
    server = Server("127.0.0.1:0", app)
    running = asyncio.create_task(server.run())
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
