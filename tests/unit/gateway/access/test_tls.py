"""TLS and mutual TLS with real handshakes; and that nothing is served beyond this machine without."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from clearstack.v1.training_service_pb2 import ListPresetsRequest
from clearstack_cli.connection import connect
from clearstack_cli.errors import CliError
from clearstack_gateway.access.errors import SetupError
from clearstack_gateway.access.gatekeeper import Gatekeeper
from clearstack_gateway.access.settings import AccessSettings
from clearstack_gateway.access.tls import server_credentials
from fakes.certificates import Authority
from unit.gateway.api_rig import served, token_file
from unit.gateway.rig import Gateway

_OPEN = "everyone-may-do-everything"


def _presets(endpoint: str) -> int:
    with connect(endpoint) as client:
        return len(client.trainings.ListPresets(ListPresetsRequest(), timeout=10).presets)


async def test_the_command_line_speaks_tls(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the CA and a token it gets through; without the one or the other it says which is missing."""
    authority = Authority(tmp_path)
    cert, key = authority.issue("gateway")
    tokens = token_file(tmp_path / "tokens.json")
    monkeypatch.setenv("CLEARSTACK_CA", str(authority.path))
    monkeypatch.setenv("CLEARSTACK_TOKEN", "viewer-token")
    async with served(gateway, tls_cert=cert, tls_key=key, tokens_file=tokens) as endpoint:
        port = endpoint.rpartition(":")[2]
        assert await asyncio.to_thread(_presets, f"https://localhost:{port}") == 3
        assert await asyncio.to_thread(_presets, f"https://{endpoint}") == 3
        monkeypatch.delenv("CLEARSTACK_TOKEN")
        with pytest.raises(CliError, match="CLEARSTACK_TOKEN"):
            await asyncio.to_thread(_presets, f"https://{endpoint}")
        stranger = Authority(tmp_path, "stranger")
        monkeypatch.setenv("CLEARSTACK_CA", str(stranger.path))
        with pytest.raises(CliError, match="CLEARSTACK_CA"):
            await asyncio.to_thread(_presets, f"https://{endpoint}")
        with pytest.raises(CliError):  # no TLS at all
            await asyncio.to_thread(_presets, endpoint)


async def test_mutual_tls_wants_a_certificate_of_ours(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client without a certificate, or with a stranger's, does not even reach the gateway."""
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    cert, key = authority.issue("gateway")
    monkeypatch.setenv("CLEARSTACK_CA", str(authority.path))
    async with served(gateway, tls_cert=cert, tls_key=key, tls_client_ca=authority.path) as endpoint:
        with pytest.raises(CliError):
            await asyncio.to_thread(_presets, f"https://{endpoint}")
        for signed_by, name in ((stranger, "mallory"), (authority, "alice")):
            client_cert, client_key = signed_by.issue(name)
            monkeypatch.setenv("CLEARSTACK_CLIENT_CERT", str(client_cert))
            monkeypatch.setenv("CLEARSTACK_CLIENT_KEY", str(client_key))
            if signed_by is stranger:
                with pytest.raises(CliError):
                    await asyncio.to_thread(_presets, f"https://{endpoint}")
        assert await asyncio.to_thread(_presets, f"https://{endpoint}") == 3


def test_a_token_does_not_travel_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond this machine a token is sent with TLS, or when told explicitly."""
    monkeypatch.setenv("CLEARSTACK_TOKEN", "secret")
    with pytest.raises(CliError, match=r"https://lab\.example:7443") as caught, connect("lab.example:7443"):
        pass
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "address", ["0.0.0.0:1", "[::]:1", "192.0.2.7:1", "lab.example:1", ":1", "127.0.0.1.evil:1"]
)
@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({}, ["CLEARSTACK_TLS_CERT", "CLEARSTACK_TOKENS_FILE"]),
        ({"tls_cert": "c", "tls_key": "k"}, ["CLEARSTACK_TOKENS_FILE"]),
        ({"oidc_issuer": "i", "oidc_jwks": "j"}, ["CLEARSTACK_TLS_CERT"]),
        ({"insecure": "no-tls"}, ["CLEARSTACK_TOKENS_FILE"]),
        ({"oidc_issuer": "i", "oidc_jwks": "j", "insecure": "no-tls"}, []),
        ({"insecure": _OPEN}, []),
        ({"tls_cert": "c", "tls_key": "k", "oidc_issuer": "i", "oidc_jwks": "j"}, []),
    ],
)
def test_beyond_this_machine_protection_is_wanted(
    address: str, settings: dict[str, Any], missing: list[str]
) -> None:
    """What is missing is named; an explicit word does without."""
    problem = AccessSettings(grpc_address=address, **settings).problem()
    assert [
        name for name in ("CLEARSTACK_TLS_CERT", "CLEARSTACK_TOKENS_FILE") if f"set {name}" in problem
    ] == missing
    assert bool(problem) == bool(missing)
    assert not problem or _OPEN in problem


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "localhost:1", "unix:/run/c"])
def test_on_this_machine_nothing_is_wanted(address: str) -> None:
    """One person's machine works as it did."""
    assert AccessSettings(grpc_address=address).problem() == ""


@pytest.mark.parametrize(
    "settings",
    [
        {"grpc_address": "0.0.0.0:1"},
        {"tls_cert": "c"},
        {"tls_client_ca": "c"},
        {"oidc_issuer": "i"},
        {"tokens_file": "/nowhere/tokens.json"},
    ],
)
def test_the_gateway_does_not_start_half_protected(settings: dict[str, Any]) -> None:
    """What does not hold together ends the start with a sentence."""
    with pytest.raises(SetupError, match=r"CLEARSTACK|tokens\.json"):
        Gatekeeper(AccessSettings(**settings))


def test_a_wrong_certificate_file_is_named(tmp_path: Path) -> None:
    """A key in the place of a certificate, or nothing: the sentence names the file."""
    cert, key = Authority(tmp_path).issue("gateway")
    mistakes: list[dict[str, Any]] = [
        {"tls_cert": key, "tls_key": key},
        {"tls_cert": cert, "tls_key": tmp_path / "none"},
    ]
    for wrong in mistakes:
        with pytest.raises(SetupError, match=str(tmp_path)):
            server_credentials(AccessSettings(**wrong))
