"""The connection to a gateway: with TLS where it is wanted, and with the caller's token."""

import os
import ssl
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from clearstack_common.access.exposure import NO_TLS, OPEN, is_loopback

from clearstack_cli.errors import CliError

_TLS = "https://"
_AUTHORIZATION = "authorization"


def open_channel(
    endpoint: str, options: Sequence[tuple[str, str | int]], environment: Mapping[str, str] = os.environ
) -> grpc.Channel:
    """A channel to `endpoint` ("host:port", with "https://" in front for TLS).

    Args:
        endpoint: Where the gateway is. Beyond this machine CLEARSTACK_CA means TLS too.
        options: Of gRPC.
        environment: CLEARSTACK_TOKEN or CLEARSTACK_TOKEN_FILE, CLEARSTACK_CA, CLEARSTACK_CLIENT_CERT and _KEY.

    Raises:
        CliError: A file cannot be read, or the token would travel for everybody to read.
    """
    address, token = endpoint.removeprefix(_TLS), _token(environment)
    if endpoint.startswith(_TLS) or (environment.get("CLEARSTACK_CA") and not is_loopback(address)):
        channel = grpc.secure_channel(address, _credentials(environment), options=options)
    else:
        if (
            token
            and not is_loopback(address)
            and environment.get("CLEARSTACK_INSECURE") not in {NO_TLS, OPEN}
        ):
            raise CliError(
                f"The token would travel to {address} for everybody to read; it was not sent. Write "
                f"--endpoint {_TLS}{address}, or CLEARSTACK_INSECURE={NO_TLS} where the network is yours alone."
            )
        channel = grpc.insecure_channel(address, options=options)
    return grpc.intercept_channel(channel, _Bearer(token)) if token else channel


def _token(environment: Mapping[str, str]) -> str:
    token = environment.get("CLEARSTACK_TOKEN", "").strip()
    if not token and (path := environment.get("CLEARSTACK_TOKEN_FILE")):
        token = _read("CLEARSTACK_TOKEN_FILE", path).decode("utf-8", "replace").strip()
    if not token.isprintable() or not token.isascii():
        raise CliError("The token in CLEARSTACK_TOKEN has characters that no token has; copy it once more.")
    return token


def _credentials(environment: Mapping[str, str]) -> grpc.ChannelCredentials:
    names = ("CLEARSTACK_CA", "CLEARSTACK_CLIENT_CERT", "CLEARSTACK_CLIENT_KEY")
    ca, cert, key = (_read(name, environment[name]) if environment.get(name) else None for name in names)
    if (cert is None) != (key is None):
        raise CliError("CLEARSTACK_CLIENT_CERT and CLEARSTACK_CLIENT_KEY belong together: set both.")
    return grpc.ssl_channel_credentials(
        root_certificates=ca or _roots_of_this_machine(), private_key=key, certificate_chain=cert
    )


def _roots_of_this_machine() -> bytes | None:
    """The CAs that this machine trusts, an institute's own included; None = those that gRPC brings."""
    path = ssl.get_default_verify_paths().cafile
    return Path(path).read_bytes() if path and os.access(path, os.R_OK) else None


def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise CliError(f"{name}={path} cannot be read: {error.strerror}.") from error


_Details = namedtuple(  # noqa: PYI024 - what gRPC reads of it has no types either
    "_Details", ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression")
)


class _Bearer(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Puts the token into each call; gRPC's own call credentials work with TLS alone."""

    def __init__(self, token: str) -> None:
        self._entry = (_AUTHORIZATION, f"Bearer {token}")

    def _call(self, continuation: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        return continuation(
            _Details(
                method=details.method,
                timeout=details.timeout,
                metadata=(*(details.metadata or ()), self._entry),
                credentials=details.credentials,
                wait_for_ready=details.wait_for_ready,
                compression=details.compression,
            ),
            request,
        )

    intercept_unary_unary = _call  # type: ignore[assignment]
    intercept_unary_stream = _call  # type: ignore[assignment]
    intercept_stream_unary = _call  # type: ignore[assignment]
    intercept_stream_stream = _call  # type: ignore[assignment]
