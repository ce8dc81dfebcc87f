import stat
from pathlib import Path

import pytest
from clearstack_embedded.credentials import Credentials, load_or_create
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
    assert credentials.s3_secret_key not in repr(credentials)
    assert credentials.nats_token not in repr(credentials)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"s3_access_key": 1, "other": 2}'])
def test_broken_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    """A damaged file names itself and the way out."""
    path = tmp_path / "secrets.json"
    path.write_text(text)
    with pytest.raises(InstallationError, match=r"secrets\.json .*Delete the file"):
        load_or_create(path)
