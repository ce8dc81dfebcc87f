"""The channel to an installation, and the services behind it."""

import contextlib
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import clearstack_client
import grpc
from clearstack.v1.admin_service_pb2_grpc import AdminServiceStub
from clearstack.v1.denoising_service_pb2_grpc import DenoisingServiceStub
from clearstack.v1.mask_service_pb2_grpc import MaskServiceStub
from clearstack.v1.model_service_pb2_grpc import ModelServiceStub
from clearstack.v1.rule_service_pb2_grpc import RuleServiceStub
from clearstack.v1.stack_service_pb2_grpc import StackServiceStub
from clearstack.v1.training_service_pb2_grpc import TrainingServiceStub
from clearstack_embedded.folder import data_folder
from clearstack_embedded.status import running_endpoint

from clearstack_cli.errors import CliError, from_client, from_rpc
from clearstack_cli.output import note


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The services of one installation.

    Attributes:
        endpoint: Where it is.
        flags: What a person has to add to further commands so that they reach the same installation.
        api: Transfers, watches, and everything else that takes more than a call.
    """

    endpoint: str
    flags: str
    api: clearstack_client.Client
    stacks: StackServiceStub
    trainings: TrainingServiceStub
    masks: MaskServiceStub
    models: ModelServiceStub
    denoisings: DenoisingServiceStub
    rules: RuleServiceStub
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
    try:
        with clearstack_client.Client(endpoint, tell=note) as api:
            yield Client(
                endpoint=endpoint,
                flags=flags,
                api=api,
                stacks=api.grpc.stacks,
                trainings=api.grpc.trainings,
                masks=api.grpc.masks,
                models=api.grpc.models,
                denoisings=api.grpc.denoisings,
                rules=api.grpc.rules,
                admin=api.grpc.admin,
            )
    except grpc.RpcError as error:
        raise from_rpc(error, endpoint) from error
    except clearstack_client.ClearstackError as error:
        raise from_client(error) from error
