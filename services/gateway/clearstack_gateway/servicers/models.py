"""ModelService."""

from collections.abc import AsyncIterator

from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1 import model_service_pb2_grpc as pb_grpc
from clearstack_common.errors import InvalidFieldsError

from clearstack_gateway.servicers.context import Context
from clearstack_gateway.use_cases.model_exports import ModelExports, file_name
from clearstack_gateway.use_cases.model_imports import ModelImports
from clearstack_gateway.use_cases.models import Models


class ModelServicer(pb_grpc.ModelServiceServicer):
    """Trained networks that can denoise further stacks."""

    def __init__(
        self, models: Models, imports: ModelImports, exports: ModelExports, download_url_s: int
    ) -> None:
        self._download_url_s = download_url_s
        self._models = models
        self._imports = imports
        self._exports = exports

    async def ImportModel(
        self, request_iterator: AsyncIterator[pb.ImportModelRequest], context: Context
    ) -> pb.ImportModelResponse:
        """Takes a model's files in chunks."""
        first = await anext(aiter(request_iterator), None)
        if first is None:
            raise InvalidFieldsError([("file_name", "is missing: no message came")])

        async def chunks() -> AsyncIterator[tuple[str, bytes]]:
            yield first.file_name, first.data
            async for request in request_iterator:
                yield request.file_name, request.data

        model = await self._imports.take(first.display_name, first.request_id, chunks())
        return pb.ImportModelResponse(model=model)

    async def CreateModelImport(
        self, request: pb.CreateModelImportRequest, context: Context
    ) -> pb.CreateModelImportResponse:
        """Links for a model's files."""
        name, links = await self._imports.links(request.request_id, request.file_names)
        response = pb.CreateModelImportResponse(links=links)
        setattr(response, "import", name)  # a word of Python
        return response

    async def FinalizeModelImport(
        self, request: pb.FinalizeModelImportRequest, context: Context
    ) -> pb.FinalizeModelImportResponse:
        """Takes what was put to the links."""
        name = getattr(request, "import")
        model = await self._imports.take_linked(name, request.display_name)
        return pb.FinalizeModelImportResponse(model=model)

    async def GetModelExportLink(
        self, request: pb.GetModelExportLinkRequest, context: Context
    ) -> pb.GetModelExportLinkResponse:
        """A link to the model as one archive."""
        export = await self._exports.archive(request.name, request.format)
        link = await self._exports.link(request.name, export, self._download_url_s)
        return pb.GetModelExportLinkResponse(link=link)

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        """One model with links to its files."""
        model, links = await self._models.get(request.name)
        return pb.GetModelResponse(model=model, links=links)

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """One page of models."""
        models, token = await self._models.list(request.page_size, request.page_token, request.filter)
        return pb.ListModelsResponse(models=models, next_page_token=token)

    async def DeleteModel(self, request: pb.DeleteModelRequest, context: Context) -> pb.DeleteModelResponse:
        """Removes a model."""
        await self._models.delete(request.name, request.etag)
        return pb.DeleteModelResponse()

    async def ExportModel(
        self, request: pb.ExportModelRequest, context: Context
    ) -> AsyncIterator[pb.ExportModelResponse]:
        """The model as one archive."""
        export = await self._exports.archive(request.name, request.format)
        yield pb.ExportModelResponse(
            file_name=file_name(request.name, export),
            size_bytes=export.file.size_bytes,
            sha256=export.file.sha256,
        )
        async for data in self._exports.stream(export):
            yield pb.ExportModelResponse(data=data)
