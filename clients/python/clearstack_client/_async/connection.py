"""The channel to an installation, the services behind it, and calls that survive a restart of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio
from clearstack.v1.admin_service_pb2_grpc import AdminServiceStub
from clearstack.v1.denoising_service_pb2_grpc import DenoisingServiceStub
from clearstack.v1.mask_service_pb2_grpc import MaskServiceStub
from clearstack.v1.model_service_pb2_grpc import ModelServiceStub
from clearstack.v1.rule_service_pb2_grpc import RuleServiceStub
from clearstack.v1.stack_service_pb2_grpc import StackServiceStub
from clearstack.v1.training_service_pb2_grpc import TrainingServiceStub

from clearstack_client import wire
from clearstack_client._async.retrying import Patience
from clearstack_client.access import Access
from clearstack_client.errors import translated

T = TypeVar("T")


class Connection:
    """The services as gRPC has them: for what the resources of the client do not offer.

    Attributes:
        channel: For further services, such as reflection; sends the token, too.
        endpoint: Where the installation is.

    Args:
        access: Where the installation is and how to get in.
        tell: Is given a sentence when the connection is lost, and when it is back.
        patience_s: How long transfers and watches go on without a connection.
    """

    def __init__(self, access: Access, *, tell: Callable[[str], None], patience_s: float) -> None:
        credentials = access.credentials()
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(access.address, options=wire.options())
        else:
            self._channel = grpc.aio.secure_channel(access.address, credentials, options=wire.options())
        self.channel = channel = wire.signed(self._channel, access.token)
        self.endpoint = access.endpoint
        self.stacks = StackServiceStub(channel)
        self.trainings = TrainingServiceStub(channel)
        self.masks = MaskServiceStub(channel)
        self.models = ModelServiceStub(channel)
        self.denoisings = DenoisingServiceStub(channel)
        self.rules = RuleServiceStub(channel)
        self.admin = AdminServiceStub(channel)
        self._tell = tell
        self._patience_s = patience_s

    def patience(self) -> Patience:
        """For one transfer or watch."""
        return Patience(self._tell, self.endpoint, self._patience_s)

    async def call(self, method: Callable[[Any], Awaitable[T]], request: object) -> T:
        """One call.

        Raises:
            ClearstackError: It was refused or not answered.
        """
        with translated(self.endpoint):
            return await method(request)

    async def insist(
        self, method: Callable[[Any], Awaitable[T]], request: object, patience: Patience | None = None
    ) -> T:
        """A call that may be repeated, repeated while the installation is away.

        Raises:
            ClearstackError: It was refused, or the installation stays away.
        """
        patience = patience or self.patience()
        with translated(self.endpoint):
            while True:
                try:
                    return await method(request)
                except grpc.RpcError as error:
                    await patience.lost(error)

    async def pages(
        self, method: Callable[[Any], Awaitable[Any]], request: Any, field: str
    ) -> AsyncIterator[Any]:
        """The items of a list, page by page.

        Raises:
            ClearstackError: As `call`.
        """
        while True:
            page = await self.call(method, request)
            for item in getattr(page, field):
                yield item
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def close(self) -> None:
        """Ends every call."""
        await self._channel.close()
