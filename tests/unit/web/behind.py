"""A gateway and a store that a test holds in its hands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import grpc.aio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from unit.web.listening import listening


@dataclass(slots=True, kw_only=True)
class Behind:
    """What was asked, and what is to be answered.

    Attributes:
        metadata: Of the last call.
        go_on: Awaited by a stream after its first message.
        is_cancelled: Set when a stream was cancelled.
        objects: Of the store, by path.
        asked: Headers of the last request to the store.
    """

    metadata: dict[str, str | bytes] = field(default_factory=dict)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    is_cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)


class _Methods(grpc.GenericRpcHandler):
    """`/clearstack.v1.StackService/…`, in bytes: GetStack echoes, DeleteStack refuses, DownloadStack streams."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        self._behind.metadata = dict(handler_call_details.invocation_metadata)
        method = str(handler_call_details.method).rpartition("/")[2]
        if method == "DownloadStack":
            return grpc.unary_stream_rpc_method_handler(self._stream)
        return grpc.unary_unary_rpc_method_handler({"GetStack": _echo, "DeleteStack": _refuse}[method])

    async def _stream(
        self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]"
    ) -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await self._behind.go_on.wait()
            yield b"second"
        except asyncio.CancelledError:
            self._behind.is_cancelled.set()
            raise


async def _echo(request: bytes, _: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
    return request


async def _refuse(_: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
    context.set_trailing_metadata((("grpc-status-details-bin", b"\x08\x05why"),))
    await context.abort(grpc.StatusCode.NOT_FOUND, "There is no stack ‘s’: 100 %")
    raise AssertionError  # abort does not return


@asynccontextmanager
async def running_gateway(behind: Behind) -> AsyncIterator[str]:
    """Runs it for the block; yields its address."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Methods(behind),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@asynccontextmanager
async def running_store(behind: Behind) -> AsyncIterator[str]:
    """Runs it for the block; yields its address."""

    async def answer(request: Request) -> Response:
        path = f"{request.scope['raw_path'].decode()}?{request.url.query}"
        behind.asked = dict(request.headers)
        if request.method == "PUT":
            behind.objects[path] = await request.body()
            return Response(headers={"etag": '"e"'})
        if path not in behind.objects:
            return Response("<Error/>", status_code=404, media_type="text/html")
        head = {"etag": '"e"', "location": "http://elsewhere/", "set-cookie": "a=b"}
        if path.endswith("moved"):
            return Response(status_code=307, headers=head)

        async def body() -> AsyncIterator[bytes]:
            yield behind.objects[path]

        return StreamingResponse(body(), headers=head, media_type="text/html")

    app = Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "PUT", "HEAD"])])
    async with listening(app) as address:
        yield address
