import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from clearstack_cli.app import app
from clearstack_cli.connection import find_endpoint, flags
from typer.testing import CliRunner, Result

Run = Callable[..., Result]


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nobody_runs_on_the_data_folder(tmp_path: Path) -> None:
    """Without any installation: one sentence with the way out."""
    result = CliRunner().invoke(
        app, ["stacks", "list", "--data", str(tmp_path)], env={"CLEARSTACK_ENDPOINT": None}
    )
    assert result.exit_code == 1
    assert "No running installation found" in result.stderr
    assert "`clearstack up`" in result.stderr


def test_nobody_answers_at_the_endpoint() -> None:
    """The endpoint is named, and what to do."""
    endpoint = f"127.0.0.1:{_closed_port()}"
    result = CliRunner().invoke(app, ["trainings", "list", "--endpoint", endpoint])
    assert result.exit_code == 1
    assert f"No installation answers at {endpoint}" in result.stderr
    assert "`clearstack status`" in result.stderr


def test_a_wrong_option_is_a_usage_error(run: Run) -> None:
    """Exit code 2, as everywhere."""
    assert run("stacks", "list", "--nonsense").exit_code == 2
    assert run("train", "x.tif", "--method", "magic").exit_code == 2


def test_an_endpoint_may_look_like_a_web_address() -> None:
    """People paste what they find."""
    assert find_endpoint("http://lab:7433/", None) == "lab:7433"


def test_shown_commands_reach_the_same_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options are repeated, unless the environment says the same."""
    assert flags("lab:7433", None) == " --endpoint lab:7433"
    assert flags(None, Path("/my data")) == " --data '/my data'"
    monkeypatch.setenv("CLEARSTACK_DATA", "/data")
    monkeypatch.setenv("CLEARSTACK_ENDPOINT", "lab:7433")
    assert flags(None, Path("/data")) == ""
    assert flags("lab:7433", Path("/data")) == ""


def test_debug_shows_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """For developers, on demand."""
    monkeypatch.setenv("CLEARSTACK_DEBUG", "1")
    assert run("stacks", "show", "zzz").exception is not None
    assert type(run("stacks", "show", "zzz").exception).__name__ == "CliError"
