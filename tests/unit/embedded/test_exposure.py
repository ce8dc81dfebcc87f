"""An installation that other machines can reach: where it listens, how it is probed, what the gateway is told."""

from pathlib import Path

import pytest
from clearstack_common.permissions import GATEWAY
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.services import services
from clearstack_embedded.settings import Exposure, InstallationConfig
from clearstack_embedded.spec import ProcessSpec
from clearstack_embedded.web import WEB
from clearstack_embedded.wiring import Wiring, wire
from clearstack_gateway.settings import GatewaySettings
from clearstack_web.settings import WebSettings

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - with TLS and tokens


def _wired(folder: Path, exposure: Exposure, *, web: bool = True) -> tuple[Wiring, dict[str, ProcessSpec]]:
    data = DataFolder(folder / "data")
    data.create()
    wiring = wire(InstallationConfig(data=data.root, exposure=exposure, web=web), data, {})
    return wiring, {spec.name: spec for spec in services(wiring)}


def test_the_gateway_and_the_page_alone_are_reachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They listen everywhere with TLS and tokens, and answer probes here; all other services stay on this machine."""
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
        assert name in {GATEWAY, WEB} or "CLEARSTACK_TLS_KEY" not in spec.environment


def test_the_page_is_protected_as_the_gateway_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It listens beyond this machine with the same certificate, and says that tokens are asked for."""
    cert, key, tokens = (tmp_path / name for name in ("cert.pem", "key.pem", "tokens.json"))
    wiring, specs = _wired(tmp_path, Exposure(host=_EVERYWHERE, tls_cert=cert, tls_key=key, tokens=tokens))
    for name, value in specs[WEB].environment.items():
        monkeypatch.setenv(name, value)
    settings = WebSettings()
    assert settings.web_address == wiring.web_address != settings.health_address == specs[WEB].address
    assert (settings.tls_cert, settings.tls_key) == (cert, key)
    assert (settings.endpoint, settings.ca) == (wiring.endpoint, cert)
    assert settings.web_auth == "token"
    assert settings.problem() == ""
    assert wiring.page == f"https://localhost:{wiring.web_address.rpartition(':')[2]}"


def test_the_page_gets_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the installation's nor what a person has in the environment: it faces browsers."""
    monkeypatch.setenv("CLEARSTACK_TOKEN", "secret")
    _, specs = _wired(tmp_path, Exposure())
    known = " ".join(specs[WEB].environment)
    assert "SECRET" not in known
    assert "SEED" not in known
    assert "CLEARSTACK_TOKEN" not in known


def test_without_a_page(tmp_path: Path) -> None:
    """No process, and no address."""
    wiring, specs = _wired(tmp_path, Exposure(), web=False)
    assert WEB not in specs
    assert wiring.page == ""


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
