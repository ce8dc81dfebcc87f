import json
import stat
from pathlib import Path

import pytest
from clearstack_common.listener import LISTENER
from clearstack_common.permissions import SERVICES
from clearstack_embedded.credentials import OPERATOR, Credentials, load_or_create
from clearstack_embedded.errors import InstallationError


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """A second start finds the keys that the data was written with."""
    path = tmp_path / "secrets.json"
    assert load_or_create(path) == load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_installation_has_its_own() -> None:
    """Nothing about the keys is fixed."""
    assert Credentials.generate() != Credentials.generate()


def test_secrets_do_not_show_in_a_repr() -> None:
    """A log line or traceback that shows the object gives nothing away."""
    credentials = Credentials.generate()
    for account in credentials.accounts.values():
        assert account.s3_secret_key not in repr(credentials)
        assert account.nkey_seed not in repr(credentials)


def test_each_service_has_its_own(tmp_path: Path) -> None:
    """No two accounts share anything, and the broker knows each by the public half of its key."""
    accounts = load_or_create(tmp_path / "secrets.json").accounts
    assert set(accounts) == {*SERVICES, LISTENER, OPERATOR}
    for field in ("nkey_seed", "nkey", "s3_access_key", "s3_secret_key"):
        assert len({getattr(account, field) for account in accounts.values()}) == len(accounts)
    assert all(account.nkey.startswith("U") for account in accounts.values())


def test_an_earlier_version_had_no_account_for_listeners(tmp_path: Path) -> None:
    """It is added, and everybody else's keys stay."""
    path = tmp_path / "secrets.json"
    before = load_or_create(path)
    accounts = json.loads(path.read_text())
    del accounts[LISTENER]
    path.write_text(json.dumps(accounts))
    after = load_or_create(path)
    assert {**after.accounts, LISTENER: None} == {**before.accounts, LISTENER: None}
    assert after.of(LISTENER) != before.of(LISTENER)


def test_file_of_the_first_version_is_replaced(tmp_path: Path) -> None:
    """An installation from before keys were told apart starts, with new keys that stay."""
    path = tmp_path / "secrets.json"
    path.write_text('{"s3_access_key": "a", "s3_secret_key": "b", "nats_token": "c"}')
    found = load_or_create(path)
    assert found == load_or_create(path)
    assert found.of("trainer") != found.of("gateway")
    assert "nats_token" not in path.read_text()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"gateway": {"nkey_seed": "SUAsecret"}}'])
def test_broken_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    """A damaged file names itself and the way out, and nothing of what is in it."""
    path = tmp_path / "secrets.json"
    path.write_text(text)
    with pytest.raises(InstallationError, match=r"secrets\.json .*Delete the file") as refusal:
        load_or_create(path)
    assert "SUAsecret" not in str(refusal.value)
