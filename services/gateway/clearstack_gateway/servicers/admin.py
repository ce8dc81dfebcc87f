"""AdminService."""

from collections.abc import Callable

from clearstack.v1 import admin_service_pb2 as pb
from clearstack.v1 import admin_service_pb2_grpc as pb_grpc

from clearstack_gateway.servicers.context import Context
from clearstack_gateway.use_cases.dead_letters import DeadLetters
from clearstack_gateway.use_cases.diagnosis import Diagnosis
from clearstack_gateway.use_cases.rebuild import Rebuild


class AdminServicer(pb_grpc.AdminServiceServicer):
    """For whoever looks after the installation."""

    def __init__(self, letters: DeadLetters, rebuild: Callable[[], Rebuild], diagnosis: Diagnosis) -> None:
        self._letters = letters
        self._rebuild = rebuild
        self._diagnosis = diagnosis

    async def ListDeadLetters(
        self, request: pb.ListDeadLettersRequest, context: Context
    ) -> pb.ListDeadLettersResponse:
        """One page of dead letters."""
        letters, token = await self._letters.list(request.page_size, request.page_token)
        return pb.ListDeadLettersResponse(dead_letters=letters, next_page_token=token)

    async def GetDeadLetter(
        self, request: pb.GetDeadLetterRequest, context: Context
    ) -> pb.GetDeadLetterResponse:
        """One dead letter."""
        return pb.GetDeadLetterResponse(dead_letter=await self._letters.get(request.name))

    async def RetryDeadLetter(
        self, request: pb.RetryDeadLetterRequest, context: Context
    ) -> pb.RetryDeadLetterResponse:
        """Another chance."""
        return pb.RetryDeadLetterResponse(run=await self._letters.retry(request.name))

    async def DropDeadLetter(
        self, request: pb.DropDeadLetterRequest, context: Context
    ) -> pb.DropDeadLetterResponse:
        """Forgets a letter."""
        await self._letters.drop(request.name)
        return pb.DropDeadLetterResponse()

    async def RebuildRecords(
        self, request: pb.RebuildRecordsRequest, context: Context
    ) -> pb.RebuildRecordsResponse:
        """Restores lost records."""
        return await self._rebuild().run(validate_only=request.validate_only)

    async def DiagnoseInstallation(
        self, request: pb.DiagnoseInstallationRequest, context: Context
    ) -> pb.DiagnoseInstallationResponse:
        """What is to be mended."""
        return await self._diagnosis.run()
