"""The review of masks in memory."""

# ruff: noqa: D102 - the calls are described in the protos

import grpc
from clearstack.v1 import (
    mask_pb2,
    mask_service_pb2,
    training_pb2,
)
from clearstack.v1.mask_service_pb2_grpc import MaskServiceServicer
from unit.cli.fake_gateway.state import State, refuse


class Masks(State, MaskServiceServicer):
    """Always finds five pixels in a row."""

    def GetMask(
        self, request: mask_service_pb2.GetMaskRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.GetMaskResponse:
        del context
        active = [False] * 15
        for cell in (5, 6, 7, 8, 9):
            active[cell] = True
        offsets = [
            mask_pb2.OffsetCorrelation(x=x, correlation=0.9 / abs(x), certainty=20, active=True)
            for x in (-2, -1, 1, 2)
        ]
        mask = mask_pb2.Mask(
            summary=self.trainings[request.training].mask,
            planes=[
                mask_pb2.MaskPlane(
                    slice_offset=z, active=active, active_pixel_count=5, coverage_percent=100 / 3
                )
                for z in self.slice_offsets
            ],
            offsets=offsets,
        )
        return mask_service_pb2.GetMaskResponse(mask=mask)

    def ApproveMask(
        self, request: mask_service_pb2.ApproveMaskRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.ApproveMaskResponse:
        self._require_review(request.training, context)
        self.calls.append("approve")
        self.approved.append(request)
        training = self.trainings[request.training]
        self._stage(training, 2)
        self._complete(training)
        return mask_service_pb2.ApproveMaskResponse(training=training)

    def RegenerateMask(
        self, request: mask_service_pb2.RegenerateMaskRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.RegenerateMaskResponse:
        self._require_review(request.training, context)
        if request.config.base_percentile > 100:
            wrong = {"config.base_percentile": "must be 0 to 100"}
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", "wrong", wrong)
        self.calls.append("regenerate")
        self.regenerated.append(request.config)
        training = self.trainings[request.training]
        self._extract(training)
        return mask_service_pb2.RegenerateMaskResponse(training=training)

    def SkipStageTwo(
        self, request: mask_service_pb2.SkipStageTwoRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.SkipStageTwoResponse:
        self._require_review(request.training, context)
        self.calls.append("skip")
        training = self.trainings[request.training]
        training.stages[1].state = training_pb2.STAGE_STATE_SKIPPED
        self._complete(training)
        return mask_service_pb2.SkipStageTwoResponse(training=training)

    def SetAutoApprove(
        self, request: mask_service_pb2.SetAutoApproveRequest, context: grpc.ServicerContext
    ) -> mask_service_pb2.SetAutoApproveResponse:
        training = self._found(self.trainings, request.training, context)
        training.auto_approve = request.auto_approve
        return mask_service_pb2.SetAutoApproveResponse(training=training)
