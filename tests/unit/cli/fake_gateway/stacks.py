"""Stacks in memory."""

# ruff: noqa: D102 - the calls are described in the protos

import hashlib
from collections.abc import Iterator
from typing import Any, NoReturn

import grpc
from clearstack.v1 import (
    stack_service_pb2,
)
from clearstack.v1.stack_service_pb2_grpc import StackServiceServicer
from unit.cli.fake_gateway.state import State, refuse


class Stacks(State, StackServiceServicer):
    """Takes uploads, which can be cut off."""

    def CreateStack(
        self, request: stack_service_pb2.CreateStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.CreateStackResponse:
        del context
        stack = stack_service_pb2.Stack(
            name=self._new("stacks"),
            display_name=request.display_name,
            state=stack_service_pb2.STACK_STATE_UPLOADING,
        )
        self.stacks[stack.name], self.files[stack.name] = stack, b""
        return stack_service_pb2.CreateStackResponse(stack=stack)

    def UploadStack(
        self, request_iterator: Iterator[stack_service_pb2.UploadStackRequest], context: grpc.ServicerContext
    ) -> stack_service_pb2.UploadStackResponse:
        name = ""
        for request in request_iterator:
            name = request.name or name
            if request.offset != len(self.files[name]):
                refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "UPLOAD_OFFSET_MISMATCH", "wrong offset")
            self.files[name] += request.data
            self.stacks[name].uploaded_bytes = len(self.files[name])
            if self.cut_upload_after is not None and len(self.files[name]) >= self.cut_upload_after:
                self.cut_upload_after = None
                context.abort(grpc.StatusCode.UNAVAILABLE, "cut off")
        return stack_service_pb2.UploadStackResponse(stack=self.stacks[name])

    def FinalizeStack(
        self, request: stack_service_pb2.FinalizeStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.FinalizeStackResponse:
        data, stack = self.files[request.name], self.stacks[request.name]
        if (request.size_bytes, request.sha256) != (len(data), hashlib.sha256(data).hexdigest()):
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "CHECKSUM_MISMATCH", "not the same bytes")
        self._ready(stack, data)
        return stack_service_pb2.FinalizeStackResponse(stack=stack)

    def GetStack(
        self, request: stack_service_pb2.GetStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.GetStackResponse:
        return stack_service_pb2.GetStackResponse(stack=self._found(self.stacks, request.name, context))

    def ListStacks(
        self, request: stack_service_pb2.ListStacksRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.ListStacksResponse:
        del context
        page, token = self._page(self.stacks, request.page_token)
        return stack_service_pb2.ListStacksResponse(stacks=page, next_page_token=token)

    def DeleteStack(
        self, request: stack_service_pb2.DeleteStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.DeleteStackResponse:
        self._found(self.stacks, request.name, context)
        del self.stacks[request.name]
        return stack_service_pb2.DeleteStackResponse()

    def DownloadStack(
        self, request: stack_service_pb2.DownloadStackRequest, context: grpc.ServicerContext
    ) -> Iterator[stack_service_pb2.DownloadStackResponse]:
        del context
        data = self.files[request.name][request.offset :]
        for start in range(0, len(data), 1000):
            yield stack_service_pb2.DownloadStackResponse(data=data[start : start + 1000])

    def InspectStack(
        self, request: stack_service_pb2.InspectStackRequest, context: grpc.ServicerContext
    ) -> stack_service_pb2.InspectStackResponse:
        self._found(self.stacks, request.name, context)
        return stack_service_pb2.InspectStackResponse(inspection=self.inspection)

    def _not_faked(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        del request
        refuse(context, grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED", "Not faked.")

    # Streams or not, their signatures do not matter here.
    GetStackPreview: Any = _not_faked
    ListStackUploadLinks: Any = _not_faked
    GetStackLink: Any = _not_faked
    ListSampleStacks: Any = _not_faked
    CreateSampleStack: Any = _not_faked
    GetStackView: Any = _not_faked
    GetStackTile: Any = _not_faked
