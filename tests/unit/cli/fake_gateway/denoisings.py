"""Denoisings in memory."""

# ruff: noqa: D102 - the calls are described in the protos

from collections.abc import Iterator

import grpc
from clearstack.v1 import (
    denoising_pb2,
    denoising_service_pb2,
)
from clearstack.v1.denoising_service_pb2_grpc import (
    DenoisingServiceServicer,
)
from unit.cli.fake_gateway.state import State


class Denoisings(State, DenoisingServiceServicer):
    """Denoises at once."""

    def CreateDenoising(
        self, request: denoising_service_pb2.CreateDenoisingRequest, context: grpc.ServicerContext
    ) -> denoising_service_pb2.CreateDenoisingResponse:
        del context
        denoising = denoising_pb2.Denoising(
            name=self._new("denoisings"),
            stack=request.stack,
            model=request.model,
            output_dtype=request.output_dtype,
            state=denoising_pb2.DENOISING_STATE_COMPLETE,
            result_stack=self._result(request.stack),
        )
        self.denoisings[denoising.name] = denoising
        return denoising_service_pb2.CreateDenoisingResponse(denoising=denoising)

    def DownloadReport(
        self, request: denoising_service_pb2.DownloadReportRequest, context: grpc.ServicerContext
    ) -> Iterator[denoising_service_pb2.DownloadReportResponse]:
        is_json = request.format == denoising_service_pb2.REPORT_FORMAT_JSON
        for part in ("{", "}") if is_json else ("<html>", f"{request.name} {request.stage}</html>"):
            yield denoising_service_pb2.DownloadReportResponse(data=part.encode())

    def GetDenoising(
        self, request: denoising_service_pb2.GetDenoisingRequest, context: grpc.ServicerContext
    ) -> denoising_service_pb2.GetDenoisingResponse:
        found = self._found(self.denoisings, request.name, context)
        return denoising_service_pb2.GetDenoisingResponse(denoising=found)

    def ListDenoisings(
        self, request: denoising_service_pb2.ListDenoisingsRequest, context: grpc.ServicerContext
    ) -> denoising_service_pb2.ListDenoisingsResponse:
        del context
        page, token = self._page(self.denoisings, request.page_token)
        return denoising_service_pb2.ListDenoisingsResponse(denoisings=page, next_page_token=token)

    def CancelDenoising(
        self, request: denoising_service_pb2.CancelDenoisingRequest, context: grpc.ServicerContext
    ) -> denoising_service_pb2.CancelDenoisingResponse:
        found = self._found(self.denoisings, request.name, context)
        found.state = denoising_pb2.DENOISING_STATE_CANCELLED
        return denoising_service_pb2.CancelDenoisingResponse(denoising=found)

    def WatchDenoising(
        self, request: denoising_service_pb2.WatchDenoisingRequest, context: grpc.ServicerContext
    ) -> Iterator[denoising_service_pb2.WatchDenoisingResponse]:
        del context
        yield denoising_service_pb2.WatchDenoisingResponse(snapshot=self.denoisings[request.name])
