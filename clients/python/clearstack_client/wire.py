"""What both clients tell gRPC: deadlines, retries, and the token in each call."""

import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

from clearstack.v1 import (
    admin_service_pb2,
    denoising_service_pb2,
    mask_service_pb2,
    model_service_pb2,
    rule_service_pb2,
    stack_service_pb2,
    training_service_pb2,
)
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

ChannelT = TypeVar("ChannelT")

_CALL_TIMEOUT = "60s"
# The whole file is read and validated, or every record is looked at, in these calls.
_LONG_TIMEOUT = "3600s"
_LONG_CALLS = frozenset({"FinalizeStack", "RebuildRecords"})
_RETRY = {
    "maxAttempts": 5,
    "initialBackoff": "0.2s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
# Done a second time, these would be refused although the first time did it.
_ONCE = ("Delete", "Update", "Approve", "Skip", "Regenerate", "Drop", "Retry")
_SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    service
    for module in (
        stack_service_pb2,
        training_service_pb2,
        mask_service_pb2,
        model_service_pb2,
        denoising_service_pb2,
        rule_service_pb2,
        admin_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
)


def options() -> list[tuple[str, str | int]]:
    """Of a channel."""
    return [
        ("grpc.service_config", json.dumps({"methodConfig": _method_configs()})),
        # The installation is on this machine or in this house; a web proxy knows neither.
        ("grpc.enable_http_proxy", 0),
        # A large preview, or a long page of a list.
        ("grpc.max_receive_message_length", 64 << 20),
        # Comes back soon after a restart of the gateway.
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]


def is_repeatable(method: MethodDescriptor) -> bool:
    """Whether a call may be sent again when nobody knows if it was done: it reads, or the request has an id."""
    if method.name.startswith("Create"):
        return "request_id" in method.input_type.fields_by_name
    return not method.name.startswith(_ONCE)


def signed(channel: ChannelT, token: str) -> ChannelT:
    """The channel, with the token in each call; gRPC's own call credentials work with TLS alone."""
    return cast("ChannelT", _Signed(channel, token)) if token else channel


class _Signed:
    """Works for blocking and for asyncio channels alike: all that a stub asks for is a callable for each method."""

    def __init__(self, channel: Any, token: str) -> None:
        self._channel = channel
        self._entry = ("authorization", f"Bearer {token}")

    def __getattr__(self, kind: str) -> Callable[..., Callable[..., Any]]:
        def method(*arguments: Any, **keywords: Any) -> Callable[..., Any]:
            call = getattr(self._channel, kind)(*arguments, **keywords)
            return lambda request, *, metadata=(), **rest: call(
                request, metadata=(*metadata, self._entry), **rest
            )

        return method


def _method_configs() -> list[dict[str, Any]]:
    methods = [
        method
        for service in _SERVICES
        for method in service.methods
        if not (method.client_streaming or method.server_streaming)
    ]
    return [
        {"name": names, "timeout": timeout} | ({"retryPolicy": _RETRY} if repeatable else {})
        for timeout, long in ((_CALL_TIMEOUT, False), (_LONG_TIMEOUT, True))
        for repeatable in (True, False)
        if (names := _names(methods, long=long, repeatable=repeatable))
    ]


def _names(methods: list[MethodDescriptor], *, long: bool, repeatable: bool) -> list[dict[str, str]]:
    return [
        {"service": method.containing_service.full_name, "method": method.name}
        for method in methods
        if (method.name in _LONG_CALLS) == long and is_repeatable(method) == repeatable
    ]
