"""Asking a process whether it works, each kind in its own protocol; synchronous and bounded in time."""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Literal

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

ProbeKind = Literal["grpc", "nats", "http"]
TIMEOUT_S = 2.0
# The proxies of the environment are not for 127.0.0.1, and each check must connect anew.
_CHANNEL_OPTIONS = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The answer: `answered` tells a process that says "not now" from one that hangs."""

    healthy: bool
    answered: bool = True
    version: str | None = None
    detail: str = ""


def check(kind: ProbeKind, address: str, timeout_s: float = TIMEOUT_S) -> Health:
    """Ask whatever listens on `address` ("host:port"); never raises."""
    probes = {"grpc": _grpc, "nats": _nats, "http": _http}
    return probes[kind](address, timeout_s)


def listens(pid: int, address: str) -> bool:
    """Whether the process (or a child of it) listens on `address`: a stranger's server is never taken for ours."""
    host, port = split(address)
    try:
        process = psutil.Process(pid)
        return any(
            connection.status == psutil.CONN_LISTEN
            and connection.laddr.port == port
            and connection.laddr.ip in (host, f"::ffff:{host}")  # gRPC listens on IPv4 by an IPv6 socket
            for each in (process, *process.children(recursive=True))
            for connection in each.net_connections(kind="tcp")
        )
    except (psutil.Error, OSError):  # it ended while we looked
        return False


def split(address: str) -> tuple[str, int]:
    """The host and the port of "127.0.0.1:7443"."""
    host, _, port = address.rpartition(":")
    return host, int(port)


def _grpc(address: str, timeout_s: float) -> Health:
    with grpc.insecure_channel(address, options=_CHANNEL_OPTIONS) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=timeout_s
            )
        except grpc.RpcError as error:
            code = error.code()
            silent = code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
            return Health(healthy=False, answered=not silent, detail=f"health check: {code.name}")
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status)
    return Health(healthy=name == "SERVING", detail="" if name == "SERVING" else f"says {name}")


def _nats(address: str, timeout_s: float) -> Health:
    # After the handshake the server greets with "INFO {json}" before it asks who is there; nothing secret is said, so
    # it does not matter who it is.
    try:
        with (
            socket.create_connection(split(address), timeout=timeout_s) as bare,
            _anybody().wrap_socket(bare) as connection,
        ):
            line = connection.makefile("rb").readline(65_536)
        verb, _, body = line.partition(b" ")
        info = dict(json.loads(body))
    except (OSError, ValueError, TypeError) as error:
        return Health(healthy=False, answered=False, detail=f"no greeting: {error}")
    ready = verb == b"INFO" and bool(info.get("jetstream"))
    return Health(
        healthy=ready, version=info.get("version"), detail="" if ready else "JetStream is not ready"
    )


def _anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _http(address: str, timeout_s: float) -> Health:
    connection = http.client.HTTPConnection(*split(address), timeout=timeout_s)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Health(healthy=False, answered=False, detail=f"/healthz: {error}")
    finally:
        connection.close()
    healthy = status == http.client.OK
    return Health(healthy=healthy, detail="" if healthy else f"/healthz answers {status}")
