"""The lines for a shell in protos/README.md, by reflection, as grpcurl would send them."""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from clearstack_client import Client
from clearstack_client.errors import status_code
from e2e.support.installation import RunningInstallation
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

_README = Path(__file__).parents[2] / "protos" / "README.md"
_CALL = re.compile(
    r"^grpcurl -plaintext -d '(?P<data>.*)' \S+ (?P<service>[\w.]+)/(?P<method>\w+)$", re.MULTILINE
)
# Of a stack or a training that is called ID.
_NOT_THERE = {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT}


def test_every_line_is_understood(installation: RunningInstallation) -> None:
    """The gateway describes itself; each line's JSON fits its method, and the gateway answers."""
    calls = list(_CALL.finditer(_README.read_text()))
    assert len(calls) == 5
    with Client(installation.endpoint) as client:
        channel = client.grpc.channel
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        assert "clearstack.v1.StackService" in database.get_services()
        assert pool.FindMessageTypeByName("clearstack.v1.CreateTrainingRequest").fields
        for call in calls:
            method = pool.FindServiceByName(call["service"]).methods_by_name[call["method"]]
            request = json_format.Parse(call["data"], GetMessageClass(method.input_type)())
            kind: Any = channel.unary_stream if method.server_streaming else channel.unary_unary
            send: Callable[[Any], Any] = kind(
                f"/{call['service']}/{call['method']}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=GetMessageClass(method.output_type).FromString,
            )
            expected = {grpc.StatusCode.OK} if "ID" not in call["data"] else _NOT_THERE
            assert _outcome(functools.partial(send, request), is_stream=method.server_streaming) in expected


def _outcome(send: Callable[[], Any], *, is_stream: bool) -> grpc.StatusCode | None:
    try:
        answer = send()
        if is_stream:
            next(iter(answer))
    except grpc.RpcError as error:
        return status_code(error)
    return grpc.StatusCode.OK
