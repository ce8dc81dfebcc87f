"""Reports, as the gateway sees them."""

import pytest
from clearstack.v1.denoising_service_pb2 import REPORT_FORMAT_JSON, DownloadReportRequest
from clearstack_common.errors import WrongStateError
from clearstack_gateway.workflow.denoising import advance, start
from unit.gateway.plays import denoising_answers, job_failed, new_denoising
from unit.gateway.rig import N2V, Gateway


async def _text(gateway: Gateway, request: DownloadReportRequest) -> str:
    return b"".join([chunk async for chunk in gateway.denoisings.report(request)]).decode()


async def test_a_training_names_its_report(gateway: Gateway) -> None:
    """The report of a training is that of the denoising that made its result; by id, stage and format."""  # spec: F3
    name = (await gateway.new_training(method=N2V)).name
    training = await gateway.serve_until(name, "COMPLETE")
    assert training.report == training.result_stack.replace("stacks/", "denoisings/")
    denoising = await gateway.denoisings.get(training.report)
    assert denoising.verdict == "white"
    for file in denoising.report_files:
        await gateway.store.put_bytes(file.object_key, file.file_name.encode())
    assert await _text(gateway, DownloadReportRequest(name=name)) == "report.html"
    assert await _text(gateway, DownloadReportRequest(name=name, stage=1)) == "report.html"
    by_id = DownloadReportRequest(name=training.report, format=REPORT_FORMAT_JSON)
    assert await _text(gateway, by_id) == "report.json"


async def test_a_report_that_is_not_there_yet(gateway: Gateway) -> None:
    """Says that it comes with the result."""  # spec: F3
    name = (await gateway.new_training(method=N2V)).name
    with pytest.raises(WrongStateError, match="no result"):
        await _text(gateway, DownloadReportRequest(name=name))


def test_a_report_that_cannot_be_made_costs_a_note_and_not_the_result() -> None:
    """The denoising is complete, its stack is there, and its training knows."""  # spec: F3
    record, doing = start(new_denoising(2, training="trainings/t"), 10**6)
    for _ in range(2):  # the range, the file
        [job] = [effect.job for effect in doing if effect.HasField("job")]
        for event in denoising_answers(job):
            record, doing = advance(record, event)
    [job] = [effect.job for effect in doing if effect.HasField("job")]
    assert job.HasField("report")
    record, doing = advance(record, job_failed(job.id, "denoisings/d"))
    assert record.denoising.result_stack == "stacks/d"
    assert not record.denoising.HasField("failure")
    assert any(effect.HasField("register_stack") for effect in doing)
    [note] = doing[-1].event.denoising_finished.notes
    assert "has no report" in note
