"""Messages are decoded once the caller is known, and what cannot be decoded is the caller's mistake, not ours.

Left to itself gRPC decodes first, and answers UNKNOWN with the text of a Python exception.
Of all streams of requests one message is decoded in each turn of the event loop, so that fifty uploads at once leave the
turns as short as one does, and all other calls are answered in between.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import grpc
import grpc.aio
from clearstack_common.errors import InvalidFieldsError
from google.protobuf.message import DecodeError

from clearstack_gateway.access.roles import is_open
from clearstack_gateway.servicers.context import Context

Decode = Callable[[bytes], Any]
Each = Callable[[AsyncIterator[bytes]], AsyncIterator[Any]]


class DecodingInterceptor(grpc.aio.ServerInterceptor):
    """Gives bytes to the interceptors around it and messages to the servicer; the last one in the list."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Any, Any] | None"]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wraps the handler of a call; health is as gRPC made it."""
        handler = await continuation(handler_call_details)
        if handler is None or is_open(str(handler_call_details.method)):
            return handler
        decode, encode = handler.request_deserializer or bytes, handler.response_serializer
        each = partial(self._each, decode)
        if handler.unary_unary is not None:
            return _raw(grpc.unary_unary_rpc_method_handler, _single(handler.unary_unary, decode), encode)
        if handler.unary_stream is not None:
            return _raw(
                grpc.unary_stream_rpc_method_handler, _streaming(handler.unary_stream, decode), encode
            )
        if handler.stream_unary is not None:
            return _raw(grpc.stream_unary_rpc_method_handler, _taking(handler.stream_unary, each), encode)
        return _raw(grpc.stream_stream_rpc_method_handler, _both(handler.stream_stream, each), encode)

    async def _each(self, decode: Decode, requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for data in requests:
            async with self._turn:
                request = _decoded(data, decode)
                await asyncio.sleep(0)
            yield request


def _raw(make: Any, behaviour: Any, encode: Any) -> Any:
    return make(behaviour, request_deserializer=None, response_serializer=encode)


def _decoded(data: bytes, decode: Decode) -> Any:
    try:
        return decode(data)
    except DecodeError:
        raise InvalidFieldsError(
            [("request", "is no message of this call; client and installation may differ in their version")]
        ) from None


def _single(behaviour: Any, decode: Decode) -> Any:
    async def call(request: bytes, context: Context) -> Any:
        return await behaviour(_decoded(request, decode), context)

    return call


def _streaming(behaviour: Any, decode: Decode) -> Any:
    async def call(request: bytes, context: Context) -> AsyncIterator[Any]:
        async for response in behaviour(_decoded(request, decode), context):
            yield response

    return call


def _taking(behaviour: Any, each: Each) -> Any:
    async def call(requests: AsyncIterator[bytes], context: Context) -> Any:
        return await behaviour(each(requests), context)

    return call


def _both(behaviour: Any, each: Each) -> Any:
    async def call(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[Any]:
        async for response in behaviour(each(requests), context):
            yield response

    return call
