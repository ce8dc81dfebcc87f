"""An installation that other machines can reach: where it listens, how it is probed, what the gateway is told."""

from pathlib import Path

import pytest
from clearstack_common.permissions import GATEWAY
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.services import services
from clearstack_embedded.settings import Exposure, InstallationConfig
from clearstack_embedded.spec import ProcessSpec
from clearstack_embedded.wiring import Wiring, wire
from clearstack_gateway.settings import GatewaySettings

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - with TLS and tokens


def _wired(folder: Path, exposure: Exposure) -> tuple[Wiring, dict[str, ProcessSpec]]:
    data = DataFolder(folder / "data")
    data.create()
    wiring = wire(InstallationConfig(data=data.root, exposure=exposure), data, {})
    return wiring, {spec.name: spec for spec in services(wiring)}


def test_the_gateway_alone_is_reachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It listens everywhere with TLS and tokens, and answers probes here; all other services stay on this machine."""
    cert, key, tokens = (tmp_path / name for name in ("c.pem", "k.pem", "t.json"))
    exposure = Exposure(host=_EVERYWHERE, tls_cert=cert, tls_key=key, tls_client_ca=cert, tokens=tokens)
    wiring, specs = _wired(tmp_path, exposure)
    port = wiring.gateway_address.rpartition(":")[2]
    assert wiring.endpoint == f"https://localhost:{port}"
    assert all(spec.address.startswith("127.0.0.1:") for spec in specs.values())
    for name, value in specs[GATEWAY].environment.items():
        monkeypatch.setenv(name, value)
    settings = GatewaySettings()
    assert settings.grpc_address == f"{_EVERYWHERE}:{port}"
    assert settings.health_address == specs[GATEWAY].address != settings.grpc_address
    assert (settings.tls_cert, settings.tls_key, settings.tls_client_ca) == (cert, key, cert)
    assert settings.tokens_file == tokens
    assert settings.problem() == ""
    for name, spec in specs.items():
        assert name == GATEWAY or "CLEARSTACK_TLS_KEY" not in spec.environment


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_on_this_machine_nothing_changes(tmp_path: Path, host: str) -> None:
    """One port for calls and probes, no https:// in the endpoint."""
    wiring, specs = _wired(tmp_path, Exposure(host=host))
    assert wiring.endpoint == wiring.gateway_address == specs[GATEWAY].address
    assert "CLEARSTACK_HEALTH_ADDRESS" not in specs[GATEWAY].environment


def test_an_ipv6_address_has_its_brackets() -> None:
    """As gRPC and people write it."""
    assert Exposure(host="::1").endpoint(7443) == "[::1]:7443"
    assert Exposure(host="::", tls_cert=Path("c")).endpoint(7443) == "https://localhost:7443"
