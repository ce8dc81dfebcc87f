"""Calls of the API, counted and timed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from clearstack_common.telemetry import Telemetry
from clearstack_common.telemetry.calls import CallInterceptor
from fakes.waiting import until
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

SERVICE = "clearstack.test.Echo"


def _refusal(reason: str) -> Any:
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason))
    return rpc_status.to_status(status_pb2.Status(code=code_pb2.NOT_FOUND, message="None.", details=[detail]))


class Echo:
    """Answers as it is asked to."""

    async def get(self, request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        """The request; `no` is refused, `bug` is one."""
        if request == b"no":
            await context.abort_with_status(_refusal("RESOURCE_NOT_FOUND"))
        if request == b"bug":
            raise ValueError
        return request

    async def watch(
        self, request: bytes, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[bytes]:
        """The request, then nothing, for ever."""
        yield request
        await asyncio.Event().wait()


@asynccontextmanager
async def _channel(telemetry: Telemetry) -> AsyncIterator[grpc.aio.Channel]:
    server, echo = grpc.aio.server(interceptors=[CallInterceptor(telemetry)]), Echo()
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Get": grpc.unary_unary_rpc_method_handler(echo.get),
        "Watch": grpc.unary_stream_rpc_method_handler(echo.watch),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]
        ) as channel:
            yield channel
    finally:
        await server.stop(0)


async def _get(channel: grpc.aio.Channel, request: bytes) -> None:
    method: Any = channel.unary_unary(f"/{SERVICE}/Get")
    await method(request)


def _count(telemetry: Telemetry, method: str, code: str) -> float:
    labels = {"method": f"{SERVICE}/{method}", "code": code}
    return telemetry.metrics.registry.get_sample_value("clearstack_grpc_request_seconds_count", labels) or 0


@pytest.mark.parametrize(("request_", "code"), [(b"yes", "OK"), (b"no", "NOT_FOUND"), (b"bug", "UNKNOWN")])
async def test_call_is_counted_by_method_and_code(request_: bytes, code: str) -> None:
    """Every outcome is counted once, under the code that the client sees."""
    telemetry = Telemetry()
    async with _channel(telemetry) as channel:
        try:
            await _get(channel, request_)
            seen = "OK"
        except grpc.aio.AioRpcError as error:
            seen = error.code().name
        assert seen == code
        await until(lambda: _count(telemetry, "Get", code) == 1)


async def test_refusal_is_counted_by_reason() -> None:
    """The reason of a refusal is the one that the client is given."""
    telemetry = Telemetry()
    labels = {"reason": "RESOURCE_NOT_FOUND"}
    sample = telemetry.metrics.registry.get_sample_value
    async with _channel(telemetry) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await _get(channel, b"no")
        await until(lambda: sample("clearstack_errors_total", labels) == 1)


async def test_open_stream_is_shown_until_its_client_goes() -> None:
    """A watcher is open while it watches, and then counted as cancelled."""
    telemetry = Telemetry()
    labels = {"method": f"{SERVICE}/Watch"}
    sample = telemetry.metrics.registry.get_sample_value
    async with _channel(telemetry) as channel:
        method: Any = channel.unary_stream(f"/{SERVICE}/Watch")
        call = method(b"x")
        assert await call.read() == b"x"
        assert sample("clearstack_grpc_open_requests", labels) == 1
        call.cancel()
        await until(lambda: _count(telemetry, "Watch", "CANCELLED") == 1)
        assert sample("clearstack_grpc_open_requests", labels) == 0
