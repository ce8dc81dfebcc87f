"""Messages are decoded once the caller is known, and what cannot be decoded is the caller's mistake, not ours.

Left to itself gRPC decodes first, and answers UNKNOWN with the text of a Python exception.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from clearstack_common.errors import InvalidFieldsError
from google.protobuf.message import DecodeError

from clearstack_gateway.access.roles import is_open
from clearstack_gateway.servicers.context import Context

Decode = Callable[[bytes], Any]


class DecodingInterceptor(grpc.aio.ServerInterceptor):
    """Gives bytes to the interceptors around it and messages to the servicer; the last one in the list."""

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
        if handler.unary_unary is not None:
            return _raw(grpc.unary_unary_rpc_method_handler, _single(handler.unary_unary, decode), encode)
        if handler.unary_stream is not None:
            return _raw(
                grpc.unary_stream_rpc_method_handler, _streaming(handler.unary_stream, decode), encode
            )
        if handler.stream_unary is not None:
            return _raw(grpc.stream_unary_rpc_method_handler, _taking(handler.stream_unary, decode), encode)
        return _raw(grpc.stream_stream_rpc_method_handler, _both(handler.stream_stream, decode), encode)


def _raw(make: Any, behaviour: Any, encode: Any) -> Any:
    return make(behaviour, request_deserializer=None, response_serializer=encode)


def _decoded(data: bytes, decode: Decode) -> Any:
    try:
        return decode(data)
    except DecodeError:
        raise InvalidFieldsError(
            [("request", "is no message of this call; client and installation may differ in their version")]
        ) from None


async def _each(requests: AsyncIterator[bytes], decode: Decode) -> AsyncIterator[Any]:
    async for data in requests:
        yield _decoded(data, decode)


def _single(behaviour: Any, decode: Decode) -> Any:
    async def call(request: bytes, context: Context) -> Any:
        return await behaviour(_decoded(request, decode), context)

    return call


def _streaming(behaviour: Any, decode: Decode) -> Any:
    async def call(request: bytes, context: Context) -> AsyncIterator[Any]:
        async for response in behaviour(_decoded(request, decode), context):
            yield response

    return call


def _taking(behaviour: Any, decode: Decode) -> Any:
    async def call(requests: AsyncIterator[bytes], context: Context) -> Any:
        return await behaviour(_each(requests, decode), context)

    return call


def _both(behaviour: Any, decode: Decode) -> Any:
    async def call(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[Any]:
        async for response in behaviour(_each(requests, decode), context):
            yield response

    return call
