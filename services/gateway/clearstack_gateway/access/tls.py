"""The server's side of TLS."""

from pathlib import Path

import grpc

from clearstack_gateway.access.errors import SetupError
from clearstack_gateway.access.settings import AccessSettings


def server_credentials(settings: AccessSettings) -> grpc.ServerCredentials | None:
    """Certificate and key, and whose certificates clients must have; None = no TLS.

    Raises:
        SetupError: A file cannot be read, or is no PEM.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    pair = (_pem(settings.tls_key, "PRIVATE KEY"), _pem(settings.tls_cert, "CERTIFICATE"))
    if settings.tls_client_ca is None:
        return grpc.ssl_server_credentials([pair])
    ca = _pem(settings.tls_client_ca, "CERTIFICATE")
    return grpc.ssl_server_credentials([pair], root_certificates=ca, require_client_auth=True)


def _pem(path: Path, kind: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from error
    if f"{kind}-----".encode() not in data:
        raise SetupError(f"{path} is no PEM file with a {kind.lower()}.")
    return data
