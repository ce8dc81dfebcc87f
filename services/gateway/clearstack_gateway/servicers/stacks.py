"""StackService."""

from collections.abc import AsyncIterator

from clearstack.v1 import stack_service_pb2 as pb
from clearstack.v1 import stack_service_pb2_grpc as pb_grpc
from clearstack_common.errors import InvalidFieldsError

from clearstack_gateway.access.caller import current_caller
from clearstack_gateway.acquisitions.lookups import Lookups
from clearstack_gateway.acquisitions.rules import Rules
from clearstack_gateway.servicers.context import Context
from clearstack_gateway.use_cases.inspections import Inspections
from clearstack_gateway.use_cases.limits import Limits
from clearstack_gateway.use_cases.sample_stacks import SAMPLES, create_sample
from clearstack_gateway.use_cases.stacks import Stacks
from clearstack_gateway.viewing.views import Views


class StackServicer(pb_grpc.StackServiceServicer):
    """TIFF stacks: uploads and results."""

    def __init__(
        self,
        stacks: Stacks,
        views: Views,
        inspections: Inspections,
        limits: Limits,
        rules: Rules,
        lookups: Lookups,
        upload_url_s: int,
    ) -> None:
        self._stacks = stacks
        self._views = views
        self._rules = rules
        self._lookups = lookups
        self._limits = limits
        self._inspections = inspections
        self._upload_url_s = upload_url_s

    async def CreateStack(self, request: pb.CreateStackRequest, context: Context) -> pb.CreateStackResponse:
        """Announces an upload."""
        creator = current_caller().name
        await self._limits.check_stacks(creator)
        stack, url = await self._stacks.create(request.display_name, request.request_id, creator)
        response = pb.CreateStackResponse(stack=stack, upload_url=url)
        response.upload_url_expire_time.GetCurrentTime()
        response.upload_url_expire_time.seconds += self._upload_url_s
        return response

    async def UploadStack(
        self, request_iterator: AsyncIterator[pb.UploadStackRequest], context: Context
    ) -> pb.UploadStackResponse:
        """Takes the bytes in chunks."""
        first = await anext(aiter(request_iterator), None)
        if first is None or not first.name:
            raise InvalidFieldsError(
                [("name", "is missing in the first message; it must look like stacks/ID")]
            )

        async def chunks() -> AsyncIterator[tuple[int, bytes]]:
            yield first.offset, first.data
            async for request in request_iterator:
                yield request.offset, request.data

        return pb.UploadStackResponse(stack=await self._stacks.upload(first.name, chunks()))

    async def FinalizeStack(
        self, request: pb.FinalizeStackRequest, context: Context
    ) -> pb.FinalizeStackResponse:
        """Ends the upload; with a rule, hands the stack over to that."""
        rule = await self._rules.get(request.rule) if request.rule else None
        stack = await self._stacks.finalize(request.name, request.size_bytes, request.sha256)
        if rule is not None:
            await self._lookups.hand_over(stack, rule)
        return pb.FinalizeStackResponse(stack=stack)

    async def GetStack(self, request: pb.GetStackRequest, context: Context) -> pb.GetStackResponse:
        """One stack."""
        return pb.GetStackResponse(stack=await self._stacks.get(request.name))

    async def ListStacks(self, request: pb.ListStacksRequest, context: Context) -> pb.ListStacksResponse:
        """One page of stacks."""
        stacks, token = await self._stacks.list(
            request.page_size,
            request.page_token,
            include_results=request.include_results,
            letters=request.filter,
        )
        return pb.ListStacksResponse(stacks=stacks, next_page_token=token)

    async def DeleteStack(self, request: pb.DeleteStackRequest, context: Context) -> pb.DeleteStackResponse:
        """Removes a stack."""
        current_caller().require_own((await self._stacks.get(request.name)).creator, "stack")
        await self._stacks.delete(request.name, request.etag)
        return pb.DeleteStackResponse()

    async def DownloadStack(
        self, request: pb.DownloadStackRequest, context: Context
    ) -> AsyncIterator[pb.DownloadStackResponse]:
        """The file's bytes."""
        async for data in self._stacks.download(request.name, request.offset):
            yield pb.DownloadStackResponse(data=data)

    async def GetStackPreview(
        self, request: pb.GetStackPreviewRequest, context: Context
    ) -> pb.GetStackPreviewResponse:
        """One slice as a picture."""
        png = await self._stacks.preview(request.name, request.slice, request.max_side)
        return pb.GetStackPreviewResponse(png=png)

    async def ListStackUploadLinks(
        self, request: pb.ListStackUploadLinksRequest, context: Context
    ) -> pb.ListStackUploadLinksResponse:
        """Links for the parts that are missing."""
        links, arrived = await self._stacks.upload_links(request.name, request.size_bytes)
        return pb.ListStackUploadLinksResponse(links=links, arrived_bytes=arrived)

    async def GetStackLink(
        self, request: pb.GetStackLinkRequest, context: Context
    ) -> pb.GetStackLinkResponse:
        """A link to the file."""
        return pb.GetStackLinkResponse(link=await self._stacks.link(request.name))

    async def ListSampleStacks(
        self, request: pb.ListSampleStacksRequest, context: Context
    ) -> pb.ListSampleStacksResponse:
        """Stacks that can be made."""
        return pb.ListSampleStacksResponse(samples=SAMPLES)

    async def CreateSampleStack(
        self, request: pb.CreateSampleStackRequest, context: Context
    ) -> pb.CreateSampleStackResponse:
        """Makes one of them."""
        creator = current_caller().name
        await self._limits.check_stacks(creator)
        stack = await create_sample(self._stacks, request.sample, request.request_id, creator)
        return pb.CreateSampleStackResponse(stack=stack)

    async def GetStackView(
        self, request: pb.GetStackViewRequest, context: Context
    ) -> pb.GetStackViewResponse:
        """What there is to be shown."""
        return await self._views.view(request.name)

    async def GetStackTile(
        self, request: pb.GetStackTileRequest, context: Context
    ) -> pb.GetStackTileResponse:
        """A square of a slice."""
        return await self._views.tile(request)

    async def InspectStack(
        self, request: pb.InspectStackRequest, context: Context
    ) -> pb.InspectStackResponse:
        """The noise, without training."""
        return pb.InspectStackResponse(inspection=await self._inspections.inspect(request.name))
