"""The whole API of a gateway on fakes, on a real gRPC server on this machine, called by nothing but its reflection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from clearstack_client import Client
from clearstack_common.access import Role, StaticToken, TokenFile, digest
from clearstack_common.telemetry import open_telemetry
from clearstack_gateway.bootstrap import SERVICE_NAMES, add_servicers, protected_server
from clearstack_gateway.settings import GatewaySettings
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from unit.gateway.rig import Gateway
from unit.gateway.survey import FakeSurvey

DEADLINE_S = 10.0
# No worker runs here: nothing is waited for.
_IMPATIENT = {"inspection_timeout_s": 0.02, "import_wait_s": 0.02, "export_wait_s": 0.02}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended: its code, and what it said."""

    code: grpc.StatusCode
    details: str = ""
    responses: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """A method as reflection describes it."""

    descriptor: MethodDescriptor

    @property
    def path(self) -> str:
        """`/package.Service/Method`."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"


class Api:
    """A client that knows nothing of the API beforehand."""

    def __init__(self, endpoint: str, token: str = "") -> None:
        self.endpoint = endpoint
        self._channel = grpc.aio.insecure_channel(endpoint)
        self._token = token

    async def methods(self) -> Sequence[Method]:
        """Every method of every service of ours."""
        return await asyncio.to_thread(self._reflect)

    def _reflect(self) -> Sequence[Method]:
        with Client(self.endpoint, token=self._token) as client:
            database = ProtoReflectionDescriptorDatabase(client.grpc.channel)
            pool = DescriptorPool(database)
            names = [name for name in database.get_services() if name.startswith("clearstack.")]
            return [Method(found) for name in names for found in pool.FindServiceByName(name).methods]

    async def call(
        self,
        method: Method,
        *requests: bytes,
        token: str | None = None,
        deadline_s: float = DEADLINE_S,
        most_responses: int = 3,
    ) -> Outcome:
        """Makes a call with messages as they stand; of a stream only the first few answers are awaited."""
        token = self._token if token is None else token
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        found = method.descriptor
        kind = ("unary", "stream")[found.client_streaming] + "_" + ("unary", "stream")[found.server_streaming]
        start = getattr(self._channel, kind)(method.path)
        sent: Any = _sent(requests) if found.client_streaming else requests[0]
        call = start(sent, metadata=metadata, timeout=deadline_s)
        try:
            responses = await _first(call, most_responses) if found.server_streaming else [await call]
        except grpc.aio.AioRpcError as error:
            return Outcome(code=error.code(), details=error.details() or "")
        finally:
            call.cancel()
        return Outcome(code=grpc.StatusCode.OK, responses=tuple(responses))

    async def close(self) -> None:
        """Hangs up."""
        await self._channel.close()


async def _sent(requests: Sequence[bytes]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


async def _first(call: Any, most: int) -> list[bytes]:
    responses: list[bytes] = []
    async for response in call:
        responses.append(response)
        if len(responses) == most:
            break
    return responses


@contextlib.asynccontextmanager
async def served(gateway: Gateway, **settings: Any) -> AsyncIterator[str]:
    """Serves the gateway's API with further settings; yields the endpoint."""
    chosen = GatewaySettings(
        **(gateway.settings.model_dump() | _IMPATIENT | {"grpc_address": "127.0.0.1:0"} | settings)
    )
    server = protected_server(chosen, open_telemetry(chosen, "gateway"))
    add_servicers(
        server,
        chosen,
        gateway.bus,
        FakeSurvey(),
        gateway.store,
        gateway.tables,
        gateway.runs,
        gateway.models,
        gateway.upkeep,
    )
    await server.start(SERVICE_NAMES)
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        await server.server.stop(None)


def token_file(path: Path) -> Path:
    """A file with a token of each role (`viewer-token` …) and one that has expired (`late-token`)."""
    now = datetime.now(UTC)
    tokens = [
        StaticToken(name=role.word, role=role.word, sha256=digest(f"{role.word}-token"), created=now)
        for role in Role
    ]
    late = StaticToken(
        name="late",
        role="admin",
        sha256=digest("late-token"),
        created=now - timedelta(days=2),
        expires=now - timedelta(days=1),
    )
    path.write_text(TokenFile(tokens=(*tokens, late)).model_dump_json())
    return path
