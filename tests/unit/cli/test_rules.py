"""`clearstack rules …`."""

import json
from collections.abc import Callable

import pytest
from clearstack.v1 import config_pb2, rule_service_pb2
from clearstack.v1.model_service_pb2 import Model
from clearstack.v1.rule_service_pb2 import Acquisition, Rule
from clearstack.v1.stack_service_pb2 import Failure
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]


@pytest.fixture
def rule(run: Run, gateway: FakeGateway) -> Rule:
    """A rule that denoises with the model `m1`."""
    gateway.models["models/m1"] = Model(name="models/m1")
    made = run(
        "rules", "create", "--name", "night", "--prefix", "incoming/a/", "--model", "m1", "--settle", "30"
    )
    assert made.exit_code == 0, made.output
    [rule] = gateway.rules.values()
    return rule


@pytest.fixture
def failed(gateway: FakeGateway) -> Acquisition:
    """An acquisition that failed."""
    acquisition = Acquisition(
        name="acquisitions/abc123",
        key="incoming/a/broken.tif",
        state=rule_service_pb2.ACQUISITION_STATE_FAILED,
        failure=Failure(reason="TRUNCATED", message="The file ends before its data does."),
    )
    gateway.acquisitions[acquisition.name] = acquisition
    return acquisition


def test_a_rule_is_what_was_typed(rule: Rule) -> None:
    """Name, prefix, settle time and model; what was not given is left to the installation."""
    assert (rule.display_name, rule.prefix, rule.settle_time.seconds) == ("night", "incoming/a/", 30)
    assert (rule.denoise.model, rule.results_prefix) == ("models/m1", "")


def test_training_can_be_asked_for(run: Run, gateway: FakeGateway) -> None:
    """--do reuse, else train: with preset, method and single parameters."""
    options = ("--method", "n2v", "--preset", "fast", "--set", "stage1.epochs=3", "--new-only")
    assert run("rules", "create", "--do", "reuse", *options).exit_code == 0
    [rule] = gateway.rules.values()
    action = rule.reuse.otherwise
    assert (action.method, action.preset) == (config_pb2.METHOD_N2V, config_pb2.PRESET_FAST)
    assert (action.config.stage1.epochs, rule.HasField("start_time")) == (3, True)


@pytest.mark.parametrize(
    "options", [(), ("--do", "denoise"), ("--do", "train", "--model", "m1"), ("--do", "dance")]
)
def test_half_a_rule_is_refused(run: Run, gateway: FakeGateway, options: tuple[str, ...]) -> None:
    """What to do has to be said, and a model belongs to denoising."""
    result = run("rules", "create", *options)
    assert (result.exit_code, gateway.rules) == (2, {})


@pytest.mark.usefixtures("failed")
def test_rules_are_listed_and_shown(run: Run, rule: Rule) -> None:
    """With what they do, and what they have dealt with."""
    assert all(
        text in run("rules", "list").output for text in ("night", "incoming/a/*.tif", "denoise with m1")
    )
    shown = run("rules", "show", rule.name[:8]).output
    assert all(text in shown for text in ("30 s", "1 stored", "incoming/a/broken.tif", "failed"))
    assert json.loads(run("rules", "show", rule.name, "--json").stdout)["rule"]["name"] == rule.name


def test_a_rule_is_changed_field_by_field(run: Run, gateway: FakeGateway, rule: Rule) -> None:
    """Update names what was given, disable and enable the one switch."""
    assert run("rules", "update", rule.name, "--settle", "5", "--pattern", "*_c1.tif").exit_code == 0
    assert "disabled" in run("rules", "disable", rule.name).output
    assert run("rules", "enable", rule.name).exit_code == 0
    assert gateway.calls == [
        "UpdateRule file_pattern,settle_time",
        "UpdateRule disabled",
        "UpdateRule disabled",
    ]
    assert (rule.settle_time.seconds, rule.disabled, rule.prefix) == (5, False, "incoming/a/")
    assert run("rules", "update", rule.name).exit_code == 2
    assert run("rules", "delete", rule.name).exit_code == 0
    assert not gateway.rules


def test_failures_are_listed_and_retried(run: Run, gateway: FakeGateway, failed: Acquisition) -> None:
    """With the reason; by the beginning of an id, or all at once; then there are none."""
    assert "ends before its data does" in run("rules", "failures").output
    assert run("rules", "retry").exit_code == 2
    assert "broken.tif" in run("rules", "retry", "abc").output
    assert gateway.acquisitions[failed.name].state == rule_service_pb2.ACQUISITION_STATE_CLAIMED
    assert "No failures" in run("rules", "failures").output
    assert "No failures" in run("rules", "retry", "--all").output
    assert "no acquisition" in run("rules", "retry", "zzz").output
