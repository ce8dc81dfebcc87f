"""The gRPC server that every service process has: standard health and reflection, and what else it serves."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

# Names of the health service, for probes that tell the two apart.
READINESS, LIVENESS = "readiness", "liveness"
_CHECK_EVERY_S = 2.0


class ServiceServer:
    """A gRPC server that says SERVING while its backends answer.

    Args:
        address: host:port.
        interceptors: The first one sees a call first.
        credentials: Certificate and key; None = no TLS.
        max_message_bytes: Size of one request message.
        max_concurrent_calls: Open streams included; None = any number.
    """

    def __init__(
        self,
        address: str,
        interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
        *,
        credentials: grpc.ServerCredentials | None = None,
        max_message_bytes: int = 4 << 20,
        max_concurrent_calls: int | None = None,
    ) -> None:
        self.server = grpc.aio.server(
            interceptors=tuple(interceptors),
            options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", max_message_bytes)],
            maximum_concurrent_rpcs=max_concurrent_calls,
        )
        self._address = address
        self._credentials = credentials
        self._health = HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.server)
        self.port = 0

    async def start(self, service_names: Sequence[str] = ()) -> None:
        """Binds and serves.

        Raises:
            RuntimeError: The address is in use.
        """
        names = [
            *service_names,
            health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
            reflection.SERVICE_NAME,
        ]
        reflection.enable_server_reflection(names, self.server)
        if self._credentials is None:
            self.port = self.server.add_insecure_port(self._address)
        else:
            self.port = self.server.add_secure_port(self._address, self._credentials)
        await self.server.start()

    async def report_health(self, is_healthy: Callable[[], Awaitable[bool]]) -> None:
        """Keeps the health status true, for ever.

        "" and `readiness` say whether work can be done now; `liveness` says that the process answers, which is all
        that a restart could mend.
        """
        serving, not_serving = (
            health_pb2.HealthCheckResponse.SERVING,
            health_pb2.HealthCheckResponse.NOT_SERVING,
        )
        await self._health.set(LIVENESS, serving)
        while True:
            status = serving if await is_healthy() else not_serving
            for name in ("", READINESS):
                await self._health.set(name, status)
            await asyncio.sleep(_CHECK_EVERY_S)

    async def stop(self) -> None:
        """Says goodbye, gives calls in progress a second, and stops."""
        await self._health.enter_graceful_shutdown()
        await self.server.stop(grace=1.0)
