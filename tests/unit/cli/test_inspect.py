import json
from collections.abc import Callable
from pathlib import Path

import pytest
from clearstack.v1 import config_pb2
from clearstack.v1.inspection_pb2 import (
    Clipping,
    CorrelationMap,
    Inspection,
    NoiseLevel,
    Recommendation,
    SignalDependence,
    SliceAgreement,
)
from clearstack.v1.mask_pb2 import Mask, MaskPlane, MaskSummary
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]

ROWS = Inspection(
    noise=NoiseLevel(standard_deviation=6423.4, percent_of_range=9.8, signal_to_noise=1.46),
    signal_dependence=SignalDependence(gain=1092.3, ratio=2.7),
    correlation=CorrelationMap(height=3, width=3, correlation=[0, 0, 0, 0.9, 1, 0.9, 0, 0, 0]),
    clipping=Clipping(saturated_percent=0.25),
    slice_agreement=SliceAgreement(correlation=0.74, shift_px=3, pays=True),
    mask=Mask(
        summary=MaskSummary(kernel_height=1, kernel_width=3, active_pixel_count=3),
        planes=[MaskPlane(active=[True] * 3)],
    ),
    recommendation=Recommendation(
        method=config_pb2.METHOD_AUTOSTRUCTN2V,
        mode=config_pb2.MODE_2_5D,
        reason="The noise goes together along the rows.",
        mode_reason="2.5D: neighbouring slices share 74 % of their structure.",
    ),
)
CLEAN = Inspection(
    recommendation=Recommendation(
        method=config_pb2.METHOD_N2V,
        mode=config_pb2.MODE_2D,
        nothing_to_remove=True,
        reason="There is nothing to remove.",
    )
)


def test_inspect_shows_numbers_reason_and_mask(run: Run, noisy: Path, gateway: FakeGateway) -> None:
    """A person reads the noise, the recommendation and why, and sees the mask."""  # spec: A7
    gateway.inspection = ROWS
    result = run("inspect", noisy)
    assert result.exit_code == 0, result.output
    for text in (
        "standard deviation 6,420, 9.8 % of the range",
        "about 1,090 per photon",
        "0.25 % of the pixels at the largest value",
        "share 74 %",
        "3 px further each",
        "autoStructN2V, 2.5D",
        "along the rows",
        "■ ◉ ■",
        "██◉ ██",
        "--method auto",
    ):
        assert text in result.stdout


def test_inspect_as_json_is_the_message(run: Run, noisy: Path, gateway: FakeGateway) -> None:
    """Scripts get every number."""  # spec: A7
    gateway.inspection = ROWS
    found = json.loads(run("inspect", noisy, "--json").stdout)
    assert found["recommendation"]["method"] == "METHOD_AUTOSTRUCTN2V"
    assert found["noise"]["percent_of_range"] == 9.8


def test_nothing_to_remove_is_said_plainly(run: Run, noisy: Path, gateway: FakeGateway) -> None:
    """No method is urged on a clean stack."""  # spec: A7
    gateway.inspection = CLEAN
    result = run("inspect", noisy)
    assert "leave it as it is" in result.stdout
    assert "There is nothing to remove." in result.stdout
    assert "--method auto" not in result.stdout


def test_a_stack_that_is_there_is_inspected_by_its_id(run: Run, noisy: Path, gateway: FakeGateway) -> None:
    """Nothing is sent a second time."""  # spec: A7
    uploaded = run("stacks", "upload", noisy, "--json")
    stack_id = json.loads(uploaded.stdout)["name"].removeprefix("stacks/")
    gateway.inspection = ROWS
    assert "along the rows" in run("inspect", stack_id).stdout
    assert len(gateway.stacks) == 1


@pytest.mark.parametrize("verb", ["train", "denoise"])
def test_method_auto_follows_the_recommendation(
    verb: str, run: Run, noisy: Path, gateway: FakeGateway
) -> None:
    """Method and mode are those that the stack needs, and the reason is told."""  # spec: A7
    gateway.inspection = ROWS
    result = run(verb, noisy, "--method", "auto", "--auto-approve")
    assert result.exit_code in {0, 1}, result.output
    [request] = gateway.created
    assert (request.method, request.mode) == (config_pb2.METHOD_AUTOSTRUCTN2V, config_pb2.MODE_2_5D)
    assert "takes autostructn2v, 2.5d" in result.stderr
    assert "along the rows" in result.stderr


def test_method_auto_leaves_the_mode_that_was_asked_for(run: Run, noisy: Path, gateway: FakeGateway) -> None:
    """--mode given is --mode taken."""  # spec: A7
    gateway.inspection = ROWS
    run("train", noisy, "--method", "auto", "--mode", "2d")
    assert gateway.created[0].mode == config_pb2.MODE_2D


def test_method_auto_says_when_nothing_needs_to_be_removed(
    run: Run, noisy: Path, gateway: FakeGateway
) -> None:
    """The training goes on as asked for, and the person knows better."""  # spec: A7
    gateway.inspection = CLEAN
    result = run("train", noisy, "--method", "auto")
    assert "There is nothing to remove." in result.stderr
    assert gateway.created[0].method == config_pb2.METHOD_N2V
