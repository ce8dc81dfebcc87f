"""How to get in: TLS, certificates and the caller's token."""

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from clearstack_client.errors import ClearstackError

_TLS = "https://"
_OPEN_ON_PURPOSE = frozenset({"no-tls", "everyone-may-do-everything"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where an installation is and what it is shown.

    Attributes:
        endpoint: "host:port"; with "https://" in front for TLS.
        token: Of `clearstack tokens create`, or of the identity provider; empty = none.
        ca: PEM file of the CA that has signed the installation's certificate; beyond this machine it means TLS.
        client_cert: PEM file of a certificate of one's own, for mutual TLS.
        client_key: PEM file of its key.
        insecure: `no-tls` sends the token in the open; for a network that is yours alone.
    """

    endpoint: str
    token: str = ""
    ca: str = ""
    client_cert: str = ""
    client_key: str = ""
    insecure: str = ""

    @classmethod
    def of(cls, endpoint: str, environment: Mapping[str, str] = os.environ, **given: str | None) -> "Access":
        """What is given, and for the rest CLEARSTACK_TOKEN (or _TOKEN_FILE), _CA, _CLIENT_CERT, _CLIENT_KEY, _INSECURE.

        Raises:
            ClearstackError: No endpoint, or a token that is none.
        """
        found = {
            name: given.get(name) or environment.get(f"CLEARSTACK_{name.upper()}", "")
            for name in ("ca", "client_cert", "client_key", "insecure")
        }
        where = (endpoint or environment.get("CLEARSTACK_ENDPOINT", "")).rstrip("/")
        if not where:
            raise ClearstackError(
                "No installation was named: give `endpoint`, or set CLEARSTACK_ENDPOINT. `clearstack up` prints it."
            )
        access = cls(endpoint=where.removeprefix("http://").removeprefix("grpc://"), **found)
        return replace(access, token=_token(given.get("token") or "", environment))

    @property
    def address(self) -> str:
        """The endpoint as "host:port"."""
        return self.endpoint.removeprefix(_TLS)

    def credentials(self) -> grpc.ChannelCredentials | None:
        """For TLS; None = without.

        Raises:
            ClearstackError: A file cannot be read, or the token would travel for everybody to read.
        """
        if self.endpoint.startswith(_TLS) or (self.ca and not _is_loopback(self.address)):
            return self._tls()
        if self.token and not _is_loopback(self.address) and self.insecure not in _OPEN_ON_PURPOSE:
            raise ClearstackError(
                f"The token would travel to {self.address} for everybody to read; it was not sent. Write "
                f"{_TLS}{self.address}, or CLEARSTACK_INSECURE=no-tls where the network is yours alone."
            )
        return None

    def _tls(self) -> grpc.ChannelCredentials:
        if bool(self.client_cert) != bool(self.client_key):
            raise ClearstackError(
                "CLEARSTACK_CLIENT_CERT and CLEARSTACK_CLIENT_KEY belong together: set both."
            )
        ca, cert, key = (
            _read(f"CLEARSTACK_{name}", path) if path else None
            for name, path in (
                ("CA", self.ca),
                ("CLIENT_CERT", self.client_cert),
                ("CLIENT_KEY", self.client_key),
            )
        )
        return grpc.ssl_channel_credentials(
            root_certificates=ca or _roots_of_this_machine(), private_key=key, certificate_chain=cert
        )


def _token(given: str, environment: Mapping[str, str]) -> str:
    token = given or environment.get("CLEARSTACK_TOKEN", "")
    if not token.strip() and (path := environment.get("CLEARSTACK_TOKEN_FILE")):
        token = _read("CLEARSTACK_TOKEN_FILE", path).decode("utf-8", "replace")
    token = token.strip()
    if not token.isprintable() or not token.isascii():
        raise ClearstackError(
            "The token in CLEARSTACK_TOKEN has characters that no token has; copy it once more."
        )
    return token


def _roots_of_this_machine() -> bytes | None:
    """The CAs that this machine trusts, an institute's own included; None = those that gRPC brings."""
    path = ssl.get_default_verify_paths().cafile
    return Path(path).read_bytes() if path and os.access(path, os.R_OK) else None


def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ClearstackError(f"{name}={path} cannot be read: {error.strerror}.") from error


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if address.startswith(("unix:", "unix-abstract:")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name: it may be anything
