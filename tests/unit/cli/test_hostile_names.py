"""Names that an installation, or somebody else who uses it, has thought up."""

from collections.abc import Callable
from pathlib import Path

import pytest
from clearstack_cli.errors import CliError
from clearstack_cli.links import _inside
from rich.errors import MarkupError
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway
from unit.gateway.hostile import hostile_names

Run = Callable[..., Result]


def test_files_are_written_in_their_folder_or_nowhere(tmp_path: Path) -> None:
    """Five hundred names of files that an installation could give: each lies in the folder, or is refused."""
    refused = 0
    for name in hostile_names(500):
        try:
            path = _inside(tmp_path, name)
        except CliError:
            refused += 1
        else:
            assert path.resolve().is_relative_to(tmp_path.resolve())
            assert path != tmp_path
    assert 300 < refused < 500


@pytest.mark.parametrize("name", ["[/]", "[red]x", "\x1b[2Jx", "[link=file:///etc/passwd]x[/link]", "a\r\nb"])
def test_names_do_not_steer_the_terminal(run: Run, gateway: FakeGateway, noisy: Path, name: str) -> None:
    """What somebody has called a stack is shown as it is, without colours, links or control characters."""
    assert run("stacks", "upload", noisy).exit_code == 0
    [stack] = gateway.stacks.values()
    stack.display_name = name
    for command in (("stacks", "list"), ("stacks", "show", stack.name)):
        result = run(*command)
        assert result.exit_code == 0, (result.exception, MarkupError)
        assert "\x1b" not in result.stdout
        assert "\r" not in result.stdout
        assert name in result.stdout or not name.isprintable()
