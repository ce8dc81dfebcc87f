"""MaskService."""

from clearstack.v1 import mask_service_pb2 as pb
from clearstack.v1 import mask_service_pb2_grpc as pb_grpc

from clearstack_gateway.servicers.context import Context
from clearstack_gateway.use_cases.masks import Masks


class MaskServicer(pb_grpc.MaskServiceServicer):
    """The review between the stages of autoStructN2V."""

    def __init__(self, masks: Masks) -> None:
        self._masks = masks

    async def GetMask(self, request: pb.GetMaskRequest, context: Context) -> pb.GetMaskResponse:
        """The newest mask."""
        return pb.GetMaskResponse(mask=await self._masks.get(request.training))

    async def ApproveMask(self, request: pb.ApproveMaskRequest, context: Context) -> pb.ApproveMaskResponse:
        """Goes on to stage 2."""
        return pb.ApproveMaskResponse(training=await self._masks.approve(request))

    async def RegenerateMask(
        self, request: pb.RegenerateMaskRequest, context: Context
    ) -> pb.RegenerateMaskResponse:
        """Extracts the mask anew."""
        return pb.RegenerateMaskResponse(
            training=await self._masks.regenerate(request.training, request.config)
        )

    async def SkipStageTwo(
        self, request: pb.SkipStageTwoRequest, context: Context
    ) -> pb.SkipStageTwoResponse:
        """Makes the result of stage 1 final."""
        return pb.SkipStageTwoResponse(training=await self._masks.skip(request.training))

    async def SetAutoApprove(
        self, request: pb.SetAutoApproveRequest, context: Context
    ) -> pb.SetAutoApproveResponse:
        """Switches auto-approval."""
        training = await self._masks.set_auto_approve(request.training, enabled=request.auto_approve)
        return pb.SetAutoApproveResponse(training=training)
