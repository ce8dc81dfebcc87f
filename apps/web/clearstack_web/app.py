"""Which address leads where."""

import grpc.aio
from clearstack_common.version import code_version
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from clearstack_web.guard import Guard
from clearstack_web.methods import client_streams
from clearstack_web.pages import Pages
from clearstack_web.relay import Relay
from clearstack_web.settings import WebSettings
from clearstack_web.store import PREFIX, Store

_CALL = "/clearstack.v1.{service}/{method}"


def make_app(settings: WebSettings, channel: grpc.aio.Channel, store: Store, pages: Pages) -> ASGIApp:
    """The whole server, guarded.

    Args:
        settings: What /config.json says, and by which names the page may be called.
        channel: To the gateway.
        store: The way to the object store.
        pages: The built page.
    """
    about = {"version": code_version(), "auth": settings.web_auth}

    async def config(_: Request) -> Response:
        return JSONResponse(about, headers={"cache-control": "no-cache"})

    routes = [
        Route("/healthz", healthz),
        Route("/config.json", config),
        Route(_CALL, Relay(channel, client_streams())),
        Route(f"{PREFIX}/{{rest:path}}", store),
        Route("/{rest:path}", pages.page),
    ]
    return Guard(Starlette(routes=routes), settings)


async def healthz(_: Request) -> Response:
    """Says that the process answers; the gateway's health is the gateway's to tell."""
    return PlainTextResponse("ok\n")
