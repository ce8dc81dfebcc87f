"""`clearstack doctor`."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clearstack.v1 import admin_service_pb2 as pb
from clearstack_common.version import code_version
from clearstack_embedded.checks import check_folder
from clearstack_embedded.folder import DataFolder
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]
_BAD = pb.Finding(check="streams", verdict=pb.VERDICT_BAD, found="Not there: X.", mend="Start it again.")
_WARN = pb.Finding(check="dead letters", verdict=pb.VERDICT_WARN, found="3 were given up.", mend="List them.")


@pytest.fixture
def healthy(gateway: FakeGateway) -> FakeGateway:
    """A gateway that finds nothing."""
    gateway.diagnosis.version = code_version()
    return gateway


@pytest.mark.usefixtures("healthy")
def test_a_whole_installation_ends_with_zero(run: Run) -> None:
    """The connection, the versions and the clocks are told, too."""
    result = run("doctor")
    assert result.exit_code == 0
    assert code_version() in result.output
    assert "differ by 0 s" in result.output


def test_warnings_end_with_zero_and_bad_ones_with_one(run: Run, healthy: FakeGateway) -> None:
    """Each with what to do."""
    healthy.diagnosis.findings.append(_WARN)
    warned = run("doctor")
    assert warned.exit_code == 0
    assert "List them." in warned.output
    healthy.diagnosis.findings.append(_BAD)
    result = run("doctor", "--json")
    assert result.exit_code == 1
    findings = json.loads(result.stdout)["findings"]
    assert [each["verdict"] for each in findings if each["check"] == "streams"] == ["VERDICT_BAD"]


def test_another_version_and_another_time_want_a_look(run: Run, healthy: FakeGateway) -> None:
    """Neither stops the work."""
    healthy.diagnosis.version = "0.0.9"
    healthy.diagnosis.time.FromSeconds(int(time.time()) - 600)
    result = run("doctor", "--json")
    assert result.exit_code == 0
    verdicts = {each["check"]: each["verdict"] for each in json.loads(result.stdout)["findings"]}
    assert verdicts["gateway"] == verdicts["clock"] == "VERDICT_WARN"


def test_a_gateway_that_does_not_answer_is_bad(run: Run) -> None:
    """One line, no traceback."""
    result = run("doctor", "--endpoint", "127.0.0.1:1")
    assert result.exit_code == 1
    assert "No installation answers" in result.output


def test_a_folder_without_a_running_installation_is_bad(tmp_path: Path) -> None:
    """And keys that others can read are told; without any installation nothing is."""
    folder = DataFolder(tmp_path / "data")
    assert check_folder(folder.root) == []
    folder.create()
    folder.secrets.write_text("{}")
    folder.secrets.chmod(0o644)
    verdicts = {each.check: each.verdict for each in check_folder(folder.root)}
    assert verdicts["processes"] == verdicts["secrets"] == "bad"
    folder.secrets.chmod(0o600)
    assert {each.check: each.verdict for each in check_folder(folder.root)}["secrets"] == "ok"
