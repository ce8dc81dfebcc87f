import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]


@pytest.fixture
def training(run: Run, noisy: Path) -> str:
    """Waits for a review."""
    result = run("train", noisy, "--method", "autostructn2v", "--json")
    return str(json.loads(result.stdout.splitlines()[-1])["name"])


def test_show_draws_the_grid_with_its_centre(run: Run, training: str) -> None:
    """The grid, the statistics, and the strongest offsets."""
    result = run("mask", "show", training)
    assert result.exit_code == 0, result.output
    assert "· · · · ·\n■ ■ ◉ ■ ■\n· · · · ·" in "\n".join(line.strip() for line in result.stdout.splitlines())
    for expected in (
        "horizontal",
        "3 × 5 px",
        "33.3 %",
        "Horizontal structure",
        "+0.900",
        "20.0 σ",
        "in the mask",
    ):
        assert expected in result.stdout


def test_show_as_json_is_the_mask(run: Run, training: str) -> None:
    """The resource itself, with every plane."""
    mask = json.loads(run("mask", "show", training, "--json").stdout)
    assert mask["summary"]["pattern"] == "MASK_PATTERN_HORIZONTAL"
    assert sum(mask["planes"][0]["active"]) == 5


def test_approve_goes_on(run: Run, gateway: FakeGateway, training: str) -> None:
    """Stage 2 runs, and a second approval is refused with the gateway's sentence."""
    assert run("mask", "approve", training).exit_code == 0
    assert gateway.calls == ["approve"]
    result = run("mask", "approve", training)
    assert result.exit_code == 1
    assert "error: The training does not wait for a review." in result.stderr


def test_regenerate_sends_only_what_was_given(run: Run, gateway: FakeGateway, training: str) -> None:
    """What is not typed stays as it was."""
    assert run("mask", "regenerate", training, "--base-percentile", 70, "--no-adaptive").exit_code == 0
    sent = gateway.regenerated[0]
    assert (sent.base_percentile, sent.adaptive_thresholding) == (70, False)
    assert not sent.HasField("percentile_decay")
    assert not sent.HasField("max_masked_pixels")


def test_skip_and_auto_approve(run: Run, gateway: FakeGateway, training: str) -> None:
    """Both tell the gateway, and say so."""
    assert json.loads(run("mask", "auto-approve", training, "on", "--json").stdout)["auto_approve"] is True
    assert "final" in run("mask", "skip", training).stdout
    assert gateway.calls == ["skip"]
