"""Calls from the page to the gateway, as bytes: gRPC-Web on this side, gRPC on that one.

Every call is made as one that answers with a stream, which on the wire is what a single answer is too.
"""

import contextlib
from collections.abc import AsyncGenerator, Mapping

import grpc
import grpc.aio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clearstack_web import grpc_web
from clearstack_web.leaving import until_gone

_AWAY = (
    "No installation answers behind this page. See what runs with `clearstack status`, or start one with "
    "`clearstack up`."
)
_NO_STREAM = "A browser cannot send a stream of messages. The page has another way for this: links to which files are put."
_DETAILS = "grpc-status-details-bin"
_PASSED_ON = ("authorization",)
# The gateway has a limit of its own, which says more; this one bounds what is held here.
_LARGEST_REQUEST_BYTES = 5 << 20


class Relay:
    """An ASGI application for `POST /package.Service/Method`.

    Args:
        channel: To the gateway.
        client_streams: Paths of the calls that no browser can make.
    """

    def __init__(self, channel: grpc.aio.Channel, client_streams: frozenset[str]) -> None:
        self._channel = channel
        self._client_streams = client_streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Makes one call; a browser that goes away cancels it."""
        request = Request(scope, receive)
        if request.method != "POST":
            await Response("Calls are made by POST.\n", status_code=405)(scope, receive, send)
            return
        if request.headers.get("content-type") not in grpc_web.CONTENT_TYPES:
            await Response("gRPC-Web is spoken here.\n", status_code=415)(scope, receive, send)
            return
        try:
            body = await _body(request)
        except ClientDisconnect:
            return
        if body is None:
            await Response("The request is too large.\n", status_code=413)(scope, receive, send)
            return
        await until_gone(_answer(self._frames(scope["path"], request.headers, body), send), receive)

    async def _frames(
        self, method: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncGenerator[bytes, None]:
        if method in self._client_streams:
            yield grpc_web.trailer_frame(grpc.StatusCode.UNIMPLEMENTED.value[0], _NO_STREAM)
            return
        try:
            message = grpc_web.message_of(body)
        except grpc_web.FrameError as error:
            yield grpc_web.trailer_frame(grpc.StatusCode.INVALID_ARGUMENT.value[0], str(error))
            return
        make: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = self._channel.unary_stream(method)
        call = make(
            message,
            metadata=[(key, headers[key]) for key in _PASSED_ON if key in headers],
            timeout=grpc_web.timeout_s(headers.get("grpc-timeout")),
        )
        try:
            async for answer in call:
                yield grpc_web.data_frame(answer)
        except grpc.aio.AioRpcError as error:
            yield _failure(error)
        else:
            yield grpc_web.trailer_frame(0, trailers=_pairs(await call.trailing_metadata()))
        finally:
            call.cancel()  # of no effect on a call that is over


def _failure(error: grpc.aio.AioRpcError) -> bytes:
    trailers = _pairs(error.trailing_metadata())
    is_our_own = error.code() is grpc.StatusCode.UNAVAILABLE and _DETAILS not in dict(trailers)
    text = _AWAY if is_our_own else error.details() or ""
    return grpc_web.trailer_frame(error.code().value[0], text, trailers)


def _pairs(metadata: grpc.aio.Metadata | None) -> list[tuple[str, str | bytes]]:
    return [(str(key), value) for key, value in metadata or ()]


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_REQUEST_BYTES:
            return None
    return bytes(body)


async def _answer(frames: AsyncGenerator[bytes, None], send: Send) -> None:
    """Sends each frame as soon as it is there, and no faster than it is taken."""
    head = [(b"content-type", grpc_web.CONTENT_TYPE.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    async with contextlib.aclosing(frames):
        async for frame in frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
