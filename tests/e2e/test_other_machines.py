"""An installation that other machines can reach: TLS, tokens and roles, by the command line, from upload to result."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e.support import tiffs
from e2e.support.installation import CLEARSTACK, RunningInstallation, clean_environment
from e2e.support.visitor import Visitor, chromium
from fakes.certificates import Authority

_GUESS = "cs_guess"
_SET = ("--set", "stage1.epochs=1", "--set", "stage1.features=8", "--set", "stage1.layers=1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """The installation, and how its clients reach it."""

    running: RunningInstallation
    ca: Path
    tokens: Path

    def token(self, name: str, role: str) -> str:
        """A new token."""
        made = _run("tokens", "create", "--name", name, "--role", role, "--file", str(self.tokens))
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def run(
        self, *arguments: object, token: str = "", ca: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command as somebody else runs it."""
        return _run(
            *arguments,
            CLEARSTACK_ENDPOINT=self.running.endpoint,
            CLEARSTACK_CA=str(ca or self.ca),
            CLEARSTACK_TOKEN=token,
        )


def _run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CLEARSTACK, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        env=clean_environment() | {"COLUMNS": "200"} | environment,
    )


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protected]:
    """On all addresses, with a certificate for localhost and one token."""
    folder = tmp_path_factory.mktemp("protected")
    authority = Authority(folder)
    cert, key = authority.issue("gateway")
    tokens = folder / "tokens.json"
    _run("tokens", "create", "--name", "first", "--role", "admin", "--file", str(tokens))
    running = RunningInstallation(
        data=folder / "data",
        options=(
            *("--host", "0.0.0.0"),  # noqa: S104 - that is what is tested
            *("--tls-cert", str(cert), "--tls-key", str(key), "--tokens", str(tokens)),
        ),
    )
    running.start()
    try:
        yield Protected(running=running, ca=authority.path, tokens=tokens)
    finally:
        running.stop()
    assert not running.processes()


def test_a_colleague_denoises_from_elsewhere(protected: Protected, tmp_path: Path) -> None:
    """With a token and the CA a noisy file becomes a clean one; who made it is on record; status is healthy."""
    assert protected.running.endpoint.startswith("https://localhost:")
    alice = protected.token("alice", "operator")
    noisy, clean = tiffs.write_noise(tmp_path / "noisy.tif"), tmp_path / "clean.tif"
    done = protected.run("denoise", noisy, "-o", clean, "--preset", "fast", *_SET, token=alice)
    assert done.returncode == 0, done.stderr
    assert clean.stat().st_size > 0
    listed = protected.run("stacks", "list", "--json", token=alice)
    [stack] = json.loads(listed.stdout)["stacks"]
    assert stack["creator"] == "alice"
    assert all(each["healthy"] for each in protected.running.status())


def test_whoever_may_not_is_told_so(protected: Protected, tmp_path: Path) -> None:
    """No token, a wrong one, a revoked one, a role too low, another's stack, a CA of somebody else: a sentence each."""
    noisy = tiffs.write_noise(tmp_path / "noisy.tif")
    alice, bob, eve = (
        protected.token(*each) for each in (("al", "operator"), ("bob", "operator"), ("eve", "viewer"))
    )
    uploaded = protected.run("stacks", "upload", noisy, "--json", token=alice)
    assert uploaded.returncode == 0, uploaded.stderr
    name = json.loads(uploaded.stdout)["name"]
    stranger = Authority(tmp_path, "stranger")
    for outcome, told in (
        (protected.run("stacks", "list"), "CLEARSTACK_TOKEN"),
        (protected.run("stacks", "list", token=_GUESS), "not one that this installation accepts"),
        (protected.run("stacks", "upload", noisy, token=eve), "operator"),
        (protected.run("stacks", "delete", name, token=bob), "al's"),
        (protected.run("stacks", "list", token=alice, ca=stranger.path), "CLEARSTACK_CA"),
    ):
        assert outcome.returncode == 1, outcome
        assert told in outcome.stderr
        assert "Traceback" not in outcome.stderr
    assert protected.run("stacks", "list", token=eve).returncode == 0
    _run("tokens", "revoke", "eve", "--file", str(protected.tokens))
    assert protected.run("stacks", "list", token=eve).returncode == 1
    assert protected.run("stacks", "delete", name, token=alice).returncode == 0


def test_the_page_asks_for_a_token(protected: Protected) -> None:
    """A wrong one is refused in words, a good one opens the page, and stays in this tab alone."""
    good = protected.token("page", "viewer")
    with chromium() as browser:
        context = browser.new_context(ignore_https_errors=True)
        visitor = Visitor(context.new_page(), protected.running)
        visitor.go("stacks")
        visitor.page.get_by_label("Token").fill(_GUESS)
        visitor.button("Sign in").click()
        visitor.reads("This token is not accepted")
        visitor.is_sound("a token that is refused")
        visitor.page.get_by_label("Token").fill(good)
        visitor.button("Sign in").click()
        visitor.page.get_by_role("heading", name="Stacks", exact=True).wait_for()
        assert visitor.page.get_by_label("Token").count() == 0
        other = Visitor(context.new_page(), protected.running)
        other.go("stacks")
        other.page.get_by_label("Token").wait_for()
        other.is_sound("a list by token")
