"""The one place where errors become gRPC statuses: `google.rpc.Status` with `ErrorInfo` and `BadRequest`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc
import grpc.aio
import structlog
from clearstack.v1 import error_reason_pb2 as reasons
from clearstack_common.errors import ClearstackError, InvalidFieldsError, reason_name
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

_DOMAIN = "clearstack"
_HEALTH = "/grpc.health."
_CODES = {
    reasons.ERROR_REASON_RESOURCE_NOT_FOUND: code_pb2.NOT_FOUND,
    reasons.ERROR_REASON_WRONG_STATE: code_pb2.FAILED_PRECONDITION,
    reasons.ERROR_REASON_ETAG_MISMATCH: code_pb2.ABORTED,
    reasons.ERROR_REASON_IN_USE: code_pb2.FAILED_PRECONDITION,
    reasons.ERROR_REASON_UPLOAD_OFFSET_MISMATCH: code_pb2.FAILED_PRECONDITION,
    reasons.ERROR_REASON_CHECKSUM_MISMATCH: code_pb2.FAILED_PRECONDITION,
    reasons.ERROR_REASON_INSUFFICIENT_STACK_DEPTH: code_pb2.FAILED_PRECONDITION,
    reasons.ERROR_REASON_OUT_OF_MEMORY: code_pb2.RESOURCE_EXHAUSTED,
    reasons.ERROR_REASON_OUT_OF_SPACE: code_pb2.RESOURCE_EXHAUSTED,
    reasons.ERROR_REASON_COMPUTATION_FAILED: code_pb2.INTERNAL,
    reasons.ERROR_REASON_BACKEND_UNAVAILABLE: code_pb2.UNAVAILABLE,
    reasons.ERROR_REASON_NOT_IMPLEMENTED: code_pb2.UNIMPLEMENTED,
    reasons.ERROR_REASON_INTERNAL: code_pb2.INTERNAL,
    reasons.ERROR_REASON_NOT_SIGNED_IN: code_pb2.UNAUTHENTICATED,
    reasons.ERROR_REASON_ROLE_TOO_LOW: code_pb2.PERMISSION_DENIED,
    reasons.ERROR_REASON_LIMIT_REACHED: code_pb2.RESOURCE_EXHAUSTED,
    reasons.ERROR_REASON_TOO_MANY_CALLS: code_pb2.RESOURCE_EXHAUSTED,
}
_INTERNAL_TEXT = (
    "Something went wrong inside Clearstack; the gateway's log has the details (`clearstack logs gateway`)."
)

log = structlog.get_logger()


def as_status(error: ClearstackError) -> status_pb2.Status:
    """The error as it travels. Reasons of refused files and fields are INVALID_ARGUMENT."""
    details: list[Any] = [
        error_details_pb2.ErrorInfo(reason=reason_name(error.reason), domain=_DOMAIN, metadata=error.metadata)
    ]
    if isinstance(error, InvalidFieldsError):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=field, description=text)
            for field, text in error.violations
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    return status_pb2.Status(
        code=_CODES.get(error.reason, code_pb2.INVALID_ARGUMENT),
        message=error.message,
        details=[_packed(detail) for detail in details],
    )


def _packed(message: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> NoReturn:
    if not isinstance(error, ClearstackError):
        log.error("unexpected error in a call", exc_info=error)
        error = ClearstackError(_INTERNAL_TEXT)
    await context.abort_with_status(rpc_status.to_status(as_status(error)))
    raise AssertionError  # abort does not return


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Turns what use cases raise into statuses; what nobody foresaw becomes INTERNAL with a fixed text."""

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Any, Any] | None"]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wraps the handler of a call; health has errors of its own."""
        handler = await continuation(handler_call_details)
        if handler is None or str(handler_call_details.method).startswith(_HEALTH):
            return handler
        codecs = (handler.request_deserializer, handler.response_serializer)
        if handler.stream_stream is not None:
            return grpc.stream_stream_rpc_method_handler(_streaming(handler.stream_stream), *codecs)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(_streaming(handler.unary_stream), *codecs)
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(_single(handler.stream_unary), *codecs)
        return grpc.unary_unary_rpc_method_handler(_single(handler.unary_unary), *codecs)


def _single(behaviour: Any) -> Any:
    async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            return await behaviour(request, context)
        except Exception as error:
            await _abort(context, error)

    return call


def _streaming(behaviour: Any) -> Any:
    async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        try:
            async for response in behaviour(request, context):
                yield response
        except Exception as error:
            await _abort(context, error)

    return call
