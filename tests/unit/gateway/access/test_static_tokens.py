"""The list of tokens: read, expired, revoked, broken."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack_common.access import Role, StaticToken, TokenFile, TokenFileError, digest, new_token
from clearstack_common.errors import ClearstackError
from clearstack_gateway.access.errors import SetupError
from clearstack_gateway.access.tokens import StaticTokens
from unit.gateway.api_rig import token_file


def test_a_token_names_its_caller(tmp_path: Path) -> None:
    """Name and role come from the line with the token's hash; another token has none."""
    tokens = StaticTokens(token_file(tmp_path / "tokens.json"))
    caller = tokens.caller("operator-token")
    assert caller is not None
    assert (caller.name, caller.role) == ("operator", Role.OPERATOR)
    assert tokens.caller("operator-toke") is None
    assert tokens.caller(digest("operator-token")) is None


def test_an_expired_token_is_refused_by_name(tmp_path: Path) -> None:
    """Whoever comes with it learns that its time is over."""
    with pytest.raises(ClearstackError, match="late has expired") as caught:
        StaticTokens(token_file(tmp_path / "tokens.json")).caller("late-token")
    assert caught.value.reason == error_reason_pb2.ERROR_REASON_NOT_SIGNED_IN


def test_a_revoked_token_ends_at_once(tmp_path: Path) -> None:
    """The file is read anew when it changes; one that cannot be read lets nobody in, until it is mended."""
    path = token_file(tmp_path / "tokens.json")
    tokens = StaticTokens(path)
    assert tokens.caller("viewer-token")
    assert tokens.caller("admin-token")
    good = path.read_text()
    path.write_text(TokenFile.read(path).without("viewer").model_dump_json())
    assert tokens.caller("viewer-token") is None
    assert tokens.caller("admin-token")
    path.write_text("{")
    assert tokens.caller("admin-token") is None
    path.unlink()
    assert tokens.caller("admin-token") is None
    path.write_text(good)
    assert tokens.caller("viewer-token")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"tokens": [{"name": "a"}]}',
        '{"tokens": [], "more": 1}',
        '{"tokens": [{"name": "a b", "role": "viewer", "sha256": "%s", "created": "2026-01-01T00:00:00Z"}]}'
        % ("0" * 64),
        '{"tokens": [{"name": "a", "role": "root", "sha256": "%s", "created": "2026-01-01T00:00:00Z"}]}'
        % ("0" * 64),
    ],
)
def test_a_broken_file_is_refused_at_the_start(tmp_path: Path, text: str) -> None:
    """The gateway does not start with a list that it does not understand; the sentence names the file."""
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(SetupError, match=str(path)):
        StaticTokens(path)
    with pytest.raises(TokenFileError, match=str(path)):
        TokenFile.read(path)


def test_one_name_has_one_token() -> None:
    """A new token of the same name takes the place of the earlier one; each token is another one."""
    now = datetime.now(UTC)
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    lines = [StaticToken(name="a", role="viewer", sha256=digest(token), created=now) for token in made]
    assert TokenFile(tokens=tuple(lines[:1])).with_token(lines[1]).tokens == (lines[1],)
    over = StaticToken(name="b", role="viewer", sha256="0" * 64, created=now, expires=now)
    assert over.is_expired(now)
    assert not over.is_expired(now - timedelta(seconds=1))
