"""The reports of results: one page with pictures, or the same as JSON."""

from pathlib import Path

from clearstack.v1 import denoising_service_pb2 as pb
from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.denoising_service_pb2 import DownloadReportRequest, GetDenoisingRequest
from clearstack.v1.training_pb2 import Training
from clearstack_client.files import written_whole

from clearstack_cli.connection import Client


def download(client: Client, name: str, target: Path, *, stage: int = 0) -> None:
    """Writes the report of a training or a denoising; a name that ends in .json gets JSON.

    Raises:
        grpc.RpcError: There is no report.
        OSError: `target` cannot be written.
    """
    is_json = target.suffix.lower() == ".json"
    wanted = pb.REPORT_FORMAT_JSON if is_json else pb.REPORT_FORMAT_HTML
    request = DownloadReportRequest(name=name, format=wanted, stage=stage)
    with written_whole(target) as file:
        for response in client.denoisings.DownloadReport(request):
            file.write(response.data)


def verdict(client: Client, run: Training | Denoising) -> str:
    """What the report says of the result, in a sentence; nothing if there is no report."""
    if isinstance(run, Denoising):
        return run.verdict
    if not run.report:
        return ""
    return client.denoisings.GetDenoising(GetDenoisingRequest(name=run.report)).denoising.verdict
