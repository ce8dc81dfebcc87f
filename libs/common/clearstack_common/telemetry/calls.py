"""Calls of the API, counted, timed and traced."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import grpc
import grpc.aio
from google.rpc import code_pb2, error_details_pb2, status_pb2

from clearstack_common.telemetry.telemetry import Telemetry

_DETAILS = "grpc-status-details-bin"
_HEALTH = "/grpc.health."  # its Watch writes by itself, and yields nothing
Context = grpc.aio.ServicerContext[Any, Any]


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Sees every call from its arrival to its end; to be the first of the interceptors.

    Streams of answers get no span: they last as long as somebody watches.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._metrics = telemetry.metrics
        self._tracing = telemetry.tracing

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Any, Any] | None"]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wraps the handler of a call; one that does not exist has none, and probes are not counted."""
        handler = await continuation(handler_call_details)
        if handler is None or str(handler_call_details.method).startswith(_HEALTH):
            return handler
        method = str(handler_call_details.method).lstrip("/")
        codecs = (handler.request_deserializer, handler.response_serializer)
        if handler.stream_stream is not None:
            return grpc.stream_stream_rpc_method_handler(self._stream(handler.stream_stream, method), *codecs)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(self._stream(handler.unary_stream, method), *codecs)
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(self._single(handler.stream_unary, method), *codecs)
        return grpc.unary_unary_rpc_method_handler(self._single(handler.unary_unary, method), *codecs)

    def _single(self, behaviour: Any, method: str) -> Any:
        async def call(request: Any, context: Context) -> Any:
            with self._observed(method, context), self._tracing.span(method, parent=_trace_parent(context)):
                return await behaviour(request, context)

        return call

    def _stream(self, behaviour: Any, method: str) -> Any:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            with self._observed(method, context):
                async for response in behaviour(request, context):
                    yield response

        return call

    @contextmanager
    def _observed(self, method: str, context: Context) -> Iterator[None]:
        began, otherwise = perf_counter(), "CANCELLED"  # if nobody sets a code, the client has gone
        self._metrics.grpc_open.labels(method).inc()
        try:
            yield
            otherwise = "OK"
        except Exception:
            otherwise = "UNKNOWN"
            raise
        finally:
            self._metrics.grpc_open.labels(method).dec()
            took_s = perf_counter() - began
            self._metrics.grpc_seconds.labels(method, _code(context, otherwise)).observe(took_s)
            if reason := _reason(context):
                self._metrics.errors.labels(reason).inc()


def _code(context: Context, otherwise: str) -> str:
    """The name of the status."""
    code = context.code()  # 0, or nothing, until somebody sets it; a number although the types say otherwise
    if not code:
        return otherwise
    return code.name if isinstance(code, grpc.StatusCode) else code_pb2.Code.Name(code)


def _reason(context: Context) -> str:
    """Why the call was refused; empty where no reason was given."""
    for key, value in context.trailing_metadata() or ():
        if key == _DETAILS:
            info = error_details_pb2.ErrorInfo()
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Unpack(info):
                    return str(info.reason)
    return ""


def _trace_parent(context: Context) -> str:
    found = (value for key, value in context.invocation_metadata() or () if key == "traceparent")
    value = next(found, "")
    return value.decode("ascii", "ignore") if isinstance(value, bytes) else value
