"""Dead letters and the rebuild in memory."""

# ruff: noqa: D102 - the calls are described in the protos

import grpc
from clearstack.v1 import admin_service_pb2 as pb
from clearstack.v1.admin_service_pb2_grpc import AdminServiceServicer
from clearstack.v1.dead_letter_pb2 import DeadLetter
from unit.cli.fake_gateway.state import State


class Admin(State, AdminServiceServicer):
    """Dead letters, and a rebuild that tells what a test wants."""

    def ListDeadLetters(
        self, request: pb.ListDeadLettersRequest, context: grpc.ServicerContext
    ) -> pb.ListDeadLettersResponse:
        del request, context
        return pb.ListDeadLettersResponse(dead_letters=self.letters.values())

    def GetDeadLetter(
        self, request: pb.GetDeadLetterRequest, context: grpc.ServicerContext
    ) -> pb.GetDeadLetterResponse:
        return pb.GetDeadLetterResponse(dead_letter=self._letter(request.name, context))

    def RetryDeadLetter(
        self, request: pb.RetryDeadLetterRequest, context: grpc.ServicerContext
    ) -> pb.RetryDeadLetterResponse:
        letter = self._letter(request.name, context)
        del self.letters[request.name]
        return pb.RetryDeadLetterResponse(run=letter.run)

    def DropDeadLetter(
        self, request: pb.DropDeadLetterRequest, context: grpc.ServicerContext
    ) -> pb.DropDeadLetterResponse:
        del self.letters[self._letter(request.name, context).name]
        return pb.DropDeadLetterResponse()

    def RebuildRecords(
        self, request: pb.RebuildRecordsRequest, context: grpc.ServicerContext
    ) -> pb.RebuildRecordsResponse:
        del context
        self.calls.append(f"RebuildRecords {request.validate_only}")
        return self.rebuilt

    def DiagnoseInstallation(
        self, request: pb.DiagnoseInstallationRequest, context: grpc.ServicerContext
    ) -> pb.DiagnoseInstallationResponse:
        del request, context
        answer = pb.DiagnoseInstallationResponse()
        answer.time.GetCurrentTime()
        answer.MergeFrom(self.diagnosis)
        return answer

    def _letter(self, name: str, context: grpc.ServicerContext) -> DeadLetter:
        if name not in self.letters:
            context.abort(grpc.StatusCode.NOT_FOUND, "There is no such letter.")
        return self.letters[name]
