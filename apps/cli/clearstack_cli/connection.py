"""The channel to an installation, and the six services behind it."""

import contextlib
import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
from clearstack.v1 import (
    admin_service_pb2,
    denoising_service_pb2,
    mask_service_pb2,
    model_service_pb2,
    stack_service_pb2,
    training_service_pb2,
)
from clearstack.v1.admin_service_pb2_grpc import AdminServiceStub
from clearstack.v1.denoising_service_pb2_grpc import DenoisingServiceStub
from clearstack.v1.mask_service_pb2_grpc import MaskServiceStub
from clearstack.v1.model_service_pb2_grpc import ModelServiceStub
from clearstack.v1.stack_service_pb2_grpc import StackServiceStub
from clearstack.v1.training_service_pb2_grpc import TrainingServiceStub
from clearstack_embedded.folder import data_folder
from clearstack_embedded.status import running_endpoint
from google.protobuf.descriptor import ServiceDescriptor

from clearstack_cli.channel import open_channel
from clearstack_cli.errors import CliError, from_rpc

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
_SERVICES: tuple[ServiceDescriptor, ...] = (
    stack_service_pb2.DESCRIPTOR.services_by_name["StackService"],
    training_service_pb2.DESCRIPTOR.services_by_name["TrainingService"],
    mask_service_pb2.DESCRIPTOR.services_by_name["MaskService"],
    model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
    denoising_service_pb2.DESCRIPTOR.services_by_name["DenoisingService"],
    admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The services of one installation.

    Attributes:
        endpoint: Where it is.
        flags: What a person has to add to further commands so that they reach the same installation.
    """

    endpoint: str
    flags: str
    stacks: StackServiceStub
    trainings: TrainingServiceStub
    masks: MaskServiceStub
    models: ModelServiceStub
    denoisings: DenoisingServiceStub
    admin: AdminServiceStub

    def command(self, verb: str) -> str:
        """A command for this installation, to be shown: `clearstack mask show abc`."""
        return f"`clearstack {verb}{self.flags}`"


def find_endpoint(endpoint: str | None, data: Path | None) -> str | None:
    """The endpoint that was named, else that of the installation that runs on the data folder, if any."""
    if endpoint:
        return endpoint.removeprefix("http://").removeprefix("grpc://").rstrip("/")
    return running_endpoint(data_folder(data))


def require_endpoint(endpoint: str | None, data: Path | None) -> str:
    """As `find_endpoint`.

    Raises:
        CliError: None was named, and none runs.
    """
    found = find_endpoint(endpoint, data)
    if found is None:
        raise CliError(
            f"No running installation found in {data_folder(data)}: start one with `clearstack up`, "
            "or name one with --endpoint (or CLEARSTACK_ENDPOINT)."
        )
    return found


def flags(endpoint: str | None, data: Path | None) -> str:
    """The options that name the installation, unless the environment names it anyway."""
    if endpoint and endpoint != os.environ.get("CLEARSTACK_ENDPOINT"):
        return f" --endpoint {shlex.quote(endpoint)}"
    if not endpoint and data is not None and str(data) != os.environ.get("CLEARSTACK_DATA"):
        return f" --data {shlex.quote(str(data))}"
    return ""


@contextlib.contextmanager
def connect(endpoint: str, *, flags: str = "") -> Iterator[Client]:
    """A client for the block; what the installation refuses leaves the block as a `CliError`."""
    with open_channel(endpoint, _options()) as channel:
        try:
            yield Client(
                endpoint=endpoint,
                flags=flags,
                stacks=StackServiceStub(channel),
                trainings=TrainingServiceStub(channel),
                masks=MaskServiceStub(channel),
                models=ModelServiceStub(channel),
                denoisings=DenoisingServiceStub(channel),
                admin=AdminServiceStub(channel),
            )
        except grpc.RpcError as error:
            raise from_rpc(error, endpoint) from error


def _options() -> list[tuple[str, str | int]]:
    return [
        ("grpc.service_config", json.dumps(_service_config())),
        # The installation is on this machine or in this house; a web proxy knows neither.
        ("grpc.enable_http_proxy", 0),
        # A large preview, or a long page of a list.
        ("grpc.max_receive_message_length", 64 << 20),
        # Comes back soon after a restart of the gateway.
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]


def _service_config() -> dict[str, object]:
    """Deadline and retries for every call that is no stream; all of them can be repeated without harm."""
    calls = [
        {"service": service.full_name, "method": method.name}
        for service in _SERVICES
        for method in service.methods
        if not (method.client_streaming or method.server_streaming)
    ]
    long = [call for call in calls if call["method"] in _LONG_CALLS]
    others = [call for call in calls if call not in long]
    return {
        "methodConfig": [
            {"name": others, "timeout": _CALL_TIMEOUT, "retryPolicy": _RETRY},
            {"name": long, "timeout": _LONG_TIMEOUT, "retryPolicy": _RETRY},
        ]
    }
