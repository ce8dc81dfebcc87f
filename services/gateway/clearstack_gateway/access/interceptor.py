"""Every call passes here before anything else looks at it."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from clearstack_gateway.access.caller import set_caller
from clearstack_gateway.access.gatekeeper import Gatekeeper
from clearstack_gateway.access.roles import is_open

# A token that is taken away ends the streams that were opened with it, not only calls to come.
_LOOK_AGAIN_S = 10.0

Context = grpc.aio.ServicerContext[Any, Any]


class AccessInterceptor(grpc.aio.ServerInterceptor):
    """Asks the gatekeeper about each call; stands inside of the one that turns errors into statuses."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Any, Any] | None"]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wraps the handler of a call; health is for everybody."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or is_open(method):
            return handler
        codecs = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(self._single(handler.unary_unary, method), *codecs)
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(self._single(handler.stream_unary, method), *codecs)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(
                self._streaming(handler.unary_stream, method), *codecs
            )
        return grpc.stream_stream_rpc_method_handler(self._streaming(handler.stream_stream, method), *codecs)

    def _single(self, behaviour: Any, method: str) -> Any:
        async def call(request: Any, context: Context) -> Any:
            async with self._admitted(method, context):
                return await behaviour(request, context)

        return call

    def _streaming(self, behaviour: Any, method: str) -> Any:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._admitted(method, context):
                looked_at = time.monotonic()
                async for response in behaviour(request, context):
                    if time.monotonic() - looked_at > _LOOK_AGAIN_S:
                        await self._gatekeeper.identify(context.invocation_metadata() or ())
                        looked_at = time.monotonic()
                    yield response

        return call

    @asynccontextmanager
    async def _admitted(self, method: str, context: Context) -> AsyncIterator[None]:
        metadata = context.invocation_metadata() or ()
        async with self._gatekeeper.admitted(method, metadata, context.peer()) as caller:
            set_caller(caller)
            yield
