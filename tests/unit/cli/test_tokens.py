"""`clearstack tokens`, and the options of `up` that let other machines in."""

import json
import stat
from pathlib import Path

import pytest
from clearstack_cli.app import app
from clearstack_common.access import TokenFile, digest
from typer.testing import CliRunner, Result

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - it is refused


def _tokens(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["tokens", *arguments, "--file", str(path)])


def test_a_token_is_shown_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    """Stdout is the token alone, the file is private and holds its hash, the list shows who and until when."""
    path = tmp_path / "new" / "tokens.json"
    made = _tokens(path, "create", "--name", "alice", "--role", "operator", "--days", "30")
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    assert token.startswith("cs_")
    assert token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [kept] = TokenFile.read(path).tokens
    assert (kept.name, kept.role, kept.sha256) == ("alice", "operator", digest(token))
    assert kept.expires is not None
    assert (kept.expires - kept.created).days == 30
    assert "alice" in _tokens(path, "list").stdout
    listed = json.loads(_tokens(path, "list", "--json").stdout)
    assert [each["name"] for each in listed["tokens"]] == ["alice"]
    assert "sha256" not in listed["tokens"][0]


def test_a_new_token_ends_the_old_one_and_revoke_ends_it(tmp_path: Path) -> None:
    """One name has one token; whoever is not on the list cannot be taken off it."""
    path = tmp_path / "tokens.json"
    first, second = (
        _tokens(path, "create", "--name", "a", "--role", "viewer").stdout.strip() for _ in range(2)
    )
    assert first != second
    assert [each.sha256 for each in TokenFile.read(path).tokens] == [digest(second)]
    assert _tokens(path, "revoke", "a").exit_code == 0
    assert TokenFile.read(path).tokens == ()
    again = _tokens(path, "revoke", "a")
    assert again.exit_code == 1
    assert "tokens list" in again.stderr


@pytest.mark.parametrize("name", ["", "a b", "../a", "a\x1b", "é", "a" * 65])
def test_a_name_is_a_plain_one(tmp_path: Path, name: str) -> None:
    """A name stands in logs and records: nothing else than letters, digits and a few signs."""
    refused = _tokens(tmp_path / "tokens.json", "create", "--name", name, "--role", "viewer")
    assert refused.exit_code == 2
    assert "--name" in refused.stderr
    assert not (tmp_path / "tokens.json").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--host", _EVERYWHERE), "everyone-may-do-everything"),
        (("--host", "::"), "--tls-cert"),
        (("--host", _EVERYWHERE, "--insecure", "no-tls"), "clearstack tokens create"),
        (("--tls-cert", "here.pem"), "--tls-key"),
        (("--tls-client-ca", "here.pem"), "--tls-cert"),
        (("--tokens", "/nowhere/tokens.json"), "/nowhere/tokens.json"),
    ],
)
def test_up_does_not_start_half_protected(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    """A wrong wish is refused before anything is started, with the way out."""
    environment = {"CLEARSTACK_OIDC_ISSUER": None, "CLEARSTACK_TOKENS_FILE": None}
    data = tmp_path / "data"
    refused = CliRunner().invoke(app, ["up", "--data", str(data), *options], env=environment)
    assert refused.exit_code == 2
    assert told in refused.stderr
    assert not data.exists()
