"""Listening: the page, and health for probes that know no certificate."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import structlog
import uvicorn
from clearstack_common.log import configure_logging
from clearstack_common.service import run_until, stop_on_signals
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from clearstack_web.app import healthz, make_app
from clearstack_web.gateway import open_channel
from clearstack_web.pages import Pages
from clearstack_web.settings import WebSettings
from clearstack_web.store import Store

# Whoever holds more connections than this is no crowd of people.
_MOST_CONNECTIONS = 1000
_STOP_WITHIN_S = 1
_KEEP_ALIVE_S = 30

log = structlog.get_logger()


async def serve(settings: WebSettings) -> None:
    """Serves the page until SIGTERM or SIGINT.

    Raises:
        OSError: The address is taken, or a file of the settings cannot be read.
    """
    configure_logging(settings, "web")
    channel, store = open_channel(settings), Store(settings)
    page = make_app(settings, channel, store, Pages())
    servers = [Server(settings.web_address, page, **_tls(settings))]
    if settings.health_address:
        servers.append(Server(settings.health_address, Starlette(routes=[Route("/healthz", healthz)])))
    stopping = stop_on_signals()
    log.info("service ready", address=settings.web_address)
    try:
        await run_until(stopping, *(server.run() for server in servers))
    finally:
        log.info("service stops")
        await store.close()
        await channel.close()


class Server(uvicorn.Server):
    """One address; listens from the start, so that a taken address is told at once."""

    def __init__(self, address: str, app: ASGIApp, **tls: Any) -> None:
        super().__init__(_config(app, tls))
        self._socket = _listening(address)
        self.port = int(self._socket.getsockname()[1])

    async def run(self) -> None:  # type: ignore[override]
        """Serves until it is cancelled; open calls end within a second."""
        serving = asyncio.create_task(self.serve([self._socket]))
        try:
            await asyncio.shield(serving)
        finally:
            self.should_exit = True
            await serving

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves them to the process."""
        yield


def _tls(settings: WebSettings) -> dict[str, Any]:
    return {
        "ssl_certfile": settings.tls_cert,
        "ssl_keyfile": settings.tls_key,
        "ssl_ca_certs": settings.tls_client_ca,
        "ssl_cert_reqs": ssl.CERT_REQUIRED if settings.tls_client_ca else ssl.CERT_NONE,
    }


def _config(app: ASGIApp, tls: dict[str, Any]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # links are secrets while they are valid
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_WITHIN_S,
        **tls,
    )


def _listening(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, int(port)), family=family)
