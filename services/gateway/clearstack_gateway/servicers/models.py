"""ModelService."""

from collections.abc import AsyncIterator

from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1 import model_service_pb2_grpc as pb_grpc

from clearstack_gateway.servicers.context import Context
from clearstack_gateway.servicers.errors import not_in_this_version
from clearstack_gateway.use_cases.models import Models


class ModelServicer(pb_grpc.ModelServiceServicer):
    """Trained networks that can denoise further stacks."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def ImportModel(self, request: pb.ImportModelRequest, context: Context) -> pb.ImportModelResponse:
        """Not in this version."""
        raise not_in_this_version("ImportModel", "Train a model on one of your stacks instead.")

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        """One model with links to its files."""
        model, links = await self._models.get(request.name)
        return pb.GetModelResponse(model=model, links=links)

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """One page of models."""
        models, token = await self._models.list(request.page_size, request.page_token)
        return pb.ListModelsResponse(models=models, next_page_token=token)

    async def DeleteModel(self, request: pb.DeleteModelRequest, context: Context) -> pb.DeleteModelResponse:
        """Removes a model."""
        await self._models.delete(request.name, request.etag)
        return pb.DeleteModelResponse()

    async def ExportModel(
        self, request: pb.ExportModelRequest, context: Context
    ) -> AsyncIterator[pb.ExportModelResponse]:
        """Not in this version."""
        raise not_in_this_version("ExportModel", "GetModel gives links to the model's files.")
        yield  # makes it a stream
