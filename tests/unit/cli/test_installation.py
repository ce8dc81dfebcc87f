import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from clearstack_cli.errors import CliError
from clearstack_cli.installation import own_installation

READY = """
import json, pathlib, signal, sys
def leave(*_):
    pathlib.Path(sys.argv[1], "stopped").touch()
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("broker: ready", file=sys.stderr)
print(json.dumps({"endpoint": "127.0.0.1:1"}), flush=True)
signal.pause()
"""
BROKEN = """
import sys
print("broker: ready", file=sys.stderr)
print("error: The port 1 is taken.\\nChoose another one.", file=sys.stderr)
sys.exit(1)
"""


def _runs(script: str) -> Callable[[Path], tuple[str, ...]]:
    return lambda data: (sys.executable, "-c", script, str(data))


def test_it_runs_as_long_as_the_block(tmp_path: Path) -> None:
    """The endpoint is what it says itself; at the end it is asked to stop, and has stopped."""
    with own_installation(tmp_path, command=_runs(READY)) as endpoint:
        assert endpoint == "127.0.0.1:1"
        assert not (tmp_path / "stopped").exists()
    assert (tmp_path / "stopped").exists()


def test_it_is_stopped_at_ctrl_c(tmp_path: Path) -> None:
    """However the block ends."""

    def interrupted() -> None:
        with own_installation(tmp_path, command=_runs(READY)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "stopped").exists()


def test_what_keeps_it_from_starting_is_passed_on(tmp_path: Path) -> None:
    """Its own sentence, whole, without its progress."""
    with (
        pytest.raises(CliError, match=r"^The port 1 is taken.\nChoose another one.$"),
        own_installation(tmp_path, command=_runs(BROKEN)),
    ):
        pytest.fail("it was not ready")
