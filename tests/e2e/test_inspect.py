"""A look at a stack, and the report on a result, through a real installation."""

import json
import time
from pathlib import Path

from clearstack.v1 import config_pb2
from clearstack.v1.denoising_service_pb2 import REPORT_FORMAT_JSON, DownloadReportRequest, GetDenoisingRequest
from clearstack.v1.stack_service_pb2 import InspectStackRequest, Stack
from e2e.support import configs
from e2e.support.api import Api
from e2e.support.cli import clearstack
from e2e.support.installation import RunningInstallation


def test_inspect_recommends_and_remembers(api: Api, rows: Stack) -> None:
    """Noise along rows is seen without training; the second answer is the first, at once."""  # spec: A7
    first = api.stacks.InspectStack(InspectStackRequest(name=rows.name)).inspection
    assert first.recommendation.method == config_pb2.METHOD_AUTOSTRUCTN2V
    assert "along the rows" in first.recommendation.reason
    began = time.monotonic()
    assert api.stacks.InspectStack(InspectStackRequest(name=rows.name)).inspection == first
    assert time.monotonic() - began < 1


def test_result_has_a_report(
    api: Api, white: Stack, installation: RunningInstallation, tmp_path: Path
) -> None:
    """A finished training names its report; the command line writes it as a page, the API gives it as JSON."""  # spec: F3
    training = api.until_complete(api.train(white, configs.n2v()).name)
    request = DownloadReportRequest(name=training.name, format=REPORT_FORMAT_JSON)
    facts = json.loads(b"".join(part.data for part in api.denoisings.DownloadReport(request)))
    denoising = api.denoisings.GetDenoising(GetDenoisingRequest(name=training.report)).denoising
    assert denoising.verdict.lower().startswith(facts["verdict"]["headline"])
    assert [stage["stage"] for stage in facts["losses"]] == [1]
    page = tmp_path / "report.html"
    training_id = training.name.removeprefix("trainings/")
    done = clearstack("trainings", "report", training_id, "-o", page, installation=installation)
    assert done.code == 0, done.err
    assert facts["verdict"]["headline"] in page.read_text()
