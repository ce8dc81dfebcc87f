import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]


def test_upload_then_download_gives_the_same_bytes(run: Run, noisy: Path, tmp_path: Path) -> None:
    """What is fetched is what was sent, under its real name only."""
    uploaded = json.loads(run("stacks", "upload", noisy, "--json").stdout)
    result = run("stacks", "download", uploaded["name"], "-o", tmp_path / "back.tif")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "back.tif").read_bytes() == noisy.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["back.tif", "noisy.tif"]


@pytest.mark.parametrize("cut_after", [1 << 20, 3_500_000])
def test_upload_is_taken_up_where_it_was_cut_off(
    run: Run, gateway: FakeGateway, tmp_path: Path, cut_after: int
) -> None:
    """A lost connection costs a retry, not the file, also when only the answer is lost; the user is told once."""
    large = tmp_path / "large.tif"
    large.write_bytes(np.random.default_rng(0).bytes(3_500_000))
    gateway.cut_upload_after = cut_after
    result = run("stacks", "upload", large, "--json")
    assert result.exit_code == 0, result.output
    assert gateway.files[json.loads(result.stdout)["name"]] == large.read_bytes()
    assert result.stderr.count("Connection lost") == 1


def test_list_has_every_page(run: Run, gateway: FakeGateway, noisy: Path) -> None:
    """The JSON is one line with all stacks in one list."""
    gateway.page_size = 2
    run("stacks", "upload", noisy, noisy, noisy, noisy, noisy)
    result = run("stacks", "list", "--json")
    assert len(result.stdout.splitlines()) == 1
    assert len(json.loads(result.stdout)["stacks"]) == 5
    assert json.loads(result.stdout)["next_page_token"] == ""


def test_table_and_card_name_the_stack(run: Run, noisy: Path) -> None:
    """A person sees name, shape and state."""
    run("stacks", "upload", noisy)
    for verb in (["list"], ["show", "b001"]):
        result = run("stacks", *verb)
        assert result.exit_code == 0, result.output
        assert "noisy.tif" in result.stdout
        assert "3 slices × 16 × 16 px, uint16" in result.stdout
        assert "ready" in result.stdout


def test_an_unambiguous_beginning_is_enough(run: Run, gateway: FakeGateway, noisy: Path) -> None:
    """Ids may be shortened, to nothing less than what names one stack."""
    run("stacks", "upload", noisy, noisy)
    assert run("stacks", "delete", "b").exit_code == 0
    assert list(gateway.stacks) == ["stacks/c002"]


def test_an_ambiguous_beginning_lists_the_matches(run: Run, noisy: Path) -> None:
    """Nobody's stack is guessed at."""
    run("stacks", "upload", *[noisy] * 4)
    result = run("stacks", "delete", "b")
    assert result.exit_code == 1
    assert "b004, b001" in result.stderr


def test_an_empty_id_means_nothing(run: Run, gateway: FakeGateway, noisy: Path) -> None:
    """A script's unset variable must not delete the only stack."""
    run("stacks", "upload", noisy)
    assert run("stacks", "delete", "").exit_code == 1
    assert len(gateway.stacks) == 1


def test_an_unknown_id_is_a_sentence(run: Run) -> None:
    """It says where to look."""
    result = run("stacks", "show", "zzz")
    assert result.exit_code == 1
    assert "no stack whose id is or begins with 'zzz'" in result.stderr
    assert "clearstack stacks list" in result.stderr


def test_a_download_into_nowhere_fails_before_it_begins(run: Run, noisy: Path, tmp_path: Path) -> None:
    """The folder is checked first."""
    run("stacks", "upload", noisy)
    result = run("stacks", "download", "b001", "-o", tmp_path / "missing" / "out.tif")
    assert result.exit_code == 1
    assert "does not exist" in result.stderr
