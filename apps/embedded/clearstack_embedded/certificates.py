"""Certificates for what the processes of one installation say to each other, made anew at each start.

The authority that signs them exists for a moment only: its key is never written, so nobody can sign another one.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clearstack_embedded.folder import write_private
from clearstack_embedded.ports import HOST

# Longer than any installation runs without a restart; clocks may differ by the first.
_VALID_FROM, _VALID_FOR = timedelta(days=-1), timedelta(days=3650)
_PURPOSES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Files in PEM: a server's certificate, its key, and the authority by which others believe it."""

    authority: Path
    certificate: Path
    key: Path


def make_certificate(folder: Path, name: str) -> Certificate:
    """A certificate for the server `name` on this machine, signed by an authority of its own; replaces an old one."""
    files = Certificate(
        authority=folder / f"{name}-ca.pem", certificate=folder / f"{name}.pem", key=folder / f"{name}.key"
    )
    folder.mkdir(mode=0o700, exist_ok=True)
    authority_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    authority = _signed(f"{name}-ca", authority_key, f"{name}-ca", authority_key)
    certificate = _signed(name, key, f"{name}-ca", authority_key)
    write_private(files.authority, _pem(authority))
    write_private(files.certificate, _pem(certificate))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(files.key, secret.decode())
    return files


def _signed(
    name: str, key: EllipticCurvePrivateKey, issuer: str, issuer_key: EllipticCurvePrivateKey
) -> x509.Certificate:
    is_authority = name == issuer
    now = datetime.now(tz=UTC)
    here = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + _VALID_FROM)
        .not_valid_after(now + _VALID_FOR)
        .add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True
        )
    )
    if not is_authority:
        builder = builder.add_extension(here, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(_PURPOSES), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"clearstack-{name}")])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
