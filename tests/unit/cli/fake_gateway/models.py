"""Models in memory."""

# ruff: noqa: D102 - the calls are described in the protos

import hashlib
from collections.abc import Iterator

import grpc
from clearstack.v1 import (
    config_pb2,
    model_service_pb2,
)
from clearstack.v1.model_service_pb2_grpc import ModelServiceServicer
from unit.cli.fake_gateway.state import State, refuse


class Models(State, ModelServiceServicer):
    """Takes any model, or none."""

    def GetModel(
        self, request: model_service_pb2.GetModelRequest, context: grpc.ServicerContext
    ) -> model_service_pb2.GetModelResponse:
        found = self._found(self.models, request.name, context)
        return model_service_pb2.GetModelResponse(model=found, links=self.links)

    def ListModels(
        self, request: model_service_pb2.ListModelsRequest, context: grpc.ServicerContext
    ) -> model_service_pb2.ListModelsResponse:
        del context
        page, token = self._page(self.models, request.page_token)
        return model_service_pb2.ListModelsResponse(models=page, next_page_token=token)

    def ImportModel(
        self, request_iterator: Iterator[model_service_pb2.ImportModelRequest], context: grpc.ServicerContext
    ) -> model_service_pb2.ImportModelResponse:
        first = next(request_iterator)
        self.imported = {}
        for request in request_iterator:
            self.imported[request.file_name] = self.imported.get(request.file_name, b"") + request.data
        if self.refuse_import:
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "MODEL_MISMATCH", self.refuse_import)
        model = model_service_pb2.Model(
            name=self._new("models"),
            display_name=first.display_name,
            origin=model_service_pb2.MODEL_ORIGIN_IMPORTED,
            method=config_pb2.METHOD_N2V,
            mode=config_pb2.MODE_2D,
            stages=[model_service_pb2.ModelStage(number=1)],
            notes=["It is applied in patches."],
        )
        self.models[model.name] = model
        return model_service_pb2.ImportModelResponse(model=model)

    def ExportModel(
        self, request: model_service_pb2.ExportModelRequest, context: grpc.ServicerContext
    ) -> Iterator[model_service_pb2.ExportModelResponse]:
        self._found(self.models, request.name, context)
        data = model_service_pb2.ModelExportFormat.Name(request.format).encode()
        sha256 = self.export_sha256 or hashlib.sha256(data).hexdigest()
        yield model_service_pb2.ExportModelResponse(size_bytes=len(data), sha256=sha256)
        yield model_service_pb2.ExportModelResponse(data=data[:9])
        yield model_service_pb2.ExportModelResponse(data=data[9:])

    def DeleteModel(
        self, request: model_service_pb2.DeleteModelRequest, context: grpc.ServicerContext
    ) -> model_service_pb2.DeleteModelResponse:
        self._found(self.models, request.name, context)
        del self.models[request.name]
        return model_service_pb2.DeleteModelResponse()
