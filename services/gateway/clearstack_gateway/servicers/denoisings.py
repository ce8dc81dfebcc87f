"""DenoisingService."""

from collections.abc import AsyncIterator

from clearstack.v1 import denoising_service_pb2 as pb
from clearstack.v1 import denoising_service_pb2_grpc as pb_grpc
from clearstack.v1.training_service_pb2 import Heartbeat

from clearstack_gateway.access.caller import current_caller
from clearstack_gateway.servicers.context import Context
from clearstack_gateway.use_cases.denoisings import Denoisings
from clearstack_gateway.use_cases.limits import Limits


class DenoisingServicer(pb_grpc.DenoisingServiceServicer):
    """Runs of a model on a stack."""

    def __init__(self, denoisings: Denoisings, limits: Limits, download_url_s: int) -> None:
        self._download_url_s = download_url_s
        self._denoisings = denoisings
        self._limits = limits

    async def CreateDenoising(
        self, request: pb.CreateDenoisingRequest, context: Context
    ) -> pb.CreateDenoisingResponse:
        """Queues a denoising."""
        creator = current_caller().name
        await self._limits.check_runs(creator)
        return pb.CreateDenoisingResponse(denoising=await self._denoisings.create(request, creator))

    async def GetDenoising(
        self, request: pb.GetDenoisingRequest, context: Context
    ) -> pb.GetDenoisingResponse:
        """One denoising."""
        return pb.GetDenoisingResponse(denoising=await self._denoisings.get(request.name))

    async def ListDenoisings(
        self, request: pb.ListDenoisingsRequest, context: Context
    ) -> pb.ListDenoisingsResponse:
        """One page of denoisings."""
        denoisings, token = await self._denoisings.list(
            request.page_size,
            request.page_token,
            include_training_steps=request.include_training_steps,
            letters=request.filter,
        )
        return pb.ListDenoisingsResponse(denoisings=denoisings, next_page_token=token)

    async def CancelDenoising(
        self, request: pb.CancelDenoisingRequest, context: Context
    ) -> pb.CancelDenoisingResponse:
        """Stops a denoising for good."""
        current_caller().require_own((await self._denoisings.get(request.name)).creator, "denoising")
        return pb.CancelDenoisingResponse(denoising=await self._denoisings.cancel(request.name))

    async def DownloadReport(
        self, request: pb.DownloadReportRequest, context: Context
    ) -> AsyncIterator[pb.DownloadReportResponse]:
        """The report's bytes."""
        async for data in self._denoisings.report(request):
            yield pb.DownloadReportResponse(data=data)

    async def GetReportLink(
        self, request: pb.GetReportLinkRequest, context: Context
    ) -> pb.GetReportLinkResponse:
        """A link to the report."""
        wanted = pb.DownloadReportRequest(name=request.name, format=request.format, stage=request.stage)
        link = await self._denoisings.report_link(wanted, self._download_url_s)
        return pb.GetReportLinkResponse(link=link)

    async def WatchDenoising(
        self, request: pb.WatchDenoisingRequest, context: Context
    ) -> AsyncIterator[pb.WatchDenoisingResponse]:
        """A snapshot, then the history, then what happens."""
        yield pb.WatchDenoisingResponse(snapshot=await self._denoisings.get(request.name))
        async for item in self._denoisings.watch(request.name, request.after_sequence):
            if item is None:
                yield pb.WatchDenoisingResponse(heartbeat=Heartbeat())
            else:
                yield pb.WatchDenoisingResponse(sequence=item[0], event=item[1])
